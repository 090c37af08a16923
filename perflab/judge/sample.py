"""A sample class: four submissions of one exercise through nbgrader, in a throwaway course root.

It shows on any machine that the way from a source to a gradebook works: the solved notebook, the untouched one,
and two broken twins. The code is the course's own, so that it may run without a sandbox where there is none.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from perflab.course.classroom import COURSE, class_config, sqlite_url
from perflab.course.errors import CourseError
from perflab.course.fingerprint import code_key
from perflab.course.notebook import instructor, student, to_bytes
from perflab.course.results import results
from perflab.course.source import Exercise, with_answer
from perflab.judge import bubblewrap

ASSIGNMENT = "sample"
TABLE = "table.json"


@dataclass(frozen=True)
class Row:
    """One submission of the sample class.

    Attributes
    ----------
    student : str
    score, of : float
        From the gradebook.
    why : tuple of (str, float, float, str)
        For each tests cell: grade id, points, possible points, reason.
    """

    student: str
    score: float
    of: float
    why: tuple[tuple[str, float, float, str], ...]


def sandbox() -> str:
    """Return the kind of sandbox that a sample class gets here."""
    return "none" if bubblewrap.missing() else "bubblewrap"


def submissions(exercise: Exercise, answers: dict[str, str]) -> dict[str, NotebookNode]:
    """Return a notebook for each student: "solved", "untouched", and one for each of `answers`."""
    notebooks = {"solved": _filled(exercise), "untouched": student(exercise)}
    notebooks |= {name: _filled(with_answer(exercise, answer)) for name, answer in answers.items()}
    return notebooks


def run(
    exercise: Exercise, answers: dict[str, str], root: Path, progress: Callable[[str], None]
) -> tuple[list[Row], bool]:
    """Grade the sample class at `root`; return its rows, and whether they were graded just now.

    A class of the same exercise, answers and library is not graded again.

    Parameters
    ----------
    exercise : Exercise
    answers : dict
        Answer source by student name.
    root : Path
        The throwaway course root; it is emptied first.
    progress : callable
        Told each step before it begins.
    """
    key = code_key(to_bytes(instructor(exercise)), json.dumps(answers, sort_keys=True).encode())
    table = root / TABLE
    if table.is_file() and (kept := json.loads(table.read_text()))["key"] == key:
        return [Row(**{**row, "why": tuple(map(tuple, row["why"]))}) for row in kept["rows"]], False
    shutil.rmtree(root, ignore_errors=True)
    name = f"{exercise.path.stem}.ipynb"
    _write(root / "source" / ASSIGNMENT / name, instructor(exercise))
    api = NbGraderAPI(config=class_config(root, sandbox()))
    progress("release")
    _succeed(api.generate_assignment(ASSIGNMENT))
    notebooks = submissions(exercise, answers)
    for who, notebook in notebooks.items():
        _write(root / "submitted" / who / ASSIGNMENT / name, notebook)
    rows = []
    for who in notebooks:
        progress(f"grade {who}")
        _succeed(api.autograde(ASSIGNMENT, who))
        graded = nbformat.read(root / "autograded" / who / ASSIGNMENT / name, as_version=4)
        why = tuple((r.grade_id, r.points, r.of, r.why) for r in results(graded))
        with Gradebook(sqlite_url(root.resolve()), COURSE) as gradebook:
            submission = gradebook.find_submission_notebook(exercise.path.stem, ASSIGNMENT, who)
            score = sum(grade.auto_score or 0.0 for grade in submission.grades)
        rows.append(Row(who, score, exercise.points, why))
    table.write_text(json.dumps({"key": key, "rows": [asdict(row) for row in rows]}))
    return rows, True


def _filled(exercise: Exercise) -> NotebookNode:
    """Return the released notebook with the answers written in, as a learner would hand it in."""
    notebook = student(exercise)
    written = {cell.grade_id: cell.source for cell in exercise.of_role("answer")}
    for cell in notebook.cells:
        if cell.id in written:
            cell.source = written[cell.id]
    return notebook


def _write(path: Path, notebook: NotebookNode) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_bytes(notebook))
    except OSError as error:
        raise CourseError(f"{path}: cannot be written: {error}. Make room or mend the rights.") from error


def _succeed(reply: dict) -> None:
    """Raise what nbgrader says went wrong."""
    if not reply["success"]:
        raise CourseError(f"nbgrader failed:\n{reply.get('error') or reply.get('log')}")
