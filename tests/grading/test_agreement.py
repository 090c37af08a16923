"""Source, release and gradebook have the same cells, or nothing changes and a sentence says what differs."""

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import GenerateAssignment
from quick import ASSIGNMENT, NAME, SLOW, SOLVED, Class
from throwaway import ROOT
from written import WRITTEN

from perflab import cli
from perflab.course.classroom import RELEASED, class_config

MORE = """

# %% role="tests" grade_id="small_more" points=1
check.correct(find, against=slow_find, on=[make_question], points=1)
"""
LESS = """# %% role="tests" grade_id="small_calls" points=2
check.counts(find, "calls", on=make_question, zero=40, full=10, points=2)
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of one graded student, in a course of its own."""
    small = Class(tmp_path_factory.mktemp("agreement"))
    small.submit("ada", SOLVED)
    small.grade()
    return small


@pytest.fixture
def small(graded, tmp_path):
    """A copy of it."""
    shutil.copytree(graded.root, tmp_path / "class")
    copied = object.__new__(Class)
    copied.root, copied.config = tmp_path / "class", class_config(tmp_path / "class")
    copied.url = copied.config.CourseDirectory.db_url
    for name in ("book/curriculum.yml", "nbgrader_config.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "assignments.yml").write_text(f"{ASSIGNMENT}: [memory/small]\n")
    return copied


def everything(small):
    folders = ("source", "release", "autograded", "submitted")
    found = {p: p.read_bytes() for name in folders for p in (small.root / name).rglob("*") if p.is_file()}
    return found, small.rows()


def in_source(small, change):
    """Change the instructor's notebook by hand."""
    path = small.root / "source" / ASSIGNMENT / NAME
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    path.write_bytes(nbformat.writes(notebook).encode())


def add(notebook):
    flags = {"grade": True, "solution": False, "locked": True, "task": False, "schema_version": 3, "points": 1}
    cell = new_code_cell("1.0", metadata={"nbgrader": {**flags, "grade_id": "small_more"}})
    notebook.cells.append(cell)


def remove(notebook):
    notebook.cells = [cell for cell in notebook.cells if cell.id != "small_calls"]


def revalue(notebook):
    for cell in notebook.cells:
        if cell.id == "small_calls":
            cell.metadata.nbgrader.points = 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (add, "the gradebook has no cell small_more of small; release/ has no cell small_more of small"),
        (remove, "source/ has no cell small_calls of small, and the gradebook has"),
        (revalue, "the gradebook has other points for small_calls of small"),
    ],
)
def test_grading_is_refused_before_anything_changes(small, change, why):
    in_source(small, change)
    small.submit("bob", SLOW)
    before = everything(small)
    said = small.grade(fails=True)
    assert f"week-1 was not graded: {why}" in said
    assert ("nbgrader adds and removes no cell" in said) == (change is not revalue)
    assert everything(small) == before
    assert small.points() == {"ada": 4.0}


def test_a_notebook_that_was_never_released(small):
    shutil.copyfile(small.root / "source" / ASSIGNMENT / NAME, small.root / "source" / ASSIGNMENT / "new.ipynb")
    assert "the gradebook has no notebook new" in small.grade(fails=True)


@pytest.mark.parametrize("change", [add, remove])
def test_nbgrader_is_stopped_before_it_removes_the_release(small, change):
    in_source(small, change)
    before = everything(small)
    # A log of its own: another test in this process may have silenced the one that nbgrader shares.
    api = NbGraderAPI(config=small.config, log=logging.Logger("nbgrader"))
    reply = api.generate_assignment(ASSIGNMENT, force=True)
    assert not reply["success"]
    assert "week-1 was not released, and nothing was changed" in reply["log"]
    assert "small_more" in reply["log"] or "small_calls" in reply["log"]
    assert everything(small) == before
    done = subprocess.run(
        [Path(sys.executable).with_name("nbgrader"), "generate_assignment", ASSIGNMENT, "--force"],
        cwd=small.root.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr
    assert everything(small) == before


def test_nbgrader_is_stopped_for_a_whole_notebook_too(small):
    (small.root / "source" / ASSIGNMENT / NAME).rename(small.root / "source" / ASSIGNMENT / "renamed.ipynb")
    before = everything(small)
    assert not NbGraderAPI(config=small.config).generate_assignment(ASSIGNMENT, force=True)["success"]
    assert everything(small) == before


def test_without_submissions_cells_come_and_go(tmp_path):
    small = Class(tmp_path)
    in_source(small, add)
    assert NbGraderAPI(config=small.config).generate_assignment(ASSIGNMENT, force=True)["success"]
    assert "small_more" in (small.root / "release" / ASSIGNMENT / NAME).read_text()


def exercise(small, old, new):
    path = small.root.parent / "solutions" / "memory" / "small.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Path(__file__).with_name("small.py").read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def perflab_class(monkeypatch, capsys):
    """Return a function that types `perflab class`; the small exercise is shorter than the rules want."""
    monkeypatch.setattr("perflab.course.publish.lint", lambda exercise, root: [])

    def perflab_class(small, *arguments, fails=False):
        monkeypatch.chdir(small.root.parent)
        monkeypatch.setattr("sys.argv", ["perflab", "class", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert (left.value.code not in (None, 0)) == fails, out + err
        return " ".join((err if fails else out).split())

    return perflab_class


def test_a_mended_tests_cell_is_released_anew_and_graded(small, perflab_class):
    """As book/teach/grading.md says."""
    exercise(small, "zero=40, full=10", "zero=5, full=2")
    perflab_class(small, "--renew", ASSIGNMENT)
    assert NbGraderAPI(config=small.config).generate_assignment(ASSIGNMENT, force=True)["success"]
    assert "1 notebook examined now" in small.grade()
    assert "zero=5, full=2" in (small.root / "autograded" / "ada" / ASSIGNMENT / NAME).read_text()
    assert small.points() == {"ada": 2.0}


@pytest.mark.parametrize(("old", "new", "name"), [(LESS, LESS + MORE, "small_more"), (LESS, "", "small_calls")])
def test_a_renewal_that_nbgrader_would_refuse(small, perflab_class, old, new, name):
    exercise(small, old, new)
    before = everything(small)
    said = perflab_class(small, "--renew", ASSIGNMENT, fails=True)
    assert "nothing was changed" in said
    assert name in said
    assert everything(small) == before


def test_a_renewal_of_nothing(small, perflab_class):
    exercise(small, LESS, LESS)
    said = perflab_class(small, "--renew", "week-9", fails=True)
    assert "There is no assignment week-9; there are week-1" in said


def test_points_by_hand_are_named_beside_automatic_ones(small, perflab_class):
    exercise(small, LESS, LESS + WRITTEN)
    (small.root / "release" / ASSIGNMENT / NAME).unlink()
    (small.root / "release" / ASSIGNMENT).rmdir()
    assert "4, 2 by hand" in perflab_class(small)


def test_a_release_is_made_as_nbgrader_makes_it():
    own = [step.__name__ for step in GenerateAssignment.preprocessors.default_args[0]]
    assert [name.rpartition(".")[2] for name in RELEASED] == ["KeepCells", *own]
