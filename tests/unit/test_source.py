"""Reading an exercise source: header, cells and their lines, and what makes a file no source."""

import inspect
import traceback

import pytest

from perflab.course.errors import CourseError, SourceError
from perflab.course.notebook import instructor
from perflab.course.source import load, read, read_all, run_cell, with_answer


@pytest.fixture
def path(course):
    return course / "solutions" / "memory" / "tiny.py"


@pytest.fixture
def exercise(path):
    return read(path)


def test_the_header_is_read(exercise):
    header = exercise.header
    assert exercise.name == "memory/tiny"
    assert (header.title, header.chapter, header.stars, header.minutes) == ("Tiny sums", "memory/sums", 1, 10)
    assert header.covers == ("memory/sums/once",)
    assert header.forbids == ()


@pytest.mark.parametrize(
    ("line", "forbids"),
    [
        ("forbids:", ()),
        ("forbids: []", ()),
        ("forbids: [perflab.models.lines]", ("perflab.models.lines",)),
    ],
)
def test_forbidden_modules_are_optional(path, tiny, line, forbids):
    path.write_text(tiny.replace("#   stars: 1", f"#   {line}\n#   stars: 1"))
    exercise = read(path)
    assert exercise.header.forbids == forbids
    heads = {
        cell.source.splitlines()[1] for cell in instructor(exercise).cells if cell.source.startswith("# grade_id")
    }
    assert (heads == {"# without: perflab.models.lines"}) == bool(forbids)


def test_a_tests_cell_may_name_its_hints(path, tiny):
    path.write_text(
        tiny.replace('grade_id="tiny_correct" points=2', 'grade_id="tiny_correct" points=2 hints=[2, 3]')
    )
    assert [cell.hints for cell in read(path).of_role("tests")] == [[2, 3], None]


def test_cells_carry_role_id_and_points(exercise):
    graded = {cell.grade_id: (cell.role, cell.points) for cell in exercise.cells if cell.grade_id}
    assert graded == {
        "tiny_given": ("given", None),
        "tiny_guess": ("predict", None),
        "tiny_answer": ("answer", None),
        "tiny_correct": ("tests", 2),
        "tiny_speed": ("tests", 1.5),
        "tiny_show": ("show", None),
        "tiny_explain": ("explain", 2),
    }
    assert exercise.points == 3.5
    assert [cell.grade_id for cell in exercise.of_role("tests", "answer")] == [
        "tiny_answer",
        "tiny_correct",
        "tiny_speed",
    ]


def test_every_cell_knows_its_line(exercise, tiny):
    lines = tiny.splitlines()
    for cell in exercise.cells:
        assert lines[cell.line - 2].startswith("# %%")
        prefix = "# " if cell.kind == "markdown" else ""
        assert lines[cell.line - 1] == prefix + cell.source.splitlines()[0]


def test_blank_lines_do_not_move_a_cells_lines(path, tiny):
    text = tiny.replace('grade_id="tiny_given"\n', 'grade_id="tiny_given"\n\n\n')
    path.write_text(text)
    (given,) = read(path).of_role("given")
    position = given.source.splitlines().index("import numpy as np")
    assert text.splitlines()[given.line - 1 + position] == "import numpy as np"


def test_windows_line_ends_make_no_difference(path, tiny, exercise):
    path.write_bytes(tiny.replace("\n", "\r\n").encode())
    assert read(path).cells == exercise.cells


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("# ---\n# perflab:", "# perflab:", "no header"),
        ("# ---\n\n# %%", "\n# %%", "no header"),
        ("# perflab:", "# other:", "the header is broken"),
        ("# perflab:", "# perflab: [", "the header is broken"),
        ("#   stars: 1\n", "", "missing: stars"),
        ("#   stars: 1\n", "#   stars: 1\n#   level: 2\n", "unknown: level"),
        ("[memory/sums/once]", "3", "the header is broken"),
        ("# ---\n\n# %%", "# ---\nimport os\n# %%", "every cell starts with a marker"),
    ],
)
def test_what_is_no_source_is_said_with_file_and_line(path, tiny, old, new, sentence):
    assert tiny.count(old) == 1
    path.write_text(tiny.replace(old, new))
    with pytest.raises(SourceError, match=sentence) as caught:
        read(path)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line >= 1) == (path, True)
    assert str(caught.value).startswith(f"{path}:{problem.line}: ")
    assert "\n" not in problem.message


def test_an_empty_file_is_no_source(path):
    path.write_text("")
    with pytest.raises(SourceError, match="no header"):
        read(path)


def test_a_file_that_is_no_text_cannot_be_read(path):
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="cannot be read"):
        read(path)


def test_a_missing_file_cannot_be_read(path):
    with pytest.raises(CourseError, match="cannot be read"):
        read(path.with_name("none.py"))


def test_all_sources_come_in_the_order_of_areas_and_names(course, add_source):
    for name in ("memory/b", "cpu/z", "memory/a"):
        add_source(name)
    assert [e.name for e in read_all(course / "solutions")] == ["cpu/z", "memory/a", "memory/b", "memory/tiny"]


def test_the_problems_of_all_broken_files_come_together(course, add_source):
    add_source("memory/a", "no header")
    add_source("cpu/b", "neither")
    with pytest.raises(SourceError) as caught:
        read_all(course / "solutions")
    assert {problem.path.name for problem in caught.value.problems} == {"a.py", "b.py"}


def test_another_answer_takes_the_place_of_the_first(exercise, course, add_source, tiny):
    two = tiny.replace(
        '# %% role="tests" grade_id="tiny_c',
        '# %% role="answer" grade_id="x"\n\n# %% role="tests" grade_id="tiny_c',
    )
    first, second = with_answer(read(add_source("memory/two", two)), "\nnew = 1\n").of_role("answer")
    assert (first.source, second.source) == ("new = 1", "")
    assert len(exercise.of_role("answer")) == 1


def test_loading_runs_the_cells_of_some_roles(path):
    names = load(path)
    assert names.add([1.0, 2.0]) == names.slow([1.0, 2.0]) == 3.0
    assert not hasattr(names, "guess")
    assert load(path, roles=("predict",)).guess is None


def test_a_loaded_function_shows_its_lines(path):
    names = load(path)
    assert "secret_solution" in inspect.getsource(names.add)
    with pytest.raises(TypeError) as caught:
        names.add(3)
    assert traceback.extract_tb(caught.tb)[-1].line == "secret_solution = sum(numbers)"


RECURSIVE = """
from numba import njit


@njit
def halvings(n):
    if n < 2:
        return 0
    return 1 + halvings(n // 2)
"""


def test_a_loaded_function_may_be_compiled_and_call_itself(path):
    path.write_text(path.read_text().replace("def slow(", f"{RECURSIVE}\n\ndef slow(", 1))
    assert load(path).halvings(1000) == 9


def test_a_cell_runs_in_the_names_it_is_given(exercise):
    names = {"guess": 3}
    run_cell(exercise.of_role("predict")[0], names)
    assert names["guess"] is None


def test_an_unknown_key_on_a_marker_is_reported(tmp_path, tiny):
    path = tmp_path / "tiny.py"
    path.write_text(tiny.replace('grade_id="tiny_guess"', 'gradeid="tiny_guess"'))
    with pytest.raises(SourceError, match="unknown on the marker: gradeid") as caught:
        read(path)
    assert caught.value.problems[0].line == tiny[: tiny.index('grade_id="tiny_guess"')].count("\n") + 1
