"""Whose names code of a notebook sees: for the tests they are the course's, whatever an answer has made of them.

An answer shares its kernel with the course: its own helper of the name `make_day`, or ``SYNC = 0``, would change
what the tests are made of, and a helper of a tests cell would replace one of the answer's. A judge has the
course's names in a process of its own. So a kernel keeps two values of each name that a given cell or a tests
cell binds. While the course's code runs, that of a tests cell, a maker, a reference or an oracle, the names have
the course's values; while the learner's function runs, and between tests cells, the learner's. So the points are
those that a judge gives, an answer that uses a name of the course for something else does what its author wrote,
and a sentence on the card says which name that is.

Lists, dicts, sets and arrays of a given cell are kept as copies too. What is inside other objects is not kept
apart, nor what Numba has compiled of the course while a name had another value: who changes an attribute of a
class of the course, of `perflab.check` or of NumPy fools this kernel, and no judge.
"""

import copy
import linecache
import symtable
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from perflab.check.origin import GRADE_ID

PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, range, np.dtype, type(None))
HOLDERS = (list, dict, set, bytearray, np.ndarray)  # what can be changed in place
ABSENT = object()
MOST = 3  # names that a card lists


class Given:
    """The names that the course's cells have bound in one namespace.

    Parameters
    ----------
    names : dict
        The namespace of a notebook.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._ours: dict[str, Any] = {}
        self._theirs: dict[str, Any] = {}
        self._given: set[str] = set()  # the others are of tests cells, which no learner needs to know
        self._course_runs = False
        self._lent = False  # whether a tests cell has a learner's function run

    def keep(self, source: str) -> None:
        """Note what a given cell has bound, which has just run."""
        for name in bound(source):
            if name in self._names:
                value = self._names[name]
                self._theirs[name] = value
                self._ours[name] = _copied(value)
                self._given.add(name)

    def replaced(self) -> list[str]:
        """Return the names of given cells that a learner has replaced, or changed in place, in order."""
        self._save()
        return [name for name in sorted(self._given) if not _same(self._theirs[name], self._ours[name])]

    @contextmanager
    def tests(self, source: str) -> Iterator[None]:
        """Let a tests cell run; what it binds is there for a learner too, who has nothing else of that name."""
        binds = bound(source)
        for name in binds - self._ours.keys():
            self._theirs[name] = self._ours[name] = self._names.get(name, ABSENT)
        try:
            with self._course():
                yield
        finally:
            for name in binds:
                if self._theirs[name] is ABSENT and self._ours[name] is not ABSENT:
                    self._names[name] = self._ours[name]

    @contextmanager
    def _course(self) -> Iterator[None]:
        before = self._turn(True)
        try:
            yield
        finally:
            self._turn(before)

    def learner(self, fn: Any) -> AbstractContextManager[None]:
        """Return a context in which `fn` is called; the course's own functions go on with the course's names."""
        return nullcontext() if not self._course_runs or self._is_ours(fn) else self._learner()

    def asked(self) -> AbstractContextManager[None]:
        """Return a context in which an oracle answers."""
        return self._course() if self._lent else nullcontext()

    @contextmanager
    def _learner(self) -> Iterator[None]:
        self._lent = True
        self._turn(False)
        try:
            yield
        finally:
            self._turn(True)
            self._lent = False

    def _is_ours(self, fn: Any) -> bool:
        if any(value is fn for value in self._ours.values()):
            return True
        code = getattr(getattr(fn, "py_func", fn), "__code__", None)
        return code is not None and linecache.getline(code.co_filename, 1).startswith(GRADE_ID)

    def _turn(self, course_runs: bool) -> bool:
        """Give all names the values of one side; return whose they had."""
        before = self._course_runs
        if before != course_runs:
            self._save()
            self._course_runs = course_runs
            names = self._names
            for name, value in (self._ours if course_runs else self._theirs).items():
                if value is ABSENT:
                    names.pop(name, None)
                elif names.get(name, ABSENT) is not value:
                    names[name] = value
        return before

    def _save(self) -> None:
        side, names = self._ours if self._course_runs else self._theirs, self._names
        for name in side:
            side[name] = names.get(name, ABSENT)


_kernel: Given | None = None  # that of this process: a notebook has one kernel


def learner(fn: Any) -> AbstractContextManager[None]:
    """Return a context in which a learner's function is called; see `Given.learner`."""
    return _kernel.learner(fn) if _kernel else nullcontext()


def asked() -> AbstractContextManager[None]:
    """Return a context in which an oracle answers whom it was lent; see `Given.asked`."""
    return _kernel.asked() if _kernel else nullcontext()


def remark() -> str:
    """Return a sentence about the names of the course that a learner has replaced, or nothing."""
    return sentence(_kernel.replaced()) if _kernel else ""


def sentence(names: list[str]) -> str:
    """Return what a card says about names of the course that a learner has replaced."""
    if not names:
        return ""
    shown = [f"`{name}`" for name in names[:MOST]]
    rest = [f"{len(names) - MOST} more"] if len(names) > MOST else []
    *most, last = shown + rest
    listed = f"{', '.join(most)} and {last}" if most else last
    return (
        f"Your code replaces {listed} of the given cells. The tests use the course's own, here and in grading: "
        "use another name, then run the given cell again."
    )


def start(names: dict[str, Any]) -> Given:
    """Keep the names of given cells in a namespace from now on."""
    global _kernel
    _kernel = Given(names)
    return _kernel


def watch(shell: Any, is_given: Callable[[str], bool]) -> None:
    """Keep the names of given cells that run in a shell of IPython, from the cell that is running on."""
    names = start(shell.user_ns)
    running: list[AbstractContextManager[None]] = []

    def before(info: Any) -> None:
        after()  # of a cell that was left without one
        if info.raw_cell.startswith(GRADE_ID):
            running.append(names.tests(info.raw_cell))
            running[-1].__enter__()

    def after(result: Any = None) -> None:
        while running:
            running.pop().__exit__(None, None, None)
        if result is not None and result.info is not None and is_given(result.info.raw_cell):
            names.keep(result.info.raw_cell)

    shell.events.register("pre_run_cell", before)
    shell.events.register("post_run_cell", after)


def bound(source: str) -> set[str]:
    """Return the names that a cell of plain Python binds for all cells; nothing if it is none."""
    try:
        top = symtable.symtable(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return set()

    def visit(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if binds and (table is top or symbol.is_declared_global()):
                yield symbol.get_name()
        for child in table.get_children():
            yield from visit(child)

    return set(visit(top))


def _copied(value: Any) -> Any:
    if not isinstance(value, HOLDERS):
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # whatever it holds
        return value


def _same(theirs: Any, ours: Any) -> bool:
    """Tell whether a learner's value of a name is the course's, or as good."""
    if theirs is ours:
        return True
    if type(theirs) is not type(ours) or not isinstance(ours, (*PLAIN, *HOLDERS)):
        return False
    try:
        if isinstance(ours, np.ndarray):
            return theirs.dtype == ours.dtype and np.array_equal(theirs, ours)
        return bool(theirs == ours)
    except Exception:  # of what it holds
        return True
