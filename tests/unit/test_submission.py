"""A submission gets back the form of the release, whatever has been done to it, and loses none of its code."""

import copy

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from perflab.course.form import restored
from perflab.course.grade_id import grade_id_of
from perflab.course.notebook import student
from perflab.course.source import read

GRADED = ["tiny_given", "tiny_answer", "tiny_correct", "tiny_speed", "tiny_show", "tiny_explain"]


@pytest.fixture
def released(course):
    return student(read(course / "solutions" / "memory" / "tiny.py")).cells


@pytest.fixture
def known(released):
    """Return what a gradebook knows of the release: its cells by grade id, in order."""
    found = {}
    for cell in released:
        if "nbgrader" in cell.metadata:
            new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
            metadata = {"nbgrader": dict(cell.metadata.nbgrader)}
            found[cell.metadata.nbgrader.grade_id] = new(cell.source, metadata=metadata)
    assert list(found) == GRADED
    return found


@pytest.fixture
def submitted(released):
    """Return the cells of an honest submission."""
    cells = copy.deepcopy(released)
    named(cells, "tiny_answer").source = "def add(numbers):\n    return sum(numbers)"
    return cells


def named(cells, name):
    return next(cell for cell in cells if cell.id == name)


def graded(cells):
    return [cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata]


def sources(cells):
    return [cell.source for cell in cells]


def assert_in_form(cells, known):
    """Every released cell once, with the metadata of the release and nothing else."""
    assert sorted(graded(cells)) == sorted(known)
    for cell in cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        assert cell.metadata == (known[name].metadata if name else {})


def test_an_honest_submission_keeps_its_cells(submitted, known):
    before = [(cell.id, cell.source) for cell in submitted]
    cells = restored(submitted, known)
    assert [(cell.id, cell.source) for cell in cells] == before
    assert_in_form(cells, known)


@pytest.mark.parametrize("gone", [[name] for name in GRADED] + [GRADED[2:4], GRADED[:2], GRADED[-2:], GRADED])
def test_deleted_cells_come_back_in_their_places(submitted, known, gone):
    rest = [cell for cell in submitted if cell.id not in gone]
    cells = restored(rest, known)
    assert graded(cells) == GRADED
    assert_in_form(cells, known)
    for name in gone:
        (back,) = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == name]
        assert back.source == known[name].source


def test_a_restored_cell_stands_behind_the_one_before_it(submitted, known):
    rest = [cell for cell in submitted if cell.id != "tiny_correct"]
    cells = restored(rest, known)
    assert cells[1 + cells.index(named(cells, "tiny_answer"))].source == known["tiny_correct"].source


def test_an_empty_notebook_becomes_the_release(known):
    cells = restored([], known)
    assert graded(cells) == GRADED
    assert_in_form(cells, known)


def test_a_second_copy_of_a_locked_cell_is_dropped(submitted, known):
    twin = copy.deepcopy(named(submitted, "tiny_speed"))
    twin.source = "6.0"
    cells = restored([*submitted, twin], known)
    assert_in_form(cells, known)
    assert "6.0" not in sources(cells)
    assert len(cells) == len(submitted)


def test_a_second_copy_of_an_answer_is_kept_as_plain_code(submitted, known):
    twin = copy.deepcopy(named(submitted, "tiny_answer"))
    twin.source = "def add(numbers):\n    return 0.0 + sum(numbers)"
    place = submitted.index(named(submitted, "tiny_answer")) + 1
    submitted.insert(place, twin)
    cells = restored(submitted, known)
    assert_in_form(cells, known)
    assert cells[place].source == twin.source
    assert "nbgrader" not in cells[place].metadata


def test_everything_twice_is_the_same_as_once(submitted, known):
    expected = graded(restored(copy.deepcopy(submitted), known))
    cells = restored(submitted + copy.deepcopy(submitted), known)
    assert graded(cells) == expected
    assert_in_form(cells, known)


def test_a_new_order_loses_nothing(submitted, known):
    before = sources(submitted)
    cells = restored(submitted[::-1], known)
    assert sources(cells) == before[::-1]
    assert_in_form(cells, known)


def test_cells_of_unknown_ids_are_the_learners_own(submitted, known):
    about = {"grade_id": "bonus", "grade": True, "points": 100, "solution": False, "locked": True, "task": False}
    submitted.append(new_code_cell("100.0", metadata={"nbgrader": about}))
    cells = restored(submitted, known)
    assert_in_form(cells, known)
    assert (cells[-1].source, cells[-1].metadata) == ("100.0", {})


@pytest.mark.parametrize(
    "flags",
    [
        {"grade": False},
        {"points": 1000},
        {"locked": False},
        {"solution": True},
        {"task": True},
        {"schema_version": 1},
        {"schema_version": 99},
        {"checksum": "0"},
        {"cell_type": "markdown"},
        {"extra": {"deep": 1}},
    ],
    ids=str,
)
def test_flags_are_those_of_the_release(submitted, known, flags):
    for cell in submitted:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader |= flags
    assert_in_form(restored(submitted, known), known)


@pytest.mark.parametrize(
    "metadata",
    [{"tags": ["skip-execution"]}, {"tags": ["raises-exception"]}, {"jupyter": {"source_hidden": True}}, {"x": 1}],
    ids=str,
)
def test_tags_and_other_metadata_go(submitted, known, metadata):
    for cell in submitted:
        cell.metadata |= metadata
    assert_in_form(restored(submitted, known), known)


@pytest.mark.parametrize(
    "metadata", [None, [], "text", 3, {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": "x"}]
)
def test_broken_metadata_is_put_right(submitted, known, metadata):
    for cell in submitted:
        cell["metadata"] = metadata
    cells = restored(submitted, known)
    assert graded(cells) == GRADED
    assert_in_form(cells, known)
    assert "def add(numbers):\n    return sum(numbers)" in sources(cells)


@pytest.mark.parametrize("name", [None, 3, ["tiny_speed"], {"a": 1}, ""], ids=str)
def test_an_id_that_is_none_is_no_id(submitted, known, name):
    cell = named(submitted, "tiny_speed")
    cell.metadata.nbgrader["grade_id"] = name
    cell["id"] = name
    cells = restored(submitted, known)
    assert_in_form(cells, known)


def test_cells_of_an_old_format_have_no_ids(submitted, known):
    for cell in submitted:
        del cell["id"]
    assert_in_form(restored(submitted, known), known)


def test_restoring_twice_changes_nothing(submitted, known):
    once = restored([cell for cell in submitted if cell.id != "tiny_given"], known)
    assert sources(restored(copy.deepcopy(once), known)) == sources(once)


def test_what_is_known_is_not_changed(submitted, known):
    before = copy.deepcopy(known)
    for cell in submitted:
        cell.metadata = NotebookNode(nbgrader=NotebookNode(grade_id=cell.id, points=9))
    restored(submitted, known)
    assert known == before


def test_the_grade_id_wins_over_the_cells_own_id():
    cell = new_code_cell("x", id="one", metadata={"nbgrader": {"grade_id": "two"}})
    assert grade_id_of(cell) == "two"
    assert grade_id_of(new_code_cell("x", id="one")) == "one"


def test_a_raw_cell_becomes_text_that_nobody_interprets(submitted, known):
    submitted.insert(2, new_raw_cell("<script>evil()</script>\n$x$"))
    cell = restored(submitted, known)[2]
    assert (cell.cell_type, cell.source) == ("markdown", "    <script>evil()</script>\n    $x$")
