"""Run an exercise the way a kernel would, each time in a fork of one warm process: for its author's gates.

A fork costs milliseconds where a kernel costs a second. That a kernel gives the same points is tested once an
exercise.
"""

import ast
import multiprocessing
import os
import runpy
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from perflab import check, figures  # noqa: F401  imported here so that forks find them warm
from perflab.check import given
from perflab.check.report import Report
from perflab.course.errors import CourseError
from perflab.course.notebook import head, student
from perflab.course.source import Cell, Exercise, run_cell, with_answer
from perflab.models import metrics

LIMIT = 300  # seconds until a run is given up: it takes 2, and a busy machine may be slow

Expected = float | tuple[float, float]


@dataclass(frozen=True)
class Graded:
    """What one tests cell gave: points as nbgrader reads them, the report, and the CPU seconds that it took."""

    points: float
    report: Report
    seconds: float


@dataclass(frozen=True)
class Run:
    """One graded run of an exercise.

    Attributes
    ----------
    cells : dict of Graded
        By grade id.
    seconds : float
        CPU seconds of the whole run, compilation included.
    """

    cells: dict[str, Graded]
    seconds: float

    @property
    def points(self) -> dict[str, float]:
        """The points of each tests cell, by grade id."""
        return {name: cell.points for name, cell in self.cells.items()}

    @property
    def reports(self) -> str:
        """What the reports of all tests cells say."""
        return "\n".join(f"[{name}] {cell.report.as_text()}" for name, cell in self.cells.items())


def mutants(path: Path) -> dict[str, tuple[str, dict[str, Expected]]]:
    """Return the broken twins of an exercise by name: answer source, and expected points by grade id.

    Parameters
    ----------
    path : Path
        A Python file that defines ``MUTANTS``.

    Raises
    ------
    CourseError
        If it does not.
    """
    try:
        return runpy.run_path(str(path))["MUTANTS"]
    except Exception as error:  # whatever the file does when it runs
        raise CourseError(f"{path}: no Python file that defines MUTANTS: {error!r}") from error


def grade(exercise: Exercise, answer: str | None = None, strip: bool = False) -> Run:
    """Grade an exercise in a fork of this process.

    Parameters
    ----------
    answer : str, optional
        In place of the exercise's own answer.
    strip : bool
        Grade the untouched notebook, as a learner gets it, instead.
    """
    exercise = exercise if answer is None else with_answer(exercise, answer)
    _warm()
    parent, child = multiprocessing.Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        # The child must never return into its parent's program.
        try:
            child.send(_run(exercise, strip))
        except BaseException as error:
            child.send(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        finally:
            # Wait to be killed: the parent reads the points first, then ends the fork.
            child.close()
            signal.pause()
    child.close()
    try:
        if not parent.poll(LIMIT):
            raise TimeoutError(f"{exercise.name}: no points after {LIMIT} s")
        outcome = parent.recv()
    finally:
        os.kill(pid, signal.SIGKILL)
        usage = os.wait4(pid, 0)[2]
        parent.close()
    if isinstance(outcome, Exception):
        raise outcome
    return Run(outcome, usage.ru_utime + usage.ru_stime)


@cache
def _warm() -> None:
    """Start LLVM, and compile what watches branches, caches and threads: once here, not once a fork."""
    numba.njit(lambda a: a["x"].sum())(np.zeros(2, [("x", np.float32)]))
    for metric in ("mispredictions:bimodal", "misses", "misses:L2"):
        metrics.measure(metric, _positive, (np.zeros(2),))
    metrics.measure("invalidations:2", _mark, (np.zeros(2),))


def _positive(a: np.ndarray) -> bool:
    """Have a branch."""
    return True if a[0] > 0 else False  # noqa: SIM210


def _mark(me: int, a: np.ndarray) -> None:
    """Write on a thread of one's own."""
    a[me] = 1


@contextmanager
def busy(hogs: int = 2) -> Iterator[None]:
    """Keep `hogs` cores busy with endless loops."""
    pids = []
    for _ in range(hogs):
        pid = os.fork()
        if pid == 0:
            while True:
                pass
        pids.append(pid)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _run(exercise: Exercise, strip: bool) -> dict[str, Graded]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    names = given.start(namespace)
    if strip:
        released = {cell.id: cell.source for cell in student(exercise).cells}
        cells = [replace(c, source=released[c.grade_id]) for c in exercise.cells if c.grade_id]
    else:
        cells = list(exercise.cells)
    graded = {}
    for cell in cells:
        if cell.role in ("given", "predict", "answer"):
            run_cell(cell, namespace)
        if cell.role == "given":
            names.keep(cell.source)
        elif cell.role == "tests":
            with names.tests(cell.source):
                graded[cell.grade_id] = _points(cell, namespace, exercise.header.forbids)
    return graded


def _points(cell: Cell, namespace: dict[str, Any], forbids: tuple[str, ...]) -> Graded:
    """Run a tests cell and read its points as nbgrader does: from the last bare expression."""
    *above, last = ast.parse(cell.source).body
    assert isinstance(last, ast.Expr)
    above_all = head(cell, forbids)
    show = replace(cell, source=f"{above_all}\nshown = ({ast.unparse(last)})")
    start = time.process_time()
    if above:
        run_cell(replace(cell, source="\n".join([above_all, *map(ast.unparse, above)])), namespace)
    run_cell(show, namespace)
    shown = namespace["shown"]
    return Graded(float(repr(shown)), shown.report, time.process_time() - start)
