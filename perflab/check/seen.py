"""What this process has seen of checks: which functions passed, what was measured, which cells were tried.

A judge's process starts over with each submission.
"""

import linecache
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from perflab.check import attempts, given
from perflab.check.attempts import HINTS
from perflab.check.bench import name_of
from perflab.check.origin import GRADE_ID, tests_frame
from perflab.check.report import Points, Report
from perflab.check.subjects import Expectation, Subject
from perflab.check.together import Holds

HEAD = re.compile(rf"{GRADE_ID}(\S+)(?:.*\bhints? (\d)(?:-(\d))?\))?")

# What a cell measured, in words, and the value; None where nothing was.
Measured = tuple[str, float | None]

_passed: dict[int, tuple[Subject, Expectation | None]] = {}
_held: dict[int, Holds] = {}
# Where a function failed first. It keeps the function alive, so that its id stays its own.
_failed: dict[int, tuple[Callable[..., Any], str]] = {}
_checked_in: dict[str, str] = {}  # by a function's name, the first cell that asked whether it is correct
_latest: dict[str, Measured] = {}
_reasons: dict[str, str] = {}  # by cell, the sentence of its last report


@dataclass(frozen=True)
class Head:
    """The first line of a tests cell: its grade id, and the hints that are about it."""

    grade_id: str
    hints: range


def passed(subject: Subject, expectation: Expectation) -> None:
    """Note that a function is correct in some layout, and what its outcomes were compared with."""
    _passed[id(subject.fn)] = (subject, expectation)
    _checked_in.setdefault(name_of(subject.fn), grade_id() or "")


def passed_together(subject: Subject, holds: Holds) -> None:
    """Note that a function is correct on threads, and what its outcomes were judged by."""
    _passed[id(subject.fn)] = (subject, None)
    _held[id(subject.fn)] = holds
    _checked_in.setdefault(name_of(subject.fn), grade_id() or "")


def failed(fn: Callable[..., Any]) -> None:
    """Note that a function has failed: no later check of it gives points."""
    cell = grade_id() or ""
    _failed.setdefault(id(fn), (fn, cell))
    _checked_in.setdefault(name_of(fn), cell)


def has_passed(subject: Subject) -> bool:
    """Tell whether a function has passed, in this layout, and has never failed."""
    if id(subject.fn) in _failed:
        return False
    before, _ = _passed.get(id(subject.fn), (None, None))
    return before is not None and before.fn is subject.fn and before.layout == subject.layout


def obstacle(*functions: Callable[..., Any]) -> str:
    """Say what to do first about functions that have not passed, in this layout, or have failed."""
    functions = tuple({id(one): one for one in functions}.values())  # many threads may run the same one
    wrong = [cell for one, (_, cell) in _failed.items() if one in map(id, functions)]
    if wrong:
        # Who failed together first: one of them is at fault, and where it is used later all others fail with it.
        together = [one for one in functions if id(one) in _failed and _failed[id(one)][1] == wrong[0]]
        names = " or ".join(map(name_of, together))
        pronoun = "it does" if len(together) == 1 else "together they do"
        return f"First mend {names}: {pronoun} not pass {_cell(wrong[0])}."
    fn = functions[0]
    name = name_of(fn)
    cell = _cell(_checked_in.get(name, ""))
    if id(fn) in _passed:
        return f"First run {cell} again: {name} has passed it with another layout."
    return f"First run {cell}: it has not seen {name} as it is now."


def _cell(name: str) -> str:
    return f"the cell `{name}`" if name else "its correctness cell"


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
    for memory in (_passed, _held, _failed, _checked_in, _latest, _reasons):
        memory.clear()
    attempts.start_over()


def latest() -> dict[str, Measured]:
    """Return what each tests cell measured when it ran last, by grade id."""
    return dict(_latest)


def recall(found: dict[str, Measured]) -> None:
    """Take over what was measured elsewhere, for `predicted`."""
    _latest.update(found)


def why_nothing(cell: str) -> str:
    """Return what the report of a cell that measured nothing says, where that is known."""
    return _reasons.get(cell, "")


def finish(report: Report, fn: Any) -> Points:
    """Return the points with their report, and with the hint to open next where points are missing.

    Parameters
    ----------
    report : Report
    fn : callable, or tuple of callable
        What was checked.
    """
    cell = head()
    if cell is None:
        return Points(report)
    if remark := given.remark():
        report = replace(report, sentence=f"{report.sentence} {remark}")
    _latest[cell.grade_id] = report.what, report.value
    _reasons[cell.grade_id] = report.sentence
    # No hint helps against noise, nor before the answer is begun or a cell above has passed.
    if report.failure in ("wrong", "short"):
        hint = attempts.next_hint(cell.grade_id, fn, report.points > 0, cell.hints)
        report = replace(report, hint=hint)
    return Points(report)


def grade_id() -> str | None:
    """Return the id of the tests cell that is running, from its first line."""
    cell = head()
    return cell and cell.grade_id


def head() -> Head | None:
    """Return what the first line of the tests cell that is running says."""
    frame = tests_frame()
    found = HEAD.match(linecache.getline(frame.f_code.co_filename, 1)) if frame else None
    if found is None:
        return None
    name, first, last = found.groups()
    return Head(name, range(int(first or 1), int(last or first or HINTS) + 1))
