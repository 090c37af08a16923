"""The judge's side of one notebook: its given cells, here and in a sandbox of the course's own."""

import ast
import io
import linecache
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from types import FunctionType
from typing import Any

import numpy as np
from nbformat import NotebookNode
from numba.core.dispatcher import Dispatcher

from perflab.check.files import File
from perflab.check.oracles import Oracle
from perflab.counters import AbsentError
from perflab.guest.codec import Layout, encode, records
from perflab.judge.lane import lane
from perflab.judge.outside import UncountedError
from perflab.judge.overhead import Overhead
from perflab.judge.remote import RemoteBench
from perflab.judge.sandbox import DiedError, Sandbox, SandboxError, Start
from perflab.judge.script import role_of

NOTHING = "perflab_nothing"  # a function that does nothing, to learn what a call costs
SMALL = 1 << 16  # bytes
COUNTS = 5  # a switch or a fault comes and goes


class Trusted:
    """What all exams of one notebook share: no student's code or data ever comes here.

    Parameters
    ----------
    notebook : NotebookNode
        The instructor's, solved and with hidden tests.
    start : callable
        Starts sandboxes.

    Attributes
    ----------
    notebook : NotebookNode
    forbids : tuple of str
        Modules that sandboxes lack.
    given : tuple of str
        The given cells.
    defined : dict
        What they define, by name.
    types : dict
        Namedtuples and dataclasses that may cross, by name.
    """

    def __init__(self, notebook: NotebookNode, start: Start) -> None:
        self.notebook = notebook
        self.forbids = tuple(notebook.metadata.get("perflab", {}).get("forbids", ()))
        cells = [cell for cell in notebook.cells if role_of(cell) == "given"]
        self.given = tuple(cell.source for cell in cells)
        # As in a notebook; Numba finds a function that calls itself only in a module that is there.
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._sandbox = start("plain", self.forbids)
        for cell in cells:
            run(cell.source, cell.metadata.nbgrader.grade_id, self._names)
        self.defined = dict(self._names)
        self.types = records(self._names)
        self._sandbox.ready()
        for source in self.given:
            answer, _, _ = self._sandbox.ask({"do": "cell", "source": source})
            if "error" in answer:
                raise SandboxError(f"a given cell fails in the course's own sandbox: {answer['error']}")
        self._sandbox.ask({"do": "cell", "source": f"def {NOTHING}(*args): pass"})
        self._overheads: dict[str, Overhead] = {}
        self._idle: dict[str, float] = {}
        self.overhead(())
        for name, value in self._names.items():
            # A baseline is timed as a student's function is: in a sandbox.
            if isinstance(value, FunctionType | Dispatcher) and value.__module__ == self._names["__name__"]:
                value.bench = self._bench(name, self.overhead)

    def overhead(self, args: tuple) -> float:
        """Return the seconds of CPU of a call that does nothing with arguments of such form.

        All of a call is timed, what carries arguments and results too: a student's process could work meanwhile.
        So a call costs a fraction of a millisecond more than the function, and more with more arrays.
        """
        form = _form(args)
        if form not in self._overheads:
            self._overheads[form] = Overhead(self._nothing)
        return self._overheads[form].seconds(args)

    def _nothing(self, args: tuple) -> float:
        bench = self._bench(NOTHING, lambda args: 0.0)
        with self.turn():
            return bench.run(bench.stage(args), "cpu")

    def idle(self, metric: str) -> float:
        """Return what is counted from outside of a call that does nothing."""
        if metric not in self._idle:
            message = {"do": "call", "name": NOTHING, "args": ["tuple", []], "after": False}
            try:
                counts = [self._here().count(message, metric)[1] for _ in range(COUNTS)]
            except (DiedError, UncountedError, AbsentError) as error:
                raise SandboxError(f"{metric} cannot be counted: {error}") from error
            self._idle[metric] = float(np.median(counts))
        return self._idle[metric]

    @property
    def alive(self) -> bool:
        """Whether further exams can use it."""
        return self._sandbox.alive

    @contextmanager
    def names(self) -> Iterator[dict[str, Any]]:
        """Lend the namespace of the given cells for one exam; afterwards it is as before."""
        before = dict(self._names)
        try:
            yield self._names
        finally:
            self._names.clear()
            self._names.update(before)

    @contextmanager
    def turn(self) -> Iterator[int]:
        """Take the machine's lane; keep this process and the course's sandbox to its core, which is yielded."""
        with lane() as core:
            cores = os.sched_getaffinity(0)
            try:
                # This process too: inputs that another core has written are far away from the one that is timed.
                os.sched_setaffinity(0, {core})
                self._sandbox.pin({core})
                yield core
            finally:
                os.sched_setaffinity(0, cores)
                self._sandbox.pin(cores)

    def close(self) -> None:
        """End the course's sandbox."""
        self._sandbox.close()

    def _bench(self, name: str, overhead: Callable[[tuple], float]) -> RemoteBench:
        return RemoteBench(self._here, name, 0, self.types, overhead, self._here, self._here, self.idle, ours=True)

    def _here(self, *_: str) -> Sandbox:
        if not self._sandbox.alive:
            raise SandboxError("the course's own sandbox has died")
        return self._sandbox


def _form(args: tuple) -> str:
    """Name what a call's overhead depends on; small arguments are all alike."""
    layout = Layout()
    encode(args, layout, lambda value: [] if isinstance(value, Oracle | File) else None)
    return repr([array.shape for _, array in layout.arrays]) if layout.size > SMALL else ""


def run(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run a cell of the course in this process; return the value of its last expression.

    What it prints is an example for learners and no part of a verdict.
    """
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    tree = ast.parse(source, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(io.StringIO()):
        exec(compile(tree, filename, "exec"), namespace)
        return eval(compile(ast.Expression(last.value), filename, "eval"), namespace) if last else None
