"""What is wrong with a notebook that was run, in sentences that name the cell and the line and say what to do."""

import ast
import difflib
import re
import signal
from collections.abc import Iterable

from nbformat import NotebookNode

from perflab.course import names
from perflab.course.original import role_of
from perflab.course.running import Error, Fate

ENDS = ("_exit", "exit", "quit", "abort", "kill", "raise_signal")  # what ends a process
UNDEFINED = "NameError"
NO_MODULE = "ModuleNotFoundError"


def troubles(fates: list[Fate], files: Iterable[str] = ()) -> list[str]:
    """Return a sentence for each cell that failed and is no tests cell.

    Parameters
    ----------
    fates : list of Fate
    files : iterable of str
        The names of the files beside the notebook: a module among them is not there where it is graded.
    """
    said = []
    for fate in fates:
        if fate.role == "tests":
            continue
        if fate.lost:
            said.append(_of_lost(fate, fates))
        elif fate.error is not None:
            said.append(f"{_where(fate, fate.error)}: {_what(fate.error)}.{_advice(fate.error, files)}")
    return said


def reason(fate: Fate, fates: list[Fate], original: NotebookNode | None) -> str:
    """Return why a tests cell gave no points of its own accord; "" if it ran to its end without an error."""
    if fate.blocked_by:
        return _of_blocked(fate, fates)
    if fate.ending is None:
        return "It was not run."
    if fate.lost:
        return _of_lost(fate, fates)
    if fate.error is None:
        return ""
    if fate.error.kind == UNDEFINED and (name := _quoted(fate.error.text)):
        return _of_undefined(name, fates, original)
    return f"{_where(fate, fate.error)}: {_what(fate.error)}."


def _of_undefined(name: str, fates: list[Fate], original: NotebookNode | None) -> str:
    home = _home(name, fates, original)
    if home is None:
        failed = next((f for f in fates if f.role != "tests" and (f.error or f.lost)), None)
        return f"`{name}` is not defined." + (f" {_because(failed)}" if failed else "")
    if home.error or home.lost:
        return f"`{name}` is not defined. {_because(home)}"
    theirs = names.defined(home.cell.source)
    expected = set(_names_of(home.name, original))
    new = sorted(theirs - expected)
    close = difflib.get_close_matches(name, new, 1, 0.0)
    instead = f", but `{close[0]}`" if close else ""
    return (
        f"`{name}` is not defined: {home.name} does not define it{instead}. Use the name that the exercise gives."
    )


def _home(name: str, fates: list[Fate], original: NotebookNode | None) -> Fate | None:
    """Return the cell that should define a name: the one that does in the course's notebook, or that tries to."""
    by_name = {fate.name: fate for fate in fates}
    for cell in original.cells if original else ():
        if role_of(cell) in ("given", "answer") and name in names.defined(cell.source):
            return by_name.get(cell.metadata.nbgrader.grade_id)
    written = (f for f in fates if f.role != "tests" and (f.error or f.lost))
    return next((f for f in written if f"def {name}(" in f.cell.source or f"{name} =" in f.cell.source), None)


def _names_of(cell_name: str, original: NotebookNode | None) -> set[str]:
    cells = original.cells if original else ()
    sources = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == cell_name]
    return names.defined(sources[0]) if sources else set()


def _because(fate: Fate) -> str:
    """Return how a cell failed, as a sentence."""
    if fate.error is not None and not fate.lost:
        place = "" if fate.error.cell in ("", fate.name) else f" of {fate.error.cell}"
        line = f" in line {fate.error.line}{place}" if fate.error.line else ""
        return f"Its cell, {fate.name}, ended with {_what(fate.error)}{line}."
    how = "took the kernel down" if fate.ending and fate.ending.how == "died" else "did not end"
    return f"Its cell, {fate.name}, {how}."


def _of_lost(fate: Fate, fates: list[Fate]) -> str:
    """Return where a cell hung or crashed, and what to do."""
    if fate.ending is not None and fate.ending.how == "died":
        return _of_death(fate, fates)
    late = f"{fate.name} did not end within {fate.limit:g} s"
    compiled = _compiled(fate, fates)
    line = _line(fate, fates)
    if not compiled:
        running = f": {line} was running. See what ends its loop" if line else ""
        return f"{late}{running}. If it only takes long, give it more time by --limit."
    places = [f"{_lines(names.loops(node))} of {cell}" for _, node, cell in compiled if names.loops(node)]
    look = f"See what ends the loop in {' and in '.join(places)}" if places else "See what ends it"
    called = " or ".join(f"`{name}`" for name, _, _ in compiled)
    return (
        f"{late}: {called} was running, compiled by Numba{line and f', called by {line}'}. {look}; "
        f"`{compiled[0][0]}.py_func` is the same function in plain Python, which you can interrupt."
    )


