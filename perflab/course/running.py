"""Run a notebook whatever its cells do: one that hangs or crashes costs itself and what calls the same code."""

import asyncio
import math
import re
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
from nbformat import NotebookNode

from perflab.course import names
from perflab.course.kernel import Ending, Kernel, Place, file_of, start
from perflab.course.original import role_of
from perflab.course.results import result

# Where indices are checked, and the seconds that a cell may take there.
CHECKED = (({"NUMBA_DISABLE_JIT": "1"}, 10.0), ({"NUMBA_BOUNDSCHECK": "1"}, math.inf))
NOTEBOOK = "JPY_SESSION_NAME"  # in the environment of a kernel: its notebook, as Jupyter's server says it
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Error:
    """What a cell raised.

    Attributes
    ----------
    kind, text : str
        E.g. "NameError" and "name 'f' is not defined".
    cell : str
        The name of the innermost cell that was running, or "".
    line : int
        Of that cell, counted from 1; 0 if it is unknown.
    """

    kind: str
    text: str
    cell: str = ""
    line: int = 0


@dataclass(frozen=True)
class Fate:
    """What became of a cell.

    Attributes
    ----------
    name : str
        The grade id, or for a learner's own cell where it stands.
    role : str
        "given", "answer", "own", "tests" or "show".
    cell : NotebookNode
        With its outputs.
    ending : Ending or None
        None if it was not run.
    limit : float
        Seconds that it could take.
    error : Error or None
    at : Place or None
        The innermost line of the notebook that was running when the cell was stopped or crashed; its file is the
        name of a cell.
    blocked_by : str
        The cell that hung or crashed with the same functions, where this one was not run for it.
    uses : frozenset of str
        What a tests cell names of the learner's.
    bounds : str
        What a cell that crashed says where indices are checked, if one is outside its array.
    """

    name: str
    role: str
    cell: NotebookNode
    ending: Ending | None = None
    limit: float = 0.0
    error: Error | None = None
    at: Place | None = None
    blocked_by: str = ""
    uses: frozenset[str] = field(default=frozenset())
    bounds: str = ""

    @property
    def lost(self) -> bool:
        """Whether it did not come to its end."""
        return self.ending is not None and self.ending.how != "done"


def run(
    notebook: NotebookNode,
    limit: float,
    pictures: bool = False,
    step: Callable[[str], None] = lambda name: None,
) -> list[Fate]:
    """Run the code cells of a notebook in a fresh kernel; return what became of each, in order.

    After a cell that ended the kernel, a new one goes on behind it: what was defined is defined again, and tests
    cells that call what hung or crashed are left out.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells get outputs.
    limit : float
        Seconds that a cell may take.
    pictures : bool
        Whether cells of the role "show" run too.
    step : callable
        Told the name of each cell before it runs.
    """
    with tempfile.TemporaryDirectory(prefix="perflab-check-") as folder:
        # The kernel learns from it which cells are the course's.
        file = Path(folder, "notebook.ipynb")
        nbformat.write(notebook, file)
        return _to_its_end(_run(_planned(notebook, pictures), limit, step, {NOTEBOOK: str(file)}))


def _to_its_end(job: Coroutine[Any, Any, list[Fate]]) -> list[Fate]:
    """Run a coroutine here, or beside this thread where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(job)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, job).result()


def _planned(notebook: NotebookNode, pictures: bool) -> list[Fate]:
    """Return the cells to run."""
    fates: list[Fate] = []
    before = ""
    for cell in notebook.cells:
        role = role_of(cell)
        flags = cell.metadata.get("nbgrader", {})
        name = flags.get("grade_id", "")
        if role == "text" or (role == "show" and not pictures):
            before = name or before
            continue
        if not name:
            name = f"your cell after {before}" if before else "your first cell"
            if twins := sum(fate.name.startswith(name) for fate in fates):
                name = f"{name}, number {twins + 1}"
        else:
            before = name
        cell.outputs, cell.execution_count = [], None
        fates.append(Fate(name, role, cell))
    theirs = set().union(*(names.defined(f.cell.source) for f in fates if f.role in ("answer", "own")))
    return [
        replace(f, uses=frozenset(names.used(names.tree_of(f.cell.source)) & theirs)) if f.role == "tests" else f
        for f in fates
    ]


async def _run(
    fates: list[Fate], limit: float, step: Callable[[str], None], environment: dict[str, str]
) -> list[Fate]:
    asyncio.get_running_loop().set_exception_handler(_forgive)
    undecided = True
    while undecided:
        async with start(environment) as kernel:
            await _through(kernel, fates, limit, step)
        undecided = any(f.role == "tests" and f.ending is None and not f.blocked_by for f in fates)
    for i, fate in enumerate(fates):
        if fate.ending is not None and fate.ending.how == "died" and fate.ending.status < 0:
            step(f"{fate.name} with indices checked")
            fates[i] = replace(fate, bounds=await _outside(fates[: i + 1], limit))
    return fates


def _forgive(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over what nbclient leaves behind where it gave a cell up: a reader of outputs that finds none."""
    if not isinstance(context.get("exception"), Empty):
        loop.default_exception_handler(context)


