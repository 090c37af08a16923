"""Read an exercise source: a solved py:percent file whose cells carry roles.

The file is the one place where an exercise is written. Its first comment block is a YAML header; each code or
Markdown cell may carry ``role``, ``grade_id``, ``points`` and ``hints`` on its marker. See CONTRIBUTING.md.
"""

import linecache
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from perflab.course.errors import Problem, SourceError

AREAS = (
    "workflow",
    "cpu",
    "memory",
    "io",
    "algorithms",
    "concurrency",
    "system",
    "patterns",
    "projects",
    "interviews",
)
ROLES = ("given", "predict", "answer", "tests", "show", "explain")
MARKER = "# %%"
ON_MARKERS = ("role", "grade_id", "points", "hints")
JUPYTEXT_KEYS = {"lines_to_next_cell"}  # which jupytext adds to keep blank lines


@dataclass(frozen=True)
class Header:
    """What the header of an exercise says.

    Attributes
    ----------
    title, lever, chapter : str
        `chapter` is the id of the topic that the exercise belongs to, e.g. "memory/locality".
    covers : tuple of str
        Ids of curriculum points or topics.
    stars, minutes : int
        Difficulty from 1 to 3, and the time that a learner needs.
    forbids : tuple of str
        Modules that the sandbox hides, since they hold the answer.
    """

    title: str
    covers: tuple[str, ...]
    lever: str
    stars: int
    minutes: int
    chapter: str
    forbids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of an exercise source.

    Attributes
    ----------
    kind : {"code", "markdown"}
    source : str
    line : int
        Line of the file at which the source starts; the marker is the line before.
    role, grade_id : str or None
    points : float or None
    hints : list of int or None
        Of a tests cell: the first and the last hint that are about it; by default all.
    """

    kind: str
    source: str
    line: int
    role: str | None = None
    grade_id: str | None = None
    points: float | None = None
    hints: list[int] | None = None


@dataclass(frozen=True)
class Exercise:
    """An exercise as its source tells it.

    Attributes
    ----------
    path : Path
    name : str
        Area and exercise, e.g. "memory/soa_vs_aos".
    header : Header
    cells : tuple of Cell
    """

    path: Path
    name: str
    header: Header
    cells: tuple[Cell, ...]

    def of_role(self, *roles: str) -> list[Cell]:
        """Return the cells with one of `roles`, in order."""
        return [cell for cell in self.cells if cell.role in roles]

    @property
    def points(self) -> float:
        """What the tests cells give together, without the written answers."""
        return sum(cell.points or 0 for cell in self.of_role("tests"))


def read(path: Path) -> Exercise:
    """Read the exercise source at `path`; its form is checked here, its rules in `perflab.course.lint`.

    Raises
    ------
    SourceError
        If the file has no valid header or no cells that can be told apart.
    """
    import jupytext  # with half a notebook server; what grades reads no source

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError([Problem(path, 1, f"cannot be read: {error}")]) from error
    lines = text.splitlines()
    header, body_start = _read_header(path, lines)
    while body_start < len(lines) and not lines[body_start].strip():
        body_start += 1
    body = lines[body_start:]
    # jupytext reads the markers; it does not tell their lines, so these are counted here.
    starts = [i for i, line in enumerate(body) if line.startswith(MARKER)]
    try:
        parsed = jupytext.reads("\n".join(body) + "\n", fmt="py:percent").cells
    except Exception as error:
        raise SourceError([Problem(path, body_start + 1, f"no py:percent text: {error}")]) from error
    if len(parsed) != len(starts):
        message = f"{len(starts)} markers `# %%` but {len(parsed)} cells: every cell starts with a marker"
        raise SourceError([Problem(path, body_start + 1, message)])
    for cell, start in zip(parsed, starts, strict=True):
        if unknown := set(cell.metadata) - {*ON_MARKERS} - JUPYTEXT_KEYS:
            message = f"unknown on the marker: {', '.join(sorted(unknown))}; a marker has {', '.join(ON_MARKERS)}"
            raise SourceError([Problem(path, body_start + start + 1, message)])
    cells = tuple(
        Cell(
            kind=cell.cell_type,
            source=cell.source,
            line=body_start + start + 2,
            role=cell.metadata.get("role"),
            grade_id=cell.metadata.get("grade_id"),
            points=cell.metadata.get("points"),
            hints=cell.metadata.get("hints"),
        )
        for cell, start in zip(parsed, starts, strict=True)
    )
    return Exercise(path, f"{path.parent.name}/{path.stem}", header, cells)


def _read_header(path: Path, lines: list[str]) -> tuple[Header, int]:
    """Return the header and the number of lines that it takes."""
    fences = [i for i, line in enumerate(lines) if line.rstrip() == "# ---"]
    if len(fences) < 2 or fences[0] != 0:
        raise SourceError([Problem(path, 1, "no header: start with a YAML block between two lines `# ---`")])
    try:
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[1 : fences[1]])
        data = yaml.safe_load(text)["perflab"]
        names = set(Header.__dataclass_fields__)
        required = names - {"forbids"}
        if unknown := set(data) - names:
            raise KeyError(f"unknown: {', '.join(sorted(unknown))}")
        if missing := required - set(data):
            raise KeyError(f"missing: {', '.join(sorted(missing))}")
        data["covers"] = tuple(data["covers"])
        data["forbids"] = tuple(data.get("forbids") or ())
        return Header(**data), fences[1] + 1
    except (yaml.YAMLError, KeyError, TypeError) as error:
        expected = ", ".join(Header.__dataclass_fields__)
        why = " ".join(str(error).split())  # YAML's own message has several lines
        message = f"the header is broken ({why}); below `perflab:` it has {expected}"
        raise SourceError([Problem(path, 1, message)]) from error


def read_all(solutions: Path) -> list[Exercise]:
    """Read every exercise below `solutions`, in the order of areas and names.

    Raises
    ------
    SourceError
        Listing the problems of all broken files together.
    """
    exercises, problems = [], []
    for path in sorted(solutions.glob("*/*.py"), key=lambda p: (_area_rank(p.parent.name), p.name)):
        try:
            exercises.append(read(path))
        except SourceError as error:
            problems += error.problems
    if problems:
        raise SourceError(problems)
    return exercises


def _area_rank(area: str) -> int:
    return AREAS.index(area) if area in AREAS else len(AREAS)


def with_answer(exercise: Exercise, answer: str) -> Exercise:
    """Return `exercise` with `answer` in place of its answer cells: for mutants and sample submissions."""
    cells, written = [], False
    for cell in exercise.cells:
        if cell.role == "answer":
            cell, written = replace(cell, source="" if written else answer.strip()), True
        cells.append(cell)
    return replace(exercise, cells=tuple(cells))


def load(path: Path | str, roles: Sequence[str] = ("given", "answer")) -> SimpleNamespace:
    """Run the cells of an exercise that have one of `roles`; return the names that they define.

    This is how tests and benchmarks reach an exercise: nothing imports it as a module.
    """
    # As in a notebook. Numba finds a compiled function that calls itself only in a module that is there.
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in read(Path(path)).of_role(*roles):
        run_cell(cell, namespace)
    return SimpleNamespace(**namespace)


def run_cell(cell: Cell, namespace: dict[str, Any]) -> None:
    """Run one cell in `namespace`, so that tracebacks and `inspect` find its lines."""
    filename = f"<{cell.grade_id or f'line {cell.line}'}>"
    linecache.cache[filename] = (len(cell.source), None, cell.source.splitlines(keepends=True), filename)
    exec(compile(cell.source, filename, "exec"), namespace)
