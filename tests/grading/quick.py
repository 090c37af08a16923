"""A class whose only exercise is quick to grade, and what came of it."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy import create_engine, text
from tempo import NET

from perflab.course import read
from perflab.course.classroom import class_config
from perflab.course.notebook import instructor, student, to_bytes

EXERCISE = read(Path(__file__).with_name("small.py"))
ASSIGNMENT, NAME = "week-1", "small.ipynb"
SOLVED = next(cell.source for cell in EXERCISE.of_role("answer"))
SLOW = "def find(ask, n):\n    return next(i for i in range(n) if ask(i))\n"
WRONG = "def find(ask, n):\n    return -1\n"
DIES = "import os\n\n\ndef find(ask, n):\n    os._exit(3)\n"
ANSWERS = {"ada": SOLVED, "bob": SLOW, "eve": WRONG, "joe": DIES}
POINTS = {"ada": 4.0, "bob": 2.0, "eve": 0.0, "joe": 0.0}


class Class:
    """A class in a folder.

    Parameters
    ----------
    folder : Path
        Where nbgrader_config.py would stand.
    gradebook : str
        URL; SQLite by default.
    source : bytes
        The instructor's notebook; by default that of the small exercise.
    """

    def __init__(self, folder: Path, gradebook: str = "", source: bytes = b"") -> None:
        self.root = folder / "class"
        self.config = class_config(self.root, gradebook=gradebook)
        self.url = self.config.CourseDirectory.db_url
        write(self.root / "source" / ASSIGNMENT / NAME, source or to_bytes(instructor(EXERCISE)))
        reply = NbGraderAPI(config=self.config).generate_assignment(ASSIGNMENT)
        assert reply["success"], reply

    def submit(self, who: str, answer: str | bytes) -> Path:
        """Hand in an answer, or a file of any kind."""
        path = self.root / "submitted" / who / ASSIGNMENT / NAME
        write(path, answer if isinstance(answer, bytes) else submission(answer))
        return path

    def command(self, *arguments: str) -> list[str]:
        """Return perflab's command line for this class."""
        gradebook = () if self.url.startswith("sqlite") else ("--gradebook", self.url)
        perflab = str(Path(sys.executable).with_name("perflab"))
        return [perflab, "grade", ASSIGNMENT, "--class", str(self.root), *gradebook, *arguments]

    def grade(self, *arguments: str, fails: bool = False) -> str:
        """Grade by the command line; return what it says on stdout, or where it fails, on stderr."""
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=NET, env=environment()
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return " ".join((done.stderr if fails else done.stdout).split())

    def points(self) -> dict[str, float]:
        """Return the points in the gradebook, by student."""
        with Gradebook(self.url) as gradebook:
            return {s.student.id: s.score for s in gradebook.assignment_submissions(ASSIGNMENT)}

    def rows(self) -> list[tuple]:
        """Return all that the gradebook says of grades: who, which cell, points, whether a human has to look."""
        with Gradebook(self.url) as gradebook:
            return sorted(
                (s.student.id, g.name, g.auto_score, g.manual_score, bool(g.needs_manual_grade), g.max_score)
                for s in gradebook.assignment_submissions(ASSIGNMENT)
                for notebook in s.notebooks
                for g in notebook.grades
            )

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            tables = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")
            found = {
                name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables
            }
        engine.dispose()
        return found


def submission(answer: str) -> bytes:
    """Return the file of a submission with that answer."""
    notebook = student(EXERCISE)
    for cell in notebook.cells:
        if cell.id == "small_answer":
            cell.source = answer
    return nbformat.writes(notebook).encode()


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
