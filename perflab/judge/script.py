"""What an exam does, step by step: the instructor's cells in their order, the student's where they belong."""

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
        A student's; whatever its metadata say, only the text of code cells is taken from it.

    Raises
    ------
    ValueError
        If the student's text is longer than `MOST_SOURCE`.
    """
    roles = {_name(cell): role_of(cell) for cell in trusted.cells}
    written: dict[str, str] = {}
    own: dict[str, list[str]] = {}
    before = ""
    for cell in submitted.cells:
        name = grade_id_of(cell)
        known = name in roles
        first = known and name not in written
        before = name if known else before
        if cell.cell_type != "code" or not isinstance(cell.source, str):
            continue
        if first and roles[name] == "answer":
            written[name] = cell.source
        elif not known or roles[name] in ("answer", None):
            # A second copy of an answer may hold the learner's code.
            own.setdefault(before, []).append(cell.source)
    if sum(map(len, [*written.values(), *(text for texts in own.values() for text in texts)])) > MOST_SOURCE:
        raise ValueError(f"more than {MOST_SOURCE:,} characters of code")
    found = [Step("own", "", text) for text in own.get("", [])]
    for cell in trusted.cells:
        name, role = _name(cell), role_of(cell)
        if role == "answer":
            found.append(Step("answer", name, written.get(name, ""), cell.source))
        elif role is not None and cell.cell_type == "code":
            found.append(Step(role, name, cell.source, points=float(cell.metadata.nbgrader.get("points", 0))))
        found += [Step("own", name, text) for text in own.get(name, [])]
    return tuple(found)


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
