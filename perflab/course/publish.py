"""Write generated files: all of them or none, and only those that changed."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from perflab.course.errors import CourseError, SourceError
from perflab.course.lint import lint
from perflab.course.notebook import student, to_bytes
from perflab.course.source import Exercise, read_all


def sources(root: Path) -> list[Exercise]:
    """Return all exercises of the course at `root`, none of which breaks a rule.

    Raises
    ------
    SourceError
        Listing every broken rule of every file.
    CourseError
        If there is no exercise at all: then `root` is no course, and all that was generated would be stale.
    """
    exercises = read_all(root / "solutions")
    if not exercises:
        raise CourseError(
            f"{root / 'solutions'}: no exercise source. Stand in the course's folder, or use --root."
        )
    problems = [problem for exercise in exercises for problem in lint(exercise, root)]
    if problems:
        raise SourceError(problems)
    return exercises


def released(exercises: Iterable[Exercise]) -> dict[Path, bytes]:
    """Return the students' notebooks by their path below exercises/."""
    return {Path(f"{exercise.name}.ipynb"): to_bytes(student(exercise)) for exercise in exercises}


def generate(root: Path) -> list[Path]:
    """Write exercises/ from solutions/; return the files that changed or went.

    Raises
    ------
    SourceError
        If a source is broken; nothing has been written then.
    CourseError
        If the disk is full or not writable; nothing has been replaced then.
    """
    return replace_all(root / "exercises", released(sources(root)), stale="*/*.ipynb")


def replace_all(folder: Path, files: dict[Path, bytes], stale: str | None = None) -> list[Path]:
    """Write `files` below `folder`, all or none; return the paths that changed.

    Parameters
    ----------
    folder : Path
    files : dict
        Contents by path relative to `folder`.
    stale : str, optional
        A glob pattern: files that match it and are not among `files` are removed.
    """
    changed = {folder / path: data for path, data in files.items() if content(folder / path) != data}
    gone = {path for path in folder.glob(stale) if path.relative_to(folder) not in files} if stale else set()
    fresh = {path: path.with_name(f".{path.name}.new") for path in changed}
    try:
        for path, data in changed.items():
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh[path].write_bytes(data)
    except OSError as error:
        for path in fresh.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise CourseError(f"{folder}: nothing was written: {error}. Make room or mend the rights.") from error
    # All data is on the disk; a rename needs no room.
    for path, new in fresh.items():
        os.replace(new, path)
    for path in gone:
        path.unlink()
    return sorted({*changed, *gone})


def content(path: Path) -> bytes | None:
    """Return what is in a file, or None."""
    try:
        return path.read_bytes()
    except OSError:
        return None