def _of_death(fate: Fate, fates: list[Fate]) -> str:
    """Return what ended the kernel, and what to do."""
    status = fate.ending.status if fate.ending else 0
    if status >= 0:
        lines = {
            home.name: names.calls(names.tree_of(home.cell.source), ENDS)
            for home in fates
            if home is fate or home.role in ("answer", "own")
        }
        places = " and ".join(f"{_lines(found)} of {name}" for name, found in lines.items() if found)
        leave = f"Leave out the call in {places}" if places else "Leave out what ends the process"
        return f"{fate.name} ended the kernel, with exit status {status}. {leave}."
    name = signal.Signals(-status).name if -status in iter(signal.Signals) else f"signal {-status}"
    compiled = _compiled(fate, fates)
    line = _line(fate, fates)
    called = " or ".join(f"`{one}`" for one, _, _ in compiled)
    where = f" while {called or line} was running" if compiled or line else ""
    died = f"The kernel died in {fate.name}{where} ({name})."
    if status == -signal.SIGKILL:
        return f"{died} Most often memory has run out: make fewer or smaller arrays."
    places = " and ".join(dict.fromkeys(cell for _, _, cell in compiled)) or fate.name
    if fate.bounds:
        return f"{died} With indices checked: {fate.bounds} Mend that index in {places}."
    if line and not compiled:
        return f"{died} Look at what that line calls."
    return (
        f"{died} Most often an index is outside its array, or a function calls itself without end: look at "
        f"{places}. `@njit(boundscheck=True)` checks indices, and `.py_func` is the same function in plain Python."
    )


def _line(fate: Fate, fates: list[Fate]) -> str:
    """Return which line of the learner's was running, or of a cell that is no tests cell."""
    if fate.at is None or (fate.at.file not in _theirs(fates) and fate.role == "tests"):
        return ""
    inside = f", in `{fate.at.function}`," if fate.at.function != "<module>" else ""
    return f"line {fate.at.line} of {fate.at.file}{inside}"


def _compiled(fate: Fate, fates: list[Fate]) -> list[tuple[str, ast.FunctionDef, str]]:
    """Return the learner's compiled functions that may have been running: name, definition and cell.

    Compiled code leaves no line of its own: these are the functions that the innermost line of Python names.
    """
    theirs = _theirs(fates)
    if fate.at is not None and fate.at.file in theirs:
        lines = theirs[fate.at.file].splitlines()
        called = set(re.findall(r"\w+", lines[fate.at.line - 1])) if fate.at.line <= len(lines) else set()
        called -= {fate.at.function}
    else:
        called = set(fate.uses)
    return [
        (name, node, cell)
        for cell, source in theirs.items()
        for name, node in names.functions([source]).items()
        if name in called and names.is_compiled(node)
    ]


def _theirs(fates: list[Fate]) -> dict[str, str]:
    """Return what a learner has written, by the names of the cells."""
    return {fate.name: fate.cell.source for fate in fates if fate.role in ("answer", "own")}


def _of_blocked(fate: Fate, fates: list[Fate]) -> str:
    culprit = next(f for f in fates if f.name == fate.blocked_by)
    how = "took the kernel down" if culprit.ending and culprit.ending.how == "died" else "did not end"
    return f"Not run, since it calls what {how} in {culprit.name}. Mend that first."


def _where(fate: Fate, error: Error) -> str:
    place = error.cell or fate.name
    return f"{place}, line {error.line}" if error.line else place


def _what(error: Error) -> str:
    return f"{error.kind}: {error.text}".rstrip(". :")


def _advice(error: Error, files: Iterable[str]) -> str:
    if error.kind == NO_MODULE and (name := _quoted(error.text)):
        if f"{name.split('.')[0]}.py" in files:
            return " A file beside the notebook is not handed in with it: write its code into a cell."
        return " It is not among what the course installs, so grading does not have it."
    return ""


def _lines(numbers: list[int]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _quoted(text: str) -> str:
    """Return the name in quotes in Python's own sentence, e.g. "name 'f' is not defined"."""
    return text.split("'")[1] if text.count("'") >= 2 else ""
