"""One submission, from notebook to verdict: its cells run in a sandbox, the trusted tests cells run here."""

import ast
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nbformat import NotebookNode

from perflab.check import seen
from perflab.check.report import Points, Report
from perflab.check.teams import MOST_LISTING
from perflab.judge.outputs import MOST_SHOWN, harmless, plain, size
from perflab.judge.remote import Handle, RemoteBench
from perflab.judge.residence import Residence
from perflab.judge.rooms import Rooms
from perflab.judge.sandbox import SandboxError, Start
from perflab.judge.script import Step, astray, defined, steps
from perflab.judge.trusted import Trusted, run
from perflab.judge.verdict import CellVerdict, Shown, Verdict

MOST_SENTENCE = 2000  # characters
BEGIN_HIDDEN = "### BEGIN HIDDEN TESTS"
HIDDEN_BLOCK = re.compile(r"(?ms)^[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*\n?")


class Exam:
    """The judge's side of one submission.

    Parameters
    ----------
    trusted : Trusted
        What all exams of this notebook share.
    submitted : NotebookNode
        The student's.
    start : callable
        Starts sandboxes.
    seed : int, optional
        Secret by default; that of an earlier verdict, to reproduce it.
    pictures : bool
        Whether to run the show cells too, in the end and for their outputs alone.
    cores : set of int, optional
        Where threads of the student's may run at once, if not where this process does.

    Raises
    ------
    ValueError
        If there is more code than anybody writes.
    """

    def __init__(
        self,
        trusted: Trusted,
        submitted: NotebookNode,
        start: Start,
        seed: int | None = None,
        pictures: bool = False,
        cores: Set[int] = frozenset(),
    ) -> None:
        self._trusted = trusted
        self._steps = steps(trusted.notebook, submitted)
        self._astray = astray(trusted.notebook, submitted)
        self._start = start
        self._cores = cores
        self._pictures = pictures
        self._seed = secrets.randbits(128) if seed is None else seed
        self._student = Residence(lambda: start("notebook", trusted.forbids))
        tests = [step.source for step in self._steps if step.role == "tests"]
        # With the models that the exercise forbids: an instrument may be one of them, and what is admitted to a
        # clean room can import none.
        self._rooms = Rooms(self._student, tests, trusted.given, trusted.defined, lambda: start("plain", ()))
        self._shown: list[Shown] = []
        self._room = MOST_SHOWN

    def run(self) -> Verdict:
        """Run all cells in document order and return the verdict."""
        began = time.monotonic()
        seen.start_over()
        try:
            self._student.ready()
            with self._trusted.names() as names:
                cells = [verdict for step in self._steps if (verdict := self._step(step, names)) is not None]
            # Pictures come last: what they do to the functions cannot matter any more.
            for step in self._steps:
                if step.role == "show" and self._pictures:
                    self._show(step)
        finally:
            self._student.close()
            self._rooms.close()
        return Verdict(
            cells=tuple(cells),
            seed=f"{self._seed:x}",
            limits=self._student.in_force,
            shown=tuple(self._shown),
            seconds=time.monotonic() - began,
            machine=platform.node(),
        )

    def _step(self, step: Step, names: dict[str, Any]) -> CellVerdict | None:
        if step.role == "tests":
            return self._for_a_human(self._tests(step, names))
        if step.role == "given":
            self._student.tell(step.source)
        elif step.role in ("answer", "own"):
            wanted = defined(step.defines)
            self._rooms.add(step.source, wanted)
            self._look(step, self._student.tell(step.source, own=step.role == "own"))
            # The names are the instructor's: nothing else that a student defines has a meaning here.
            for name in wanted:
                names[name] = Handle(name, self._bench(name))
        return None

    def _for_a_human(self, cell: CellVerdict) -> CellVerdict:
        """Flag a cell without all its points if code that it needs stands where it is not run."""
        if not self._astray or cell.flag or cell.report.points >= cell.report.of:
            return cell
        return replace(cell, flag=f"{', '.join(self._astray)}: only in a cell that is not run")

    def _show(self, step: Step) -> None:
        told = f"from perflab.check import seen as _seen; _seen.recall({seen.latest()!r}); del _seen\n"
        self._student.tell(told, keep=False)
        self._look(step, self._student.tell(step.source, keep=False))

    def _look(self, step: Step, answer: dict) -> None:
        outputs = harmless(answer.get("outputs"), self._room)
        if "error" in answer:
            outputs.append({"name": "stdout", "text": plain(str(answer["error"]))})
        self._room -= size(outputs)
        self._shown.append(Shown(step.name, step.role, step.source if step.role == "own" else "", outputs))

    def _bench(self, name: str) -> RemoteBench:
        trusted, rooms = self._trusted, self._rooms
        return RemoteBench(
            lambda: rooms.home(name).now(),
            name,
            self._seed,
            trusted.types,
            trusted.overhead,
            lambda: rooms.clean(name),
            lambda metric: rooms.watched(name, metric),
            trusted.idle,
            self._turn,
            lambda: rooms.home(name).pin(set(self._cores)),
        )

    def _tests(self, step: Step, names: dict[str, Any]) -> CellVerdict:
        try:
            points = run(step.source, step.name, names)
            if isinstance(points, Points):
                return _graded(step, points.report, names)
            why = "its last expression is no check"
        except SandboxError:
            raise
        except Exception as error:
            # A tests cell that fails is the course's fault or a trick; a human decides which.
            why = plain(f"{type(error).__name__}: {error}")[:500]
        said = "This could not be graded; your instructor will look at it."
        return CellVerdict(
            step.name, Report("not graded", 0.0, step.points, said), f"the tests cell failed: {why}"
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Take the machine's lane; keep both sides to one core where that is allowed."""
        cores = os.sched_getaffinity(0)
        with self._trusted.turn() as core:
            try:
                self._rooms.pin({core})
                yield
            finally:
                self._rooms.pin(cores)


def _graded(step: Step, report: Report, names: dict[str, Any]) -> CellVerdict:
    report = _bounded(report)
    flag = "too noisy to say" if report.unsure else ""
    return CellVerdict(step.name, report, flag, report.case > 0 and report.case > _visible(step.source, names))


def _bounded(report: Report) -> Report:
    """Return a report of plain text, of a length that people read: a part of it may be a student's."""
    rows = tuple((plain(name)[:MOST_SENTENCE], plain(value)[:MOST_SENTENCE]) for name, value in report.rows)
    said = {"sentence": plain(report.sentence)[:MOST_SENTENCE], "listing": plain(report.listing)[:MOST_LISTING]}
    return replace(report, rows=rows, **said)


def _visible(source: str, names: dict[str, Any]) -> float:
    """Return how many cases a tests cell has without its hidden part; infinite if it has none."""
    if BEGIN_HIDDEN not in source:
        return float("inf")
    shown = re.sub(HIDDEN_BLOCK, "", source)
    tree = ast.parse(shown)
    call = tree.body.pop().value
    cases = next(keyword.value for keyword in call.keywords if keyword.arg == "on")
    namespace = dict(names)
    exec(compile(tree, "<visible cases>", "exec"), namespace)
    return len(eval(compile(ast.Expression(cases), "<visible cases>", "eval"), namespace))
