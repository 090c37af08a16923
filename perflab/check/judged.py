"""From what was measured to its report: where it lies from the lines of points, and what is missing."""

import math

from perflab import words
from perflab.check.ramp import STEP, Ramp, over_a_line, spans
from perflab.check.report import Report
from perflab.timing import Interval

Rows = tuple[tuple[str, str], ...]


def of_count(title: str, what: str, value: float, ramp: Ramp, rows: Rows) -> Report:
    """Return the report of an exact count, or of a ratio of counts.

    Parameters
    ----------
    title, what : str
        See `Report`.
    value : float
    ramp : Ramp
    rows : tuple of (str, str)
        What was counted; the target comes below it.
    """
    earned = ramp.earned(value)
    said, zero, full = _number(value, ramp), words.number(ramp.zero), words.number(ramp.full)
    if earned == ramp.points:
        sentence = f"The target of {full} is reached."
    elif earned:
        sentence = f"On the way: this is {said}, and the target is {full}. {_missing(ramp, earned)}"
    else:
        side = "above" if ramp.full > ramp.zero else "below"
        sentence = f"Points begin {side} {zero}, and this is {said}. {_missing(ramp, earned)}"
    return Report(
        title,
        earned,
        ramp.points,
        sentence,
        (*rows, _target(ramp)),
        failure="" if earned == ramp.points else "short",
        what=what,
        value=value if math.isfinite(value) else None,
        zero=ramp.zero,
        target=ramp.full,
    )


def of_ratio(title: str, what: str, i: Interval, pairs: int, ramp: Ramp, rows: Rows) -> Report:
    """Return the report of a timed ratio; its points are those of the interval's lower bound.

    Parameters
    ----------
    title, what : str
        See `Report`.
    i : Interval
    pairs : int
        How many it comes from.
    ramp : Ramp
        With `full` above `zero`.
    rows : tuple of (str, str)
        The times; the ratio and the target come below them.
    """
    earned = ramp.earned(i.low)
    unsure = over_a_line(i, ramp)
    median, low, high = (_number(x, ramp) for x in (i.median, i.low, i.high))
    ratio = f"{median}, 99 % sure of {low} to {high} ({words.counted(pairs, 'pair')})"
    return Report(
        title,
        earned,
        ramp.points,
        _noisy(i, ramp, earned) if unsure else _sure(i, ramp, earned),
        (*rows, ("ratio", ratio), _target(ramp)),
        unsure=unsure,
        failure="unsure" if unsure else "" if earned == ramp.points else "short",
        what=what,
        value=i.median,
        interval=(i.low, i.high),
        zero=ramp.zero,
        target=ramp.full,
    )


def _sure(i: Interval, ramp: Ramp, earned: float) -> str:
    low, high = _number(i.low, ramp), _number(i.high, ramp)
    if i.high <= ramp.zero:
        line = words.number(ramp.zero)
        return (
            f"The whole interval, {low} to {high}, lies below {line}, where points begin. {_missing(ramp, earned)}"
        )
    if earned == ramp.points:
        return f"The target of {words.number(ramp.full)} is reached by the whole interval, {low} to {high}."
    return f"On the way: points go by the lower end of the interval, {low}. {_missing(ramp, earned)}"


def _noisy(i: Interval, ramp: Ramp, earned: float) -> str:
    """Say which lines of points an interval holds, and what its two ends would earn."""
    low, high, zero, full = (_number(x, ramp) for x in (i.low, i.high, ramp.zero, ramp.full))
    lines = {
        (True, False): f"the line at {zero}, where points begin",
        (False, True): f"the line at {full}, where all points are earned",
        (True, True): f"both lines: {zero}, where points begin, and {full}, where all are earned",
    }[spans(i, ramp.zero), spans(i, ramp.full)]
    now, best = words.counted(earned, "point"), ramp.earned(i.high)
    if best == earned:
        return f"The interval, {low} to {high}, holds {lines}: {now} at either end. {_missing(ramp, earned)}"
    return f"The interval, {low} to {high}, holds {lines}: {now} for now, up to {best:g} if it is confirmed."


def _missing(ramp: Ramp, earned: float) -> str:
    """Say what the next half point takes, and all of them."""
    more, bound = ("at least", words.at_least) if ramp.full > ramp.zero else ("at most", words.at_most)
    full = words.number(ramp.full)
    if earned + STEP == ramp.points:
        return f"{'The rest' if earned else 'The half point'} takes {more} {full}."
    half = "Half a point more" if earned else "The first half point"
    return f"{half} takes {more} {bound(ramp.value_at(earned + STEP))}, all points {full}."


def _target(ramp: Ramp) -> tuple[str, str]:
    return "target", f"{words.number(ramp.full)} for all points, {words.number(ramp.zero)} for none"


def _number(x: float, ramp: Ramp) -> str:
    """Write a number so that it differs from the lines of points where it is not one of them."""
    return words.number(x, [ramp.zero, ramp.full])
