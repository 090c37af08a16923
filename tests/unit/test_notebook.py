"""The two notebooks of an exercise: the same bytes every time, nothing of the answer in the learner's."""

import subprocess
import sys

import nbformat
import pytest

from perflab.check import seen
from perflab.course import publish
from perflab.course.errors import CourseError
from perflab.course.notebook import WRITTEN_ANSWER, head, instructor, student, to_bytes
from perflab.course.source import Cell, read


@pytest.fixture
def exercise(course):
    return read(course / "solutions" / "memory" / "tiny.py")


@pytest.fixture(params=[instructor, student], ids=["instructor", "student"])
def notebook(request, exercise):
    return request.param(exercise)


def by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


def test_a_notebook_is_valid_nbformat_4_5(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("make", [instructor, student])
def test_the_bytes_are_always_the_same(exercise, make):
    first = to_bytes(make(exercise))
    assert first == to_bytes(make(exercise))
    assert first.endswith(b"}\n")
    assert nbformat.reads(first.decode(), as_version=4) == make(exercise)


def test_another_process_writes_the_same_bytes(course, exercise):
    # Another process has another seed of hashes and of random ids.
    code = (
        "import sys; from pathlib import Path; from perflab.course import read; "
        "from perflab.course.notebook import student, to_bytes; "
        "sys.stdout.buffer.write(to_bytes(student(read(Path(sys.argv[1])))))"
    )
    command = [sys.executable, "-c", code, str(exercise.path)]
    assert subprocess.run(command, capture_output=True, check=True).stdout == to_bytes(student(exercise))


def test_ids_are_grade_ids_and_say_where_text_belongs(notebook):
    assert [cell.id for cell in notebook.cells] == [
        "text_0_tiny",
        "tiny_given",
        "text_2_tiny",
        "tiny_guess",
        "text_4_tiny",
        "tiny_answer",
        "tiny_correct",
        "tiny_speed",
        "tiny_show",
        "tiny_explain",
        "tiny_explain_answer",
    ]


def test_a_text_cell_more_does_not_change_the_ids_of_graded_cells(course, add_source, tiny, exercise):
    more = tiny.replace(
        "# %% [markdown]\n# ## Predict", "# %% [markdown]\n# More.\n\n# %% [markdown]\n# ## Predict"
    )
    ids = set(by_id(student(read(add_source("memory/more", more)))))
    assert {cell.grade_id for cell in exercise.cells if cell.grade_id} <= ids


SECRETS = ("secret_solution", "4242", "HIDDEN TESTS", "The rubric says", "MARK SCHEME", "BEGIN SOLUTION")


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_of_the_answer_is_in_the_students_bytes(exercise, secret):
    assert secret.encode() in to_bytes(instructor(exercise))
    assert secret.encode() not in to_bytes(student(exercise))


def test_making_the_students_notebook_leaves_the_instructors_as_it_was(exercise):
    before = to_bytes(instructor(exercise))
    student(exercise)
    assert to_bytes(instructor(exercise)) == before


def test_the_prompt_of_a_written_answer_is_kept(exercise):
    cells = by_id(student(exercise))
    assert cells["tiny_explain"].source.startswith("## Interview question\nWhen is once not enough?")
    assert cells["tiny_explain_answer"].source == WRITTEN_ANSWER
    assert "nbgrader" not in cells["tiny_explain_answer"].metadata


def test_the_stub_parses_runs_and_says_that_it_is_not_written(exercise):
    source = by_id(student(exercise))["tiny_answer"].source
    assert source.startswith('def add(numbers):\n    """Return the sum of `numbers`."""\n')
    names = {}
    exec(source, names)
    with pytest.raises(NotImplementedError):
        names["add"]([])


def test_the_released_notebook_runs_up_to_its_tests(exercise):
    cells, names = by_id(student(exercise)), {}
    for name in ("tiny_given", "tiny_guess", "tiny_answer"):
        exec(cells[name].source, names)
    assert names["guess"] is None
    assert callable(names["add"])


def test_a_released_tests_cell_is_not_empty(exercise):
    cells = by_id(student(exercise))
    assert cells["tiny_correct"].source == (
        "# grade_id: tiny_correct (2 points)\n"
        "cases = [lambda rng, n=n: make(rng, n) for n in (0, 1, 5)]\n"
        "check.correct(add, against=slow, on=cases, points=2)"
    )
    assert cells["tiny_speed"].source.startswith("# grade_id: tiny_speed (1.5 points)\ncheck.faster(")


@pytest.mark.parametrize(
    ("points", "hints", "line"),
    [
        (1, None, "# grade_id: x (1 point)"),
        (1.5, [2, 3], "# grade_id: x (1.5 points, hints 2-3)"),
        (2, [3, 3], "# grade_id: x (2 points, hint 3)"),
    ],
)
def test_the_first_line_of_a_tests_cell_tells_its_checks_of_hints(points, hints, line):
    assert head(Cell("code", "", 1, "tests", "x", points, hints)) == line
    assert (
        seen.HEAD.match(line).groups()
        == {None: ("x", None, None), 2: ("x", "2", "3"), 3: ("x", "3", None)}[hints and hints[0]]
    )


@pytest.mark.parametrize(
    ("grade_id", "grade", "solution", "locked", "task", "points"),
    [
        ("tiny_given", False, False, True, False, None),
        ("tiny_answer", False, True, False, False, None),
        ("tiny_correct", True, False, True, False, 2),
        ("tiny_speed", True, False, True, False, 1.5),
        ("tiny_show", False, False, True, False, None),
        ("tiny_explain", False, False, True, True, 2),
    ],
)
def test_nbgrader_is_told_what_a_cell_is(notebook, grade_id, grade, solution, locked, task, points):
    about = by_id(notebook)[grade_id].metadata.nbgrader
    assert (about.grade_id, about.schema_version) == (grade_id, 3)
    assert (about.grade, about.solution, about.locked, about.task) == (grade, solution, locked, task)
    assert about.get("points") == points


def test_text_and_predictions_are_the_learners_own(notebook):
    cells = by_id(notebook)
    for name in ("text_0_tiny", "text_2_tiny", "tiny_guess", "tiny_explain_answer"):
        assert not cells[name].metadata


def test_what_nbgrader_locks_cannot_be_edited_in_the_students_notebook(exercise):
    cells = by_id(student(exercise))
    assert cells["tiny_correct"].metadata.editable is False
    assert cells["tiny_correct"].metadata.deletable is False
    assert cells["tiny_answer"].metadata.get("editable", True) is True


def test_a_notebook_has_no_outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


def test_two_cells_with_one_id_are_refused(add_source, tiny):
    # The cell for the written answer is named after the question; this answer cell takes that name first.
    path = add_source("memory/twice", tiny.replace("tiny_answer", "tiny_explain_answer"))
    with pytest.raises(CourseError, match=r"twice\.py.*tiny_explain_answer"):
        instructor(read(path))


def test_what_is_on_disk_is_what_the_sources_give(course):
    publish.generate(course)
    files = publish.released(publish.sources(course))
    assert {str(path) for path in files} == {"memory/tiny.ipynb"}
    for path, data in files.items():
        assert (course / "exercises" / path).read_bytes() == data
