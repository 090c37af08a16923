"""In a learner's kernel: would a judge count this? The same rules on the same cells, before it is handed in.

A judge knows from its own notebook which cells are the course's. A kernel knows the cells that ran; the notebook's
file, where the kernel's front end says which it is, tells who wrote them. Without that file all cells before the
first one that defines a function count as the course's: then some code is refused only by the judge, and none only
here.
"""

import ast
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from perflab.check import given

SESSION = "JPY_SESSION_NAME"  # in the environment of a kernel: its notebook, says Jupyter's server
VSCODE = "__vsc_ipynb_file__"  # among the names of a kernel: the same, says Visual Studio Code


def refuse(functions: Sequence[Callable[..., Any]], team: Sequence[Callable[..., Any]] = ()) -> None:
    """Refuse functions of this kernel whose counts a judge would refuse.

    Parameters
    ----------
    functions : sequence of callable
        A learner's, which are checked together.
    team : sequence of callable
        The course's, which call them.

    Raises
    ------
    ForbiddenError
        Naming the line that has to go.
    """
    shell = _shell()
    if shell is None:
        return
    from perflab.check.admission import admitted, names_of_team

    known = shell.user_ns
    names = {
        name for name, value in known.items() if not name.startswith("_") and any(value is f for f in functions)
    }
    if not names:
        return
    given, own = split(shell.history_manager.input_hist_raw[1:], names, course_cells(_notebook(known)))
    admitted(own, names, given, names_of_team(team, names))


def split(
    ran: Sequence[str], names: Iterable[str], course: dict[str, set[str]] | None
) -> tuple[list[str], list[str]]:
    """Return the course's cells and the learner's among those that ran.

    Parameters
    ----------
    ran : sequence of str
        In the order in which they ran; of a cell that was edited and run again the last one counts.
    names : iterable of str
        Of the functions in question.
    course : dict of set of str, or None
        See `course_cells`.
    """
    bound = [_definitions(cell) for cell in ran]
    later: set[str] = set()
    last = []
    for cell, defined in zip(reversed(ran), reversed(bound), strict=True):
        if not defined or not defined <= later:
            last.append(cell)
        later |= defined
    last.reverse()
    if course is not None:
        own = [cell for cell in last if not any(cell in cells for cells in course.values())]
        return [cell for cell in last if cell in course["given"]], own
    first = next((n for n, cell in enumerate(last) if _definitions(cell) & set(names)), 0)
    return [cell for cell in last[:first] if _is_python(cell)], list(last[first:])


def keep_given() -> None:
    """In a kernel, keep the course's names apart from the learner's; see `perflab.check.given`."""
    shell = _shell()
    if shell is not None:
        given.watch(shell, _GivenCells(shell.user_ns))


class _GivenCells:
    """Tells which cells are given ones: those of the notebook's file, or else the first that imports `check`."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._first: str | None = None

    def __call__(self, source: str) -> bool:
        course = course_cells(_notebook(self._names))
        if course is not None:
            return source.rstrip("\n") in course["given"]
        if self._first is None and _imports_check(source):
            self._first = source
        return source == self._first


def course_cells(path: Path | None) -> dict[str, set[str]] | None:
    """Return the texts of the course's cells in a notebook, "given" and "tests"; None if it has none."""
    try:
        cells = json.loads(path.read_text())["cells"] if path else None
        if cells is None:
            return None
        found: dict[str, set[str]] = {"given": set(), "tests": set()}
        for cell in cells:
            flags = cell["metadata"].get("nbgrader", {})
            if cell["cell_type"] == "code" and flags.get("locked"):
                source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
                found["tests" if flags.get("grade") or _role(cell) == "show" else "given"].add(
                    source.rstrip("\n")
                )  # as a kernel keeps it
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # whatever a broken file holds
        return None
    return found if found["given"] else None


def _role(cell: dict[str, Any]) -> str | None:
    return cell["metadata"].get("perflab", {}).get("role")


def _shell() -> Any:
    """Return the shell of this kernel, if it is one."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return shell if shell is not None and getattr(shell, "history_manager", None) is not None else None


def _notebook(names: dict[str, Any]) -> Path | None:
    said = names.get(VSCODE) or os.environ.get(SESSION)
    return Path(said) if isinstance(said, str) and said.endswith(".ipynb") else None


def _definitions(cell: str) -> set[str]:
    """Return the functions and classes that a cell of plain Python defines."""
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return set()
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def _imports_check(cell: str) -> bool:
    """Tell whether a cell imports this package, as the first cell of each exercise does."""
    body = ast.parse(cell).body if _is_python(cell) else ()
    imports = (node for node in body if isinstance(node, ast.ImportFrom) and node.module == "perflab")
    return any(alias.name == "check" for node in imports for alias in node.names)


def _is_python(cell: str) -> bool:
    try:
        ast.parse(cell)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
