"""Which notebook a learner means: a path, or an exercise by the name that `perflab progress` prints."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from perflab.course.errors import CourseError
from perflab.course.original import course_of, exercises_of


def chosen(argument: str, here: Path) -> Path:
    """Return the path of a notebook.

    Parameters
    ----------
    argument : str
        A path, or the name of an exercise of the course around `here`: ``memory/soa_vs_aos``, or ``soa_vs_aos`` if
        no other area has one of that name.
    here : Path

    Raises
    ------
    CourseError
        If there is no such notebook; it names those that have a similar name.
    """
    path = here / argument
    for place in (Path(argument), Path(f"{argument}.ipynb")):
        if (here / place).is_file():
            return here / place
    if path.is_dir():
        raise CourseError(f"{argument}: cannot be read: Is a directory. Is the path right? Give a notebook in it.")
    root = course_of(here)
    known = list(exercises_of(root)) if root else []
    wanted = Path(argument).with_suffix("").as_posix() if argument.endswith(".ipynb") else argument
    names = [name for name in known if wanted in (name, name.split("/")[1])]
    if len(names) > 1:
        raise CourseError(f"{argument}: {_and(names)} have this name. Give one of them.")
    if names and root is not None:
        copy = root / "work" / f"{names[0]}.ipynb"
        if copy.is_file():
            return copy
        raise CourseError(f"{argument}: you have no copy of this exercise yet ({copy}). Run `perflab work`.")
    near = near_names(wanted, known)
    meant = f" Did you mean {_and(near, 'or')}?" if near else ""
    raise CourseError(f"{argument}: cannot be read: No such file or directory. Is the path right?{meant}")


def near_names(wanted: str, known: Iterable[str]) -> list[str]:
    """Return the exercises whose names, with or without their area, are similar, the most similar first."""
    last = wanted.rsplit("/", 1)[-1]
    shares = {}
    for name in known:
        pairs = ((wanted, name), (last, name.split("/")[1]))
        shares[name] = max(difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)
    near = sorted(shares, key=lambda name: -shares[name])
    return [name for name in near[:3] if shares[name] >= 0.6]


def _and(names: list[str], word: str = "and") -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
