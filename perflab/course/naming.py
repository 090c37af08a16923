"""Which released notebook a handed-in file is, whatever it is called.

Browsers, operating systems and people rename files: ``small (1).ipynb``, ``Copy of small.ipynb``,
``small.ipynb.txt``, ``week-1/small.ipynb``. The best evidence is a notebook's own cells: they carry the grade ids
of the released one. Its name counts only where no cell says anything. Nothing is guessed: where two readings are
possible, or none, a human has to decide.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from nbformat import NotebookNode

from perflab.course.grade_id import grade_id_of

# What systems leave beside a notebook, and what nbgrader and the judge do.
JUNK = re.compile(r"^(\.|__MACOSX$|~\$)|^timestamp\.txt$|\.(damaged|part)(-\d+)?$")
ENDING = re.compile(r"(\.ipynb[ .(_-]*\d*\)?)?(\.(ipynb|json|txt|html?|misnamed))*$", re.IGNORECASE)
OLDER = {"versions", "version", "backup", "backups", "old", "archive"}  # folders that hold what came before
# Words that people and systems add to a name, in the languages that browsers of students speak.
ADDED = {
    *("copy", "kopie", "copie", "copia", "cópia", "kopia", "of", "von", "de", "di", "a", "the"),
    *("final", "finished", "done", "last", "latest", "new", "fixed", "corrected", "version", "v"),
    *("my", "solution", "solved", "submission", "downloaded"),
}


@dataclass(frozen=True)
class Left:
    """A file that is graded under no name.

    Attributes
    ----------
    path : str
    may_be : tuple of str
        Released notebooks that it may be; empty if it is none of them.
    why : str
        A sentence for a human.
    """

    path: str
    may_be: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Reading:
    """What the files of one student are.

    Attributes
    ----------
    matched : dict of str
        The one file of each released notebook, by the notebook's name; those that are missing are not in it.
    left : tuple of Left
        In the order of paths.
    """

    matched: dict[str, str]
    left: tuple[Left, ...]

    def doubts(self, name: str) -> tuple[str, ...]:
        """Return what a human has to know of a released notebook: which other files may be it.

        Where it is missing, a file that is none of the released notebooks may be it, too.
        """
        missing = name not in self.matched
        return tuple(
            dict.fromkeys(one.why for one in self.left if name in one.may_be or (missing and not one.may_be))
        )


@dataclass(frozen=True)
class _Claim:
    """A file that reads as one released notebook."""

    path: str
    notebook: NotebookNode | None
    by_cells: bool
    exact: bool

    @property
    def in_place(self) -> bool:
        """Whether it has the very name that nbgrader looks for."""
        return self.exact and "/" not in self.path

    def beats(self, other: "_Claim") -> bool:
        """Tell whether nobody could mean the other one."""
        if (self.notebook is None) != (other.notebook is None):
            return self.notebook is not None
        if self.in_place or other.in_place:
            return self.in_place
        mine, others = self._faults(), other._faults()
        return mine != others and all(a <= b for a, b in zip(mine, others, strict=True))

    def _faults(self) -> tuple[bool, bool, bool, int]:
        folders = [part.casefold() for part in PurePosixPath(self.path).parts[:-1]]
        return not self.by_cells, not self.exact, bool(OLDER & set(folders)), len(folders)


def may_be_notebook(path: str) -> bool:
    """Tell whether a file may be somebody's notebook, by its name: ``small.ipynb.txt`` may, ``notes.csv`` not.

    Parameters
    ----------
    path : str
        Below the student's folder, with ``/``.
    """
    parts = PurePosixPath(path).parts
    if any(JUNK.search(part) for part in parts):
        return False
    return _without_ending(parts[-1]) != parts[-1]


def reading(files: Mapping[str, NotebookNode | None], released: Mapping[str, Collection[str]]) -> Reading:
    """Return which released notebook each file is.

    A notebook whose cells are those of exactly one released notebook is that one. One whose cells say nothing, and
    a file that cannot be read, goes by its name: nothing but what people and systems add may differ from the
    released one. Of several files for one notebook the one under its very name counts, else one that is better
    in some respect and worse in none (cells, name, not in a folder of old versions, fewer folders), or any where
    their cells are equal.

    Parameters
    ----------
    files : mapping of NotebookNode or None
        What a student handed in, by path below the student's folder, with ``/``; None is a file that is no
        notebook. Leave out what `may_be_notebook` denies.
    released : mapping of collection of str
        The grade ids of each released notebook, by its name without ``.ipynb``.

    Returns
    -------
    Reading
    """
    shared = Counter(name for ids in released.values() for name in set(ids))
    own = {name: {one for one in ids if shared[one] == 1} for name, ids in released.items()}
    claims: dict[str, list[_Claim]] = {name: [] for name in released}
    left = []
    for path, notebook in files.items():
        found, by_cells = _named_by_cells(notebook, own), True
        exact = PurePosixPath(path).name
        if len(found) > 1 and exact.removesuffix(".ipynb") in found:
            found = {exact.removesuffix(".ipynb")}
        if not found:
            found, by_cells = _named_by_name(path, released), False
        if len(found) == 1:
            (name,) = found
            claims[name].append(_Claim(path, notebook, by_cells, exact == f"{name}.ipynb"))
        elif found:
            names = tuple(sorted(found))
            cells = f"{path} has cells of {_and(names)}" if by_cells else f"{path} may be {_and(names, 'or')}"
            left.append(Left(path, names, f"{cells}. Give it the name of one of them."))
        elif notebook is not None:
            left.append(Left(path, (), f"{path} is none of the released notebooks, by its cells and by its name."))
    matched = {}
    for name, several in claims.items():
        best = _best(several)
        if best is None and several:
            paths = _and(sorted(claim.path for claim in several))
            left += [Left(one.path, (name,), f"{paths} may each be {name}. Keep one of them.") for one in several]
        if best is not None:
            matched[name] = best.path
            others = (one for one in several if one.notebook is not None and not _equal(one, best))
            left += [
                Left(one.path, (name,), f"{one.path} may be {name} too; {best.path} is graded.") for one in others
            ]
    return Reading(matched, tuple(sorted(left, key=lambda one: one.path)))


def _named_by_cells(notebook: NotebookNode | None, own: Mapping[str, set[str]]) -> set[str]:
    """Return the released notebooks that a notebook has cells of."""
    if notebook is None:
        return set()
    ids = {grade_id_of(cell) for cell in notebook.cells}
    return {name for name, names in own.items() if names & ids}


def _named_by_name(path: str, released: Collection[str]) -> set[str]:
    """Return the released notebooks whose name a file has, but for what people and systems add to names."""
    called = _without_ending(PurePosixPath(path).name)
    if called in released:
        return {called}
    words = _words(unquote(called))
    found = set()
    for name in released:
        plain = "".join(_words(name))
        for i in _added_before(words):
            for k in _added_before(words[::-1]):
                if "".join(words[i : len(words) - k]) == plain:
                    found.add(name)
    return found


def _added_before(words: list[str]) -> range:
    """Return how many words, from the first on, may have been added to a name."""
    most = next((i for i, word in enumerate(words) if word not in ADDED and not word.isdecimal()), len(words))
    return range(most + 1)


def _without_ending(name: str) -> str:
    return ENDING.sub("", name, count=1)


def _words(name: str) -> list[str]:
    """Return the words and numbers of a name, whatever stands between them and however they are written."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.findall(r"\d+|[^\W\d_]+", plain)


def _best(several: list[_Claim]) -> _Claim | None:
    """Return the claim that nobody could doubt, or None."""
    for one in sorted(several, key=lambda claim: (claim._faults(), claim.path)):
        if all(_equal(one, other) or one.beats(other) for other in several):
            return one
    return None


def _equal(one: _Claim, other: _Claim) -> bool:
    """Tell whether two files say the same."""
    if one is other or one.notebook is None or other.notebook is None:
        return one is other
    return _content(one.notebook) == _content(other.notebook)


def _content(notebook: NotebookNode) -> list[tuple[object, object]]:
    return [(cell.get("cell_type"), cell.get("source")) for cell in notebook.cells]


def _and(names: Collection[str], word: str = "and") -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last
