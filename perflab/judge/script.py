"""What an exam does, step by step: the instructor's cells in their order, the student's where they belong."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from perflab.course.grade_id import grade_id_of

MOST_SOURCE = 200_000  # characters of all that a student may hand in for one notebook


@dataclass(frozen=True)
class Step:
    """One cell of an exam.

    Attributes
    ----------
    role : str
        "given", "answer", "own" (a cell that the student added), "tests" or "show".
    name : str
        The grade id; of a student's own cell, that of the cell before it.
    source : str
        The student's for "answer" and "own", else the instructor's.
    defines : str
        The instructor's source of an answer: the names that count are those that it defines.
    points : float
        Of a tests cell.
    """

    role: str
    name: str
    source: str
    defines: str = ""
    points: float = 0.0


def steps(trusted: NotebookNode, submitted: NotebookNode) -> tuple[Step, ...]:
    """Return the steps of an exam.

    Parameters
    ----------
    trusted : NotebookNode
        The instructor's notebook, solved and with hidden tests.
    submitted : NotebookNode
        A student's; whatever its metadata say, only the text of code cells is taken from it, and that of answers,
        of whatever kind a slip of the hand has made their cells.

    Raises
    ------
    ValueError
        If the student's text is longer than `MOST_SOURCE`.
    """
    known = {_name(cell): cell for cell in trusted.cells}
    answers = {name for name, cell in known.items() if role_of(cell) == "answer"}
    written = _written(submitted, answers)
    chosen = {id(cell) for cell in written.values()}
    own: dict[str, list[str]] = {}
    before = ""
    for cell in submitted.cells:
        name = grade_id_of(cell)
        before = name if name in known else before
        if cell.cell_type != "code" or not isinstance(cell.source, str) or id(cell) in chosen:
            continue
        if name not in known or name in answers or _is_free(known[name]):
            # A second copy of an answer may hold the learner's code.
            own.setdefault(before, []).append(cell.source)
        elif rest := _merged(cell.source, known[name].source):
            own.setdefault(before, []).append(rest)
    if (
        sum(
            map(
                len,
                [*(cell.source for cell in written.values()), *(text for texts in own.values() for text in texts)],
            )
        )
        > MOST_SOURCE
    ):
        raise ValueError(f"more than {MOST_SOURCE:,} characters of code")
    found = [Step("own", "", text) for text in own.get("", [])]
    for cell in trusted.cells:
        name, role = _name(cell), role_of(cell)
        if role == "answer":
            found.append(Step("answer", name, written[name].source if name in written else "", cell.source))
        elif role is not None and cell.cell_type == "code":
            found.append(Step(role, name, cell.source, points=float(cell.metadata.nbgrader.get("points", 0))))
        found += [Step("own", name, text) for text in own.get(name, [])]
    return tuple(found)


def astray(trusted: NotebookNode, submitted: NotebookNode) -> tuple[str, ...]:
    """Return what the instructor's answers define, and the student's only in text that no exam runs.

    Cells that were merged with, or turned into, others hold code that a human finds at a glance.
    """
    wanted = {name for cell in trusted.cells if role_of(cell) == "answer" for name in defined(cell.source)}
    script = steps(trusted, submitted)
    taken = [step.source for step in script if step.role in ("answer", "own")]
    texts = [cell.source for cell in submitted.cells if isinstance(cell.source, str)]
    ours = {cell.source for cell in trusted.cells}
    left = [text for text in texts if text not in taken and text not in ours]
    return tuple(sorted(name for name in wanted if not any(_defines(taken, name)) and any(_defines(left, name))))


def defined(source: str) -> list[str]:
    """Return the names that a cell of the course defines at its top level."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return names


def _defines(texts: list[str], name: str) -> Iterator[bool]:
    """Tell for each text whether it looks as if it defined a name."""
    looks = re.compile(
        rf"^[ \t]*(?:(?:async +)?def|class) +{re.escape(name)}\b|^[ \t]*{re.escape(name)} *[:=]", re.M
    )
    return (looks.search(text) is not None for text in texts)


def _written(submitted: NotebookNode, answers: set[str]) -> dict[str, NotebookNode]:
    """Return the cell of each answer: the first that is code, or else the first."""
    written: dict[str, NotebookNode] = {}
    for cell in submitted.cells:
        name = grade_id_of(cell)
        if name in answers and isinstance(cell.source, str):
            better = name in written and written[name].cell_type != "code" == cell.cell_type
            if name not in written or better:
                written[name] = cell
    return written


def _is_free(cell: NotebookNode) -> bool:
    """Tell whether a learner may write code into a cell of the course: a guess, or text of no account."""
    return role_of(cell) is None and (cell.cell_type == "code" or not cell.metadata.get("nbgrader"))


def _merged(source: str, ours: str) -> str:
    """Return what a learner's copy of a cell of the course holds beyond that, if it holds all of it."""
    before, found, behind = source.partition(ours.strip())
    return f"{before.strip()}\n{behind.strip()}".strip() if found and ours.strip() else ""


def role_of(cell: NotebookNode) -> str | None:
    """Return the role of an instructor's cell, or None for text."""
    flags: dict[str, Any] = cell.metadata.get("nbgrader", {})
    if role := cell.metadata.get("perflab", {}).get("role"):
        return None if role in ("predict", "explain") else role
    if cell.cell_type != "code" or not flags:
        return None
    return "tests" if flags.get("grade") else "answer" if flags.get("solution") else "given"


def _name(cell: NotebookNode) -> str:
    return grade_id_of(cell) or ""
