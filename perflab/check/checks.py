"""The four checks that tests cells call: is it correct, what does it count, is it faster, was the guess right."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from perflab.check import seen, values
from perflab.check.bench import METRICS, FunctionFailedError, name_of
from perflab.check.layouts import LayoutError
from perflab.check.ramp import STEP, log_share, settled, steps
from perflab.check.report import Note, Points, Report, refused
from perflab.check.subjects import (
    Expectation,
    Maker,
    Race,
    Subject,
    View,
    count_of,
    draw,
    exact_rng,
    make_baseline,
    make_subject,
)
from perflab.check.together import Holds, Together, bench_of_team, correct_together, team_of
from perflab.models.metrics import INVALIDATIONS
from perflab.timing import CLOCKS, Clock

LEAST_RATIO = 1.34  # below this, noise between two runs of the same code could earn points
TOGETHER = {"locked": "locked operations and full fences", "invalidations": INVALIDATIONS}


def correct(
    fn: Callable[..., Any],
    *,
    against: Callable[..., Any],
    on: Sequence[Maker],
    points: float,
    view: View | None = None,
    returns: int | Sequence[int] | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    dtype: Any = None,
    threads: int | tuple[Callable[..., Any], ...] | None = None,
    stress: Maker | None = None,
) -> Points:
    """Give all points if `fn` does what `against` does in every case, else none.

    With `threads`, or a tuple of functions, the code is concurrent: each thread calls its function with its number
    and then the arguments, ``fn(me, *args)``. Where `fn` are parts, such as the operations of a queue, `threads`
    are functions of a given cell, which call them by name: then the course says who calls what. All schedules of
    the cases are explored, with store buffers, so the cases have to be small; then real threads run on larger
    inputs. A machine without a second free core says so in the report, and costs nobody a point.

    Parameters
    ----------
    fn : callable, or tuple of callable
        The learner's function; a tuple has one for each thread.
    against : callable
        The reference. It sees real objects where `fn` sees oracles. For threads it is
        ``holds(results, before, after)``: what they returned, and the arguments before and after. It raises
        AssertionError, or returns False, for an outcome that is not allowed.
    on : list of callable
        Cases: each is a maker, ``make(rng) -> tuple`` of arguments.
    points : float
        A multiple of one half.
    view : (Conversion, callable), optional
        ``(convert, layout)``: `fn` gets ``convert(layout(), *args)`` in place of `args`.
    returns : int or tuple of int, optional
        The arguments that come back mutated and are compared in place of the result.
    rtol, atol, dtype
        See `perflab.check.values.difference`.
    threads : int or tuple of callable, optional
        How many threads call `fn`, or what each of them runs.
    stress : callable, optional
        A maker of inputs for real threads.

    Returns
    -------
    Points
        All or none; a float. The report says the first difference.

    Raises
    ------
    ValueError
        If the arguments make no sense.
    """
    together = threads is not None or isinstance(fn, tuple)
    title = f"{_names(fn)}: correct{' together' if together else ''}"
    if callable(on) or not on or not all(callable(make) for make in on):
        raise ValueError("on: a list of at least one maker, make(rng) -> tuple of arguments")
    _check_points(points)
    if together:
        if any(x is not None for x in (view, returns, rtol, dtype)) or atol:
            raise ValueError(
                "threads: against= judges the whole outcome; view, returns and tolerances do not apply"
            )
        return _correct_together(fn, against, on, points, threads, stress, title)
    if stress is not None:
        raise ValueError("stress: for concurrent code; say how many threads= there are")
    expectation = Expectation(against, returns, {"rtol": rtol, "atol": atol, "dtype": dtype})
    what = "the result" if returns is None else "the changed argument"
    rows: tuple[tuple[str, str], ...] = ()
    try:
        subject = make_subject(fn, view)
        for case, make in enumerate(on, 1):
            args = draw(make, exact_rng(subject.bench, case))
            rows = (("case", f"{case} of {len(on)}"), ("input", _brief_arguments(args)))
            staged = subject.stage(args)
            subject.bench.run(staged, "cpu")
            if values.oracles(args):
                rows += ((METRICS["calls"], f"{subject.bench.count(staged, 'calls'):g}"),)
            wrong = expectation.difference(subject, subject.bench.collect(staged), args, what)
            if wrong:
                raise FunctionFailedError(wrong)
    except (FunctionFailedError, LayoutError) as error:
        seen.failed(fn)
        return seen.finish(refused(title, points, error, rows))
    seen.passed(subject, expectation)
    cases = "1 case agrees" if len(on) == 1 else f"{len(on)} cases agree"
    return seen.finish(Report(title, points, points, f"{cases} with {name_of(against)}."))


def _correct_together(
    fn: Any,
    against: Holds,
    on: Sequence[Maker],
    points: float,
    threads: int | tuple[Callable[..., Any], ...] | None,
    stress: Maker | None,
    title: str,
) -> Points:
    try:
        team, parts = team_of(fn, threads)
    except FunctionFailedError as error:
        return seen.finish(refused(title, points, error))
    bench = bench_of_team(team, parts)
    report = correct_together(title, Together(team, bench, against, parts), on, stress, points)
    for one in parts or team:
        if report.points:
            seen.passed_together(Subject(one, bench, None, None), against)
        else:
            seen.failed(one)
    return seen.finish(report)


def counts(
    fn: Callable[..., Any],
    metric: str | Callable[..., float],
    *,
    on: Maker,
    zero: float,
    full: float,
    points: float,
    than: Callable[..., Any] | tuple[Callable[..., Any], Maker] | None = None,
    view: View | None = None,
    threads: int | tuple[Callable[..., Any], ...] | None = None,
) -> Points:
    """Give points for something exact: calls of an oracle, lines of memory, or any metric of the result.

    Parameters
    ----------
    fn : callable
        The learner's function; every `correct` before must have passed for it, in the same layout.
    metric : str or callable
        "calls" of the oracles among the arguments; "lines" of 64 bytes fetched in a traced run; "accesses" to
        elements of arrays, the steps of an algorithm; "mispredictions" by TAGE, or "mispredictions:gshare" and
        the like; what `perflab.counters.METRICS` and `perflab.codegen.METRICS` list, or "syscalls:NAME", or
        "syscalls:NAME+NAME"; or ``metric(result, *args)``, which sees real objects where `fn` sees oracles, as the
        run left them.
    on : callable
        A maker, ``make(rng) -> tuple`` of arguments.
    zero, full : float
        The values that earn nothing and everything. With `full` below `zero`, less is better.
    points : float
        A multiple of one half.
    than : callable or (callable, maker), optional
        With it, `zero` and `full` are ratios, and the ramp between them is logarithmic: the count of ``than``
        over the count of `fn`. A tuple ``(fn, other_input)`` compares a function with itself on another input.
    view : (Conversion, callable), optional
        See `correct`.
    threads : int or tuple of callable, optional
        How many threads call `fn`, or what they run, as in `correct`; a tuple of functions has one for each. The
        metric is then "locked": the locked operations and full fences of all of them, when they take turns; or,
        where all call the same function, "invalidations": the copies of lines that their writes take from others,
        one access of each in turn.

    Returns
    -------
    Points
        A float from 0 to `points`, in half points.

    Raises
    ------
    ValueError
        If the arguments make no sense.
    """
    if threads is not None or isinstance(fn, tuple):
        return _count_together(fn, metric, on, (zero, full), points, threads, than is None and view is None)
    named = METRICS.get(metric, str(metric)) if isinstance(metric, str) else name_of(metric)
    title = f"{name_of(fn)}: {named}"
    _check_points(points)
    if zero == full:
        raise ValueError(f"zero and full: two different values, got {zero} twice")
    if than is not None and not (zero > 0 and full > 0):
        raise ValueError(f"zero and full: ratios above 0 where than= is given, got {zero} and {full}")
    try:
        subject = make_subject(fn, view)
        if not seen.has_passed(subject):
            return seen.finish(_not_correct_yet(title, points, fn))
        expectation = seen.expectation_of(fn)
        value = count_of(subject, metric, on, expectation)
        rows = [(named, f"{value:,.6g}")]
        if than is not None:
            other, other_on, other_name = make_baseline(than, subject, on)
            base = count_of(other, metric, other_on, seeds=subject.bench)
            rows.append((f"{named}, {other_name}", f"{base:,.6g}"))
            value = base / value if value else math.inf
            rows.append(("ratio", f"{value:.3g}"))
    except (FunctionFailedError, LayoutError) as error:
        return seen.finish(refused(title, points, error))
    share = log_share(value, zero, full) if than is not None else (value - zero) / (full - zero)
    what = named if than is None else f"ratio of {named}"
    return _counted(title, what, value, share, (zero, full), points, rows)


def _counted(
    title: str,
    what: str,
    value: float,
    share: float,
    ends: tuple[float, float],
    points: float,
    rows: list[tuple[str, str]],
) -> Points:
    zero, full = ends
    rows.append(("target", f"{full:g} for all points, {zero:g} for none"))
    earned = steps(share, points)
    seen.remember(value)
    return seen.finish(
        Report(
            title,
            earned,
            points,
            _judged(earned, points, zero),
            tuple(rows),
            failure="" if earned == points else "short",
            what=what,
            value=value if math.isfinite(value) else None,
            zero=zero,
            target=full,
        )
    )


def _count_together(
    fn: Any,
    metric: Any,
    on: Maker,
    ends: tuple[float, float],
    points: float,
    threads: int | tuple[Callable[..., Any], ...] | None,
    alone: bool,
) -> Points:
    if metric not in TOGETHER or not alone:
        raise ValueError(
            "threads: what is counted of concurrent code is 'locked' or 'invalidations', without than= and view="
        )
    zero, full = ends
    title = f"{_names(fn)}: {TOGETHER[metric]}"
    _check_points(points)
    if zero == full:
        raise ValueError(f"zero and full: two different values, got {zero} twice")
    try:
        team, parts = team_of(fn, threads)
        theirs, bench = parts or team, bench_of_team(team, parts)
        if not all(seen.has_passed(Subject(one, bench, None, None)) for one in theirs):
            return seen.finish(_not_correct_yet(title, points, theirs[0]))
        together = Together(team, bench, seen.holds_of(theirs[0]), parts)
        args = draw(on, exact_rng(together.bench, 1, metric))
        value = together.explore(args).locked if metric == "locked" else together.invalidations(args)
    except FunctionFailedError as error:
        return seen.finish(refused(title, points, error))
    share, rows = (value - zero) / (full - zero), [(TOGETHER[metric], f"{value:,.6g}")]
    return _counted(title, TOGETHER[metric], value, share, ends, points, rows)


def faster(
    fn: Callable[..., Any],
    *,
    than: Callable[..., Any] | tuple[Callable[..., Any], Maker],
    on: Maker,
    zero: float,
    full: float,
    points: float,
    view: View | None = None,
    returns: int | Sequence[int] | None = None,
    clock: Clock = "cpu",
    rtol: float | None = None,
    atol: float = 0.0,
) -> Points:
    """Give points for the measured ratio to a baseline, at the lower bound of its 99 % interval.

    Both sides run on the same fresh inputs, interleaved in random order. A half is the best of three calls; what
    that call returns is compared. Measuring stops when the interval can no longer change the points, after 9 to 41
    pairs.

    Parameters
    ----------
    fn : callable
        The learner's function; every `correct` before must have passed for it, in the same layout.
    than : callable or (callable, maker)
        The baseline, in the layout of the arguments as made. A tuple ``(fn, other_input)`` compares the function
        with itself: the ratio is its time on `other_input` over its time on `on`.
    on : callable
        A maker, ``make(rng) -> tuple`` of arguments: so large that the slower side lasts 2 ms or more.
    zero, full : float
        The ratios that earn nothing and everything; `zero` is at least 1.34 against another function.
    points : float
        A multiple of one half.
    view, returns, rtol, atol
        See `correct`.
    clock : {"cpu", "wall"}
        "wall" for I/O and threads only.

    Returns
    -------
    Points
        A float from 0 to `points`, in half points.

    Raises
    ------
    ValueError
        If the arguments make no sense.
    """
    title = f"{name_of(fn)}: faster"
    _check_points(points)
    against_itself = isinstance(than, tuple)
    if not 0 < zero < full:
        raise ValueError(f"zero and full: 0 < zero < full, got {zero} and {full}")
    if zero < LEAST_RATIO and not against_itself:
        raise ValueError(f"zero: at least {LEAST_RATIO}, since noise alone reaches {zero}")
    if clock not in CLOCKS:
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    try:
        subject = make_subject(fn, view)
        if not seen.has_passed(subject):
            return seen.finish(_not_correct_yet(title, points, fn))
        baseline, base_on, base_name = make_baseline(than, subject, on)
        # A function compared with itself is verified against what `correct` used.
        expectation = seen.expectation_of(fn) if against_itself else None
        race = Race(subject, baseline, expectation, on, base_on, returns, clock, rtol, atol)
        pairs = race.measure(lambda i: settled(i, zero, full, points))
    except (FunctionFailedError, LayoutError) as error:
        return seen.finish(refused(title, points, error))
    i = pairs.interval
    rows = (
        (base_name, _milliseconds(pairs.baseline)),
        (name_of(fn), _milliseconds(pairs.candidate)),
        ("ratio", f"{i.median:.3g}, 99 % sure of {i.low:.3g} to {i.high:.3g} ({len(pairs.ratios)} pairs)"),
        ("target", f"{full:g} for all points, {zero:g} for none"),
    )
    earned = steps(log_share(i.low, zero, full), points)
    unsure = i.low < zero < i.high or i.low < full < i.high
    seen.remember(i.median)
    return seen.finish(
        Report(
            title,
            earned,
            points,
            _judged(earned, points, zero),
            rows,
            unsure=unsure,
            failure="unsure" if unsure else "" if earned == points else "short",
            what="ratio",
            value=i.median,
            interval=(i.low, i.high),
            zero=zero,
            target=full,
        )
    )


def predicted(guess: float | None, grade_id: str) -> Note:
    """Compare a guess, written before measuring, with the last measurement of the cell `grade_id`.

    It carries no points: a wrong guess is worth as much as a right one, if you find out why.
    """
    measured = seen.measured().get(grade_id)
    if measured is None:
        return Note("Nothing has been measured yet: run the tests cells above first.")
    if guess is None:
        return Note(f"Measured: {measured:.3g}. You made no guess; next time write one down first.")
    try:
        guess = float(guess)
    except (TypeError, ValueError):
        return Note(f"Measured: {measured:.3g}. Your guess {guess!r} is no number.")
    if guess <= 0 or measured <= 0:
        return Note(f"You guessed {guess:.3g}; measured: {measured:.3g}.")
    off = max(guess / measured, measured / guess)
    verdict = "close" if off < 1.25 else "within a factor of two" if off < 2 else f"off by a factor of {off:.2g}"
    return Note(f"You guessed {guess:.3g}; measured: {measured:.3g}. That is {verdict}.")


def _names(fn: Any) -> str:
    return ", ".join(dict.fromkeys(map(name_of, fn))) if isinstance(fn, tuple) else name_of(fn)


def _not_correct_yet(title: str, points: float, fn: Callable[..., Any]) -> Report:
    sentence = (
        f"{name_of(fn)} has not passed all correctness cells above. Run the cells from the answer down; "
        "neither counts nor speed matter while the answer is wrong."
    )
    return Report(title, 0.0, points, sentence, failure="blocked")


def _check_points(points: float) -> None:
    if not isinstance(points, int | float) or not (points > 0 and float(points / STEP).is_integer()):
        raise ValueError(f"points: a positive multiple of {STEP}, got {points!r}")


def _judged(earned: float, points: float, zero: float) -> str:
    if earned == points:
        return "The target is reached."
    return "On the way to the target." if earned else f"Points begin beyond {zero:g}; this is not there yet."


def _milliseconds(seconds: np.ndarray) -> str:
    return f"{np.median(seconds) * 1e3:.3g} ms"


def _brief_arguments(args: tuple) -> str:
    text = ", ".join(np.array2string(a, threshold=8) if isinstance(a, np.ndarray) else repr(a) for a in args)
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}..."