async def _through(kernel: Kernel, fates: list[Fate], limit: float, step: Callable[[str], None]) -> None:
    """Run all cells that are undecided, until the kernel is gone; and what they need of those before."""
    known = names.functions(fate.cell.source for fate in fates if fate.role in ("answer", "own"))
    counts: dict[int, str] = {}
    for i, fate in enumerate(fates):
        if fate.lost or fate.blocked_by:
            continue
        again = fate.ending is not None
        if again and fate.role == "tests" and not any(f.ending is None and f.uses & fate.uses for f in fates):
            continue
        cell = deepcopy(fate.cell) if again else fate.cell
        step(fate.name)
        ending = await kernel.run(cell, limit)
        if cell.execution_count is not None:
            counts[cell.execution_count] = fate.name
        if again and ending.how == "done":
            continue
        error, at = _error(cell, counts), _at(ending.stack, fates)
        fates[i] = replace(fate, ending=ending, limit=limit, error=error, at=at)
        if fates[i].lost:
            _block(fates, fates[i], known)
        if ending.how in ("killed", "died"):
            return


def _block(fates: list[Fate], lost: Fate, known: dict) -> None:
    """Mark the tests cells that would hang or crash as this cell did."""
    if lost.role == "tests":
        culprits = lost.uses
    elif lost.ending is not None and lost.ending.how != "late":
        culprits = frozenset(names.defined(lost.cell.source))
    else:
        return  # what stood above the line that hung is defined
    for i, fate in enumerate(fates):
        if fate.role == "tests" and fate.ending is None and names.reached(fate.uses, known) & culprits:
            fates[i] = replace(fate, blocked_by=lost.name)


def _error(cell: NotebookNode, counts: dict[int, str]) -> Error | None:
    """Return what a cell raised, and where."""
    output = next((output for output in cell.outputs if output.output_type == "error"), None)
    if output is None:
        return None
    kind, text = output.ename, (output.evalue.splitlines() or [""])[0].strip()
    if compiling := re.search(r" \(\S+, line (\d+)\)$", text):  # of a SyntaxError
        return Error(kind, text[: compiling.start()], counts.get(cell.execution_count, ""), int(compiling[1]))
    lines = re.findall(r"Cell In\[(\d+)\], line (\d+)", ANSI.sub("", "\n".join(output.traceback)))
    if not lines:
        return Error(kind, text)
    count, line = map(int, lines[-1])
    return Error(kind, text, counts.get(count, ""), line)


def _at(stack: tuple[Place, ...], fates: list[Fate]) -> Place | None:
    """Return the innermost line of a stack that stands in the notebook."""
    if not stack:
        return None
    cells = {file_of(fate.cell.source): fate.name for fate in fates}
    return next((replace(place, file=cells[place.file]) for place in stack if place.file in cells), None)


async def _outside(fates: list[Fate], limit: float) -> str:
    """Run a cell that crashed once more where every index is checked; return what it says if one is outside.

    Plain Python names the line, and takes long; where it takes too long Numba's own checks say that it is so.
    """
    for environment, patience in CHECKED:
        async with start(environment) as kernel:
            crashed = deepcopy(fates[-1].cell)
            cells = [deepcopy(f.cell) for f in fates[:-1] if f.role != "tests" and not f.lost]
            endings = [await kernel.run(cell, min(limit, patience)) for cell in (*cells, crashed)]
        if endings[-1].how == "done" and "IndexError" in (said := result(crashed).why):
            return said
    return ""
