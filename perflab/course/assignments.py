"""Which exercises make which nbgrader assignment, and the class that is built from them.

By default a chapter is an assignment (memory/locality -> memory-locality); assignments.yml says otherwise where
an instructor wants it. An assignment that was released is frozen: updating the course never changes it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from perflab.course.errors import CourseError
from perflab.course.notebook import instructor, to_bytes
from perflab.course.publish import replace_all
from perflab.course.source import Exercise

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")  # nbgrader makes folders of them and reserves "+"


@dataclass(frozen=True)
class Built:
    """What became of an assignment in class/source.

    Attributes
    ----------
    name : str
    exercises : tuple of str
    points : float
        Of tests cells.
    by_hand : float
        Of written answers.
    state : {"written", "unchanged", "frozen", "frozen, differs from the course"}
    """

    name: str
    exercises: tuple[str, ...]
    points: float
    by_hand: float
    state: str


def assignments(path: Path, exercises: list[Exercise]) -> dict[str, list[Exercise]]:
    """Return the exercises of each assignment, as `path` (assignments.yml) and the chapters say.

    Raises
    ------
    CourseError
        If the file names what does not exist, or one exercise twice.
    """
    by_name = {exercise.name: exercise for exercise in exercises}
    try:
        wanted = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CourseError(f"{path}: cannot be read: {error}") from error
    if not isinstance(wanted, dict) or not all(isinstance(names, list) and names for names in wanted.values()):
        raise CourseError(f"{path}: expected lines like `memory-locality: [memory/soa_vs_aos]`")
    found: dict[str, list[Exercise]] = {}
    placed: dict[str, str] = {}
    for assignment, names in wanted.items():
        if not isinstance(assignment, str) or not NAME.fullmatch(assignment):
            raise CourseError(f"{path}: {assignment!r} is no name; use letters, digits, hyphens and underscores")
        for name in names:
            if not isinstance(name, str) or name not in by_name:
                raise CourseError(f"{path}: {assignment} wants {name!r}; there are {', '.join(sorted(by_name))}")
            if name in placed:
                raise CourseError(f"{path}: {name} is in {placed[name]} and in {assignment}; leave it in one")
            placed[name] = assignment
        found[assignment] = [by_name[name] for name in names]
    for exercise in exercises:
        if exercise.name not in placed:
            found.setdefault(exercise.header.chapter.replace("/", "-"), []).append(exercise)
    for assignment, members in found.items():
        stems = [exercise.path.stem for exercise in members]
        if len(stems) != len(set(stems)):
            raise CourseError(f"{path}: {assignment} has two exercises of the same name; put them apart")
    return found


def build(course: Path, assigned: dict[str, list[Exercise]], renewed: str = "") -> list[Built]:
    """Write the instructor's notebooks to ``course/source``; leave released assignments alone, but for one.

    Parameters
    ----------
    course : Path
        The root of the nbgrader course.
    assigned : dict
        As `assignments` returns it.
    renewed : str
        A released assignment that is written all the same: it has to be released anew.
    """
    files: dict[Path, bytes] = {}
    gone: list[Path] = []
    states: dict[str, str] = {}
    stems = {exercise.path.stem for members in assigned.values() for exercise in members}
    for name, members in assigned.items():
        own = {Path(name) / f"{e.path.stem}.ipynb": to_bytes(instructor(e)) for e in members}
        # An exercise that moved to another assignment; notebooks of the instructor's own stay.
        here = (course / "source" / name).glob("*.ipynb")
        moved = [path for path in here if path.stem in stems and Path(name, path.name) not in own]
        same = not moved and all(
            (course / "source" / path).is_file() and (course / "source" / path).read_bytes() == data
            for path, data in own.items()
        )
        if name != renewed and (course / "release" / name).exists():
            states[name] = "frozen" if same else "frozen, differs from the course"
        else:
            files |= own
            gone += moved
            states[name] = "unchanged" if same else "written"
    replace_all(course / "source", files)
    for path in gone:
        path.unlink()
    return [
        Built(
            name,
            tuple(e.name for e in members),
            sum(e.points for e in members),
            sum(cell.points or 0.0 for e in members for cell in e.of_role("explain")),
            states[name],
        )
        for name, members in assigned.items()
    ]
