"""A learner's notebook beside the course's: what was deleted, changed or doubled is said and put right."""

import copy

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import compute_checksum

from perflab.course import publish
from perflab.course.notebook import student, to_bytes
from perflab.course.original import as_graded, code_of, copy_of, course_of, original_of
from perflab.course.source import read


@pytest.fixture
def original(course):
    publish.generate(course)
    return student(read(course / "solutions" / "memory" / "tiny.py"))


@pytest.fixture
def mine(original):
    return copy.deepcopy(original)


def named(notebook, name):
    return next(cell for cell in notebook.cells if cell.id == name)


def without(notebook, name):
    notebook.cells = [cell for cell in notebook.cells if cell.id != name]


def test_a_sound_copy_has_no_remarks(mine, original):
    named(mine, "tiny_answer").source = "def add(numbers):\n    return sum(numbers)"
    graded, said = as_graded(mine, original)
    assert said == []
    assert [cell.source for cell in graded.cells] == [cell.source for cell in mine.cells]


def test_a_deleted_tests_cell_is_run_all_the_same(mine, original):
    without(mine, "tiny_correct")
    graded, said = as_graded(mine, original)
    assert named(original, "tiny_correct").source in [cell.source for cell in graded.cells]
    assert said == ["tiny_correct: this tests cell was deleted. It was run all the same, as grading does."]


@pytest.mark.parametrize("name", ["tiny_answer", "tiny_given"])
def test_other_deleted_cells_come_back_and_are_named(mine, original, name):
    without(mine, name)
    graded, said = as_graded(mine, original)
    assert named(original, name).source in [cell.source for cell in graded.cells]
    assert said[0].startswith(f"{name}: this cell was deleted")


@pytest.mark.parametrize("name", ["tiny_speed", "tiny_given"])
def test_a_changed_cell_of_the_course_is_the_courses(mine, original, name):
    cell = named(mine, name)
    cell.source = cell.source.replace("full=3", "full=1.6") + "\n"
    cell.source += "# mine"
    cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "of other code"}]
    graded, said = as_graded(mine, original)
    assert named(graded, name).source == named(original, name).source
    assert named(graded, name).outputs == []
    assert said == [f"{name}: this cell was changed. The course's own was run, as grading does."]


def test_a_copy_of_an_earlier_version_keeps_its_own_tests(mine, original):
    cell = named(mine, "tiny_speed")
    cell.source = cell.source.replace("full=3", "full=2.5")
    cell.metadata.nbgrader.points = 1
    cell.metadata.nbgrader.checksum = compute_checksum(cell)
    graded, said = as_graded(mine, original)
    assert "full=2.5" in named(graded, "tiny_speed").source
    assert named(graded, "tiny_speed").metadata.nbgrader.points == 1
    assert "earlier version" in said[0]


def test_cells_that_stand_twice_are_named(mine, original):
    mine.cells += [copy.deepcopy(named(mine, "tiny_speed")), copy.deepcopy(named(mine, "tiny_answer"))]
    graded, said = as_graded(mine, original)
    assert said == [
        f"{name}: this cell is in the notebook 2 times. Keep one." for name in ("tiny_answer", "tiny_speed")
    ]
    assert sum("check.faster" in cell.source for cell in graded.cells) == 1


def test_an_answer_that_became_text_is_run(mine, original):
    i = mine.cells.index(named(mine, "tiny_answer"))
    old = mine.cells[i]
    mine.cells[i] = new_markdown_cell("def add(numbers): return sum(numbers)", id=old.id, metadata=old.metadata)
    graded, said = as_graded(mine, original)
    assert (graded.cells[i].cell_type, graded.cells[i].source) == ("code", "def add(numbers): return sum(numbers)")
    assert said == ["tiny_answer: this cell was turned into text. It was run as code; turn it back."]


def test_an_empty_notebook_is_the_release(original):
    graded, said = as_graded(new_notebook(), original)
    assert len(said) == 4
    assert [c.source for c in graded.cells if c.metadata.get("nbgrader", {}).get("grade")] == [
        named(original, name).source for name in ("tiny_correct", "tiny_speed")
    ]


def test_a_notebook_is_known_by_its_cells_and_else_by_its_name(course, add_source, original):
    add_source("cpu/other")
    publish.generate(course)
    odd = course / "work" / "here" / "Copy of something.ipynb"
    odd.parent.mkdir(parents=True)
    odd.write_bytes(to_bytes(original))
    assert original_of(odd, original).cells == original.cells
    assert original_of(odd.with_name("tiny.ipynb"), new_notebook()).cells == original.cells
    assert original_of(odd, new_notebook()) is None


def test_a_copy_is_known_by_its_place(course, original, tmp_path_factory):
    assert copy_of(course / "work" / "memory" / "tiny.ipynb") == (course, "memory/tiny")
    assert copy_of(course / "work" / "memory" / "none.ipynb") is None
    assert copy_of(course / "exercises" / "memory" / "tiny.ipynb") is None
    assert course_of(tmp_path_factory.mktemp("elsewhere")) is None


def test_the_code_of_a_copy_is_what_the_learner_wrote(mine, original):
    before = code_of(mine, original)
    named(mine, "tiny_guess").source = "guess = 7"
    named(mine, "tiny_speed").source += "\n# mine"
    mine.cells.append(new_markdown_cell("a note"))
    assert code_of(mine, original) == before
    mine.cells.append(new_code_cell("helper = 1"))
    after = code_of(mine, original)
    assert after != before
    named(mine, "tiny_answer").source += "    return 1"
    assert code_of(mine, original) not in (before, after)
