"""A throwaway course folder and the commands that an instructor types in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from tempo import NET

from perflab.course import read

ROOT = Path(__file__).parents[2]
ASSIGNMENT = "memory-locality"
EXERCISE = "soa_vs_aos"


class Course:
    """A course folder and the commands that an instructor types in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "class"
        # One exercise is enough here, and quick.
        source = f"solutions/memory/{EXERCISE}.py"
        for name in (source, "book/curriculum.yml", "nbgrader_config.py", "assignments.yml"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
        self.exercise = read(root / source)

    def run(self, program: str, *arguments: str, fails: bool = False, cwd: Path | None = None) -> str:
        """Run a command in the course folder, or another one, as a user without an activated environment does."""
        env = {k: v for k, v in os.environ.items() if k not in ("PATH", "VIRTUAL_ENV")} | {"PATH": os.defpath}
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *arguments],
            cwd=cwd or self.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=NET,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def submit(self, student: str, notebook: nbformat.NotebookNode | str) -> Path:
        """Hand in a notebook, or a file that is none."""
        path = self.folder / "submitted" / student / ASSIGNMENT / f"{EXERCISE}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(notebook, str):
            path.write_text(notebook)
        else:
            nbformat.write(notebook, path, version=nbformat.NO_CONVERT)
        path.with_name("timestamp.txt").write_text("2026-11-22 12:00:00 UTC")
        return path

    def autograded(self, student: str) -> nbformat.NotebookNode:
        """Return a student's graded notebook."""
        return nbformat.read(self.folder / "autograded" / student / ASSIGNMENT / f"{EXERCISE}.ipynb", as_version=4)

    def scores(self, student: str) -> dict[str, float | None]:
        """Return a student's automatic scores in the gradebook, by grade id."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}", "performance") as gradebook:
            submission = gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, student)
            return {grade.name: grade.auto_score for grade in submission.grades}

    def waiting(self, student: str) -> set[str]:
        """Return the grade ids of a student that a human has to look at."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}", "performance") as gradebook:
            submission = gradebook.find_submission_notebook(EXERCISE, ASSIGNMENT, student)
            return {grade.name for grade in submission.grades if grade.needs_manual_grade}
