"""What this process has seen of checks: which functions passed, what was measured, which cells were tried.

A judge's process starts over with each submission.
"""

import linecache
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from perflab.check.bench import name_of
from perflab.check.report import Points, Report
from perflab.check.subjects import Expectation, Subject
from perflab.check.together import Holds

HINTS = 3  # every exercise has three, from a nudge to nearly the answer
GRADE_ID = "# grade_id: "  # first line of a tests cell, written when the notebook is generated

_passed: dict[int, tuple[Subject, Expectation | None]] = {}
_held: dict[int, Holds] = {}
_failed: dict[int, Callable[..., Any]] = {}  # keeps the function alive, so that its id stays its own
_measured: dict[str, float] = {}
_attempts: Counter[str] = Counter()


def passed(subject: Subject, expectation: Expectation) -> None:
    """Note that a function is correct in some layout, and what its outcomes were compared with."""
    _passed[id(subject.fn)] = (subject, expectation)


def passed_together(subject: Subject, holds: Holds) -> None:
    """Note that a function is correct on threads, and what its outcomes were judged by."""
    _passed[id(subject.fn)] = (subject, None)
    _held[id(subject.fn)] = holds


def failed(fn: Callable[..., Any]) -> None:
    """Note that a function has failed: no later check of it gives points."""
    _failed[id(fn)] = fn


def has_passed(subject: Subject) -> bool:
    """Tell whether a function has passed, in this layout, and has never failed."""
    if id(subject.fn) in _failed:
        return False
    before, _ = _passed.get(id(subject.fn), (None, None))
    return before is not None and before.fn is subject.fn and before.layout == subject.layout


def expectation_of(fn: Callable[..., Any]) -> Expectation:
    """Return what outcomes of a function that has passed are compared with."""
    expectation = _passed[id(fn)][1]
    if expectation is None:
        raise ValueError(
            f"fn: {name_of(fn)} was checked on threads only, so nothing says what one call of it returns; count "
            "'locked' or 'invalidations' with threads=, or add a check.correct without threads"
        )
    return expectation


def holds_of(fn: Callable[..., Any]) -> Holds:
    """Return what outcomes of a function that has passed on threads are judged by."""
    return _held[id(fn)]


def start_over() -> None:
    """Forget all earlier checks: a judge examines one submission after the other in the same process."""
    for memory in (_passed, _held, _failed, _measured, _attempts):
        memory.clear()


def measured() -> dict[str, float]:
    """Return what was measured last by each tests cell, by grade id."""
    return dict(_measured)


def recall(values: dict[str, float]) -> None:
    """Take over what was measured elsewhere, for `predicted`."""
    _measured.update(values)


def remember(value: float) -> None:
    """Note what the tests cell that is running has measured."""
    if (cell := grade_id()) is not None:
        _measured[cell] = value


def finish(report: Report) -> Points:
    """Return the points with their report, and with the hint to open next where nothing was earned."""
    cell = grade_id()
    if report.points == 0 and cell is not None and report.failure != "unwritten":
        _attempts[cell] += 1
        report = replace(report, hint=min(_attempts[cell], HINTS))
    return Points(report)


def grade_id() -> str | None:
    """Return the id of the tests cell that is running, from its first line."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            first = linecache.getline(frame.f_code.co_filename, 1)
            if first.startswith(GRADE_ID):
                return first.removeprefix(GRADE_ID).split()[0]
        frame = frame.f_back
    return None
