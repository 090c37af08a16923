"""Delete what a class keeps of a student."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import MissingEntry

from perflab.course.errors import CourseError
from perflab.judge.gradebook import opened
from perflab.judge.plugin import VERDICTS, text_of, verdict_of
from perflab.judge.settings import SANDBOXES, Settings
from perflab.judge.store import key
from perflab.judge.written import MARK, marked

FOLDERS = ("submitted", "autograded", "feedback")


@dataclass(frozen=True)
class Stored:
    """What there is of a student.

    Attributes
    ----------
    student : str
    folders : tuple of Path
    verdicts : tuple of Path
        Those that no other student's submission uses, now or before: equal answers share one.
    in_gradebook : bool
    """

    student: str
    folders: tuple[Path, ...]
    verdicts: tuple[Path, ...]
    in_gradebook: bool


def stored(root: Path, student: str, db_url: str) -> Stored:
    """Find what a class keeps of a student.

    Parameters
    ----------
    root : Path
        The class.
    student : str
        The id.
    db_url : str
        Of the gradebook.

    Raises
    ------
    CourseError
        If the class knows nobody of that name.
    """
    if student in ("", ".", "..") or "/" in student or "\0" in student:
        raise CourseError(f"{student!r} is no student's id: give the name of a folder in {root / 'submitted'}.")
    folders = tuple(path for name in FOLDERS if (path := root / name / student).is_dir())
    known = _is_known(student, db_url)
    if not folders and not known:
        raise CourseError(f"{root}: nothing is kept of {student}. Is the id right? It is a folder of submitted/.")
    others = set(_used(root, student))
    kept = sorted((root / VERDICTS).glob("*.json"))
    return Stored(student, folders, tuple(path for path in kept if path.stem not in others), known)


def forget(what: Stored, db_url: str) -> None:
    """Delete it; the gradebook first, so that a run that is stopped can be repeated."""
    if what.in_gradebook:
        with opened(db_url) as gradebook:
            gradebook.remove_student(what.student)
    for path in what.verdicts:
        path.unlink(missing_ok=True)
    for folder in what.folders:
        shutil.rmtree(folder)


def _is_known(student: str, db_url: str) -> bool:
    try:
        with opened(db_url) as gradebook:
            gradebook.find_student(student)
    except MissingEntry:
        return False
    return True


def _used(root: Path, student: str) -> Iterator[str]:
    """Yield the names of verdicts that others use: those of their grades, and of what they handed in since."""
    for mark in (root / "autograded").glob(f"*/*/{MARK}"):
        if mark.parts[-3] != student:
            yield from marked(mark).values()
    for path in (root / "autograded").glob("*/*/*.ipynb"):
        if path.parts[-3] != student and (name := verdict_of(path)):
            yield name
    for path in (root / "submitted").glob("*/*/*.ipynb"):
        trusted = root / "source" / path.parts[-2] / path.name
        if path.parts[-3] != student and trusted.is_file():
            for sandbox in SANDBOXES:
                yield key(trusted.read_text(), text_of(path), Settings(sandbox))
