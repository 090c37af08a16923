"""nbgrader as its users know it: every step of a class by its own commands, out of the box."""

import copy
import csv

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from throwaway import ASSIGNMENT, EXERCISE, ROOT


@pytest.fixture(scope="module")
def graded(course, notebooks):
    """A class of honest students and damaged submissions, autograded in one batch."""
    for student in ("solved", "untouched", "naive"):
        course.submit(student, notebooks[student])
    for student, damage in DAMAGES.items():
        notebook = copy.deepcopy(notebooks["solved"])
        damage(notebook)
        course.submit(student, notebook)
    course.submit("no_notebook", "this is no notebook")
    course.run("nbgrader", "autograde", ASSIGNMENT, "--create")
    return course


def cell(notebook, name):
    return next(c for c in notebook.cells if c.id == name)


def delete_tests(notebook):
    notebook.cells = [c for c in notebook.cells if "_speed" not in c.id and "_correct" not in c.id]


def duplicate_everything(notebook):
    copies = copy.deepcopy(notebook.cells)
    for i, c in enumerate(copies):
        c.id = f"copy_{i}"
    notebook.cells += copies


def tag_tests(notebook):
    for c in notebook.cells:
        c.metadata["tags"] = ["skip-execution", "raises-exception"]


def flip_flags(notebook):
    for c in notebook.cells:
        if "nbgrader" in c.metadata:
            c.metadata.nbgrader |= {"grade": False, "points": 1000, "schema_version": 99, "locked": False}


def break_metadata(notebook):
    for i, c in enumerate(notebook.cells):
        if "nbgrader" in c.metadata and i % 2:
            c.metadata.nbgrader = {}


def edit_tests(notebook):
    cell(notebook, "soa_vs_aos_speed").source = "3.0"


DAMAGES = {
    "deletes": delete_tests,
    "duplicates": duplicate_everything,
    "tags": tag_tests,
    "flips": flip_flags,
    "edits": edit_tests,
    "breaks": break_metadata,
}


def full(course):
    return {c.grade_id: float(c.points) for c in course.exercise.of_role("tests")}


def automatic(scores):
    return {name: score for name, score in scores.items() if not name.endswith("_explain")}


def test_release_is_the_generated_exercise(course):
    """The same bytes by nbgrader's command and by perflab's library."""
    released = course.folder / "release" / ASSIGNMENT / f"{EXERCISE}.ipynb"
    assert released.read_bytes() == (ROOT / "exercises" / "memory" / f"{EXERCISE}.ipynb").read_bytes()


def test_release_holds_nothing_but_notebooks(course):
    assert [p.name for p in (course.folder / "release" / ASSIGNMENT).iterdir()] == [f"{EXERCISE}.ipynb"]


def test_class_leaves_a_released_assignment_alone(course):
    source = course.folder / "source" / ASSIGNMENT / f"{EXERCISE}.ipynb"
    before = source.read_bytes()
    original = course.exercise.path.read_text()
    course.exercise.path.write_text(original.replace("Every frame,", "In every frame,"))
    try:
        assert "frozen, differs" in " ".join(course.run("perflab", "class").split())
    finally:
        course.exercise.path.write_text(original)
    assert source.read_bytes() == before


@pytest.mark.parametrize("student", ["solved", *DAMAGES])
def test_solved_earns_everything_however_damaged(graded, student):
    assert automatic(graded.scores(student)) == full(graded)


def test_untouched_earns_nothing(graded):
    assert automatic(graded.scores("untouched")) == dict.fromkeys(full(graded), 0.0)


def test_naive_earns_correctness_alone(graded):
    assert automatic(graded.scores("naive")) == {
        name: points if "correct" in name else 0.0 for name, points in full(graded).items()
    }


def test_written_answer_waits_for_a_human(graded):
    """Its prompt is kept, its mark scheme is back for the grader, and it has no automatic points."""
    assert graded.scores("solved").get("soa_vs_aos_explain") is None
    prompt = next(c for c in graded.autograded("solved").cells if c.metadata.get("nbgrader", {}).get("task"))
    assert "Interview question" in prompt.source
    assert "MARK SCHEME" in prompt.source


def test_a_duplicated_answer_keeps_the_learners_code(graded):
    sources = [c.source for c in graded.autograded("duplicates").cells]
    assert sum("def advance(parts, dt)" in s for s in sources) == 2


def test_reports_reach_the_graded_notebook(graded):
    speed = cell_of(graded.autograded("naive"), "soa_vs_aos_speed")
    (output,) = speed.outputs
    assert "99 % sure" in output.data["text/html"]
    assert output.data["text/plain"] == "0.0"


def cell_of(notebook, grade_id):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def test_a_file_that_is_no_notebook_waits_for_a_human(graded):
    assert automatic(graded.scores("no_notebook")) == dict.fromkeys(full(graded), 0.0)
    assert graded.waiting("no_notebook") >= set(full(graded))
    folder = graded.folder / "submitted" / "no_notebook" / ASSIGNMENT
    assert (folder / f"{EXERCISE}.ipynb.damaged").read_text() == "this is no notebook"


def test_sure_points_wait_for_nobody(graded):
    assert not graded.waiting("solved") & set(full(graded))


def test_feedback(graded):
    graded.run("nbgrader", "generate_feedback", ASSIGNMENT, "--student=solved")
    page = graded.folder / "feedback" / "solved" / ASSIGNMENT / f"{EXERCISE}.html"
    assert "The target of 7 is reached." in page.read_text()


def test_export(graded):
    graded.run("nbgrader", "export")
    with open(graded.folder / "grades.csv", newline="") as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows["solved"] == sum(full(graded).values())
    assert rows["untouched"] == 0


def test_validate_accepts_the_solution_and_refuses_the_untouched(graded, tmp_path, notebooks):
    for name, verdict in (("solved", "Success"), ("untouched", "failed")):
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebooks[name], path)
        assert verdict in graded.run("nbgrader", "validate", str(path))


def test_an_extra_cell_of_the_learner_stays(course, notebooks):
    notebook = copy.deepcopy(notebooks["solved"])
    notebook.cells.insert(3, new_code_cell("print('notes of my own')"))
    course.submit("notes", notebook)
    course.run("nbgrader", "autograde", ASSIGNMENT, "--create", "--student=notes")
    assert "print('notes of my own')" in [c.source for c in course.autograded("notes").cells]
