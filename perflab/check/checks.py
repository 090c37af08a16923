"""The four checks that tests cells call: is it correct, what does it count, is it faster, was the guess right."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab import words
from perflab.check import cells, judged, seen, values
from perflab.check.bench import (
    METRICS,
    YOURS,
    Bench,
    ForbiddenError,
    FunctionFailedError,
    LocalBench,
    is_outside,
    name_of,
    needs_run,
)
from perflab.check.layouts import LayoutError
from perflab.check.ramp import STEP, Ramp, over_a_line, settled
from perflab.check.report import Note, Points, Report, refused
from perflab.check.subjects import (
    Bound,
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

OTHER_SIDE = 3  # its case, where a function is compared with itself: it sees no input twice
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
    nonblocking: bool = False,
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
    nonblocking : bool
        Whether no thread may wait for one that the system has stopped, wherever that stands: a lock blocks.

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
        return _correct_together(fn, against, on, points, threads, stress, title, nonblocking)
    if stress is not None or nonblocking:
        raise ValueError("stress and nonblocking: for concurrent code; say how many threads= there are")
    expectation = Expectation(against, returns, {"rtol": rtol, "atol": atol, "dtype": dtype})
    rows: tuple[tuple[str, str], ...] = ()
    case = 0
    try:
        subject = make_subject(fn, view)
        for case, make in enumerate(on, 1):
            args = draw(make, exact_rng(subject.bench, case))
            rows = (("case", f"{case} of {len(on)}"), ("input", _brief_arguments(args)))
            staged = subject.stage(args)
            subject.bench.run(staged, "cpu")
            if values.oracles(args):
                rows += ((METRICS["calls"], words.number(subject.bench.count(staged, "calls"))),)
            wrong = expectation.difference(subject, subject.bench.collect(staged), args)
            if wrong:
                raise FunctionFailedError(wrong)
    except (FunctionFailedError, LayoutError) as error:
        seen.failed(fn)
        return seen.finish(refused(title, points, error, rows, case), fn)
    seen.passed(subject, expectation)
    agree = words.counted(len(on), "case agrees", "cases agree")
    return seen.finish(Report(title, points, points, f"{agree} with {name_of(against, 'the reference')}."), fn)


def _correct_together(
    fn: Any,
    against: Holds,
    on: Sequence[Maker],
    points: float,
    threads: int | tuple[Callable[..., Any], ...] | None,
    stress: Maker | None,
    title: str,
    nonblocking: bool,
) -> Points:
    try:
        team, parts = team_of(fn, threads)
        bench = bench_of_team(team, parts)
        _admit(bench, parts or team, "explored", team if parts else ())
    except FunctionFailedError as error:
        return seen.finish(refused(title, points, error), fn)
    report = correct_together(title, Together(team, bench, against, parts), on, stress, points, nonblocking)
    for one in parts or team:
        if report.points:
            seen.passed_together(Subject(one, bench, None, None), against)
        else:
            seen.failed(one)
    return seen.finish(report, fn)


def counts(
    fn: Callable[..., Any],
    metric: str | Callable[..., float],
    *,
    on: Maker,
    zero: float,
    full: float,
    points: float,
    than: Callable[..., Any] | tuple[Callable[..., Any], Maker] | None = None,
    most: float | None = None,
    view: View | None = None,
    threads: int | tuple[Callable[..., Any], ...] | None = None,
    verify: bool = True,
) -> Points:
    """Give points for something exact: calls of an oracle, lines of memory, or any metric of the result.

    Parameters
    ----------
    fn : callable
        The learner's function; every `correct` before must have passed for it, in the same layout.
    metric : str or callable
        "calls" of the oracles among the arguments; "lines" of 64 bytes fetched in a traced run; "accesses" to
        elements of arrays, lists and all else that has elements, the steps of an algorithm; "mispredictions" by
        TAGE, or "mispredictions:gshare" and the like; "cycles" of its loops on a modelled core; what
        `perflab.counters.METRICS` and `perflab.codegen.METRICS` list, or "syscalls:NAME", or
        "syscalls:NAME+NAME", where a name may be a family: "reads", "writes" or "moves"; or
        ``metric(result, *args)``, which sees real objects where `fn` sees
        oracles, as the run left them.
    on : callable
        A maker, ``make(rng) -> tuple`` of arguments.
    zero, full : float
        The values that earn nothing and everything. With `full` below `zero`, less is better.
    points : float
        A multiple of one half.
    than : callable or (callable, maker), optional
        With it, `zero` and `full` are ratios, and the ramp between them is logarithmic: the count of ``than``
        over the count of `fn`. A tuple ``(fn, other_input)`` compares a function with itself on another input.
    most : float, optional
        For a function that is compared with itself: what it takes on the easier input, the one whose count points
        grow with, counts up to so many times what the reference of `correct` takes there. So nobody gains by
        wasting work on it.
    view : (Conversion, callable), optional
        See `correct`.
    verify : bool
        Whether the outcome of the counted run is compared with the reference of `correct`. False is for a callable
        metric that judges the whole result itself, on an input that no reference could do.
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
        alone = than is None and view is None and most is None and verify
        return _count_together(fn, metric, on, (zero, full), points, threads, alone)
    named = _named(metric)
    title = f"{_names(fn)}: {named}"
    ramp = _ramp(zero, full, points, logarithmic=than is not None)
    if not verify and not callable(metric):
        raise ValueError("verify: False is for a metric that is a function and judges the result")
    _check_most(most, than, fn)
    try:
        subject = make_subject(fn, view)
        if not seen.has_passed(subject):
            return seen.finish(_not_correct_yet(title, points, fn), fn)
        expectation = seen.expectation_of(fn) if verify else None
        if isinstance(metric, str) and not (needs_run(metric) or is_outside(metric)):
            _admit(subject.bench, (fn, *(view[1:] if view else ())), "counted")
        value = count_of(subject, metric, on, expectation)
        if math.isinf(value) and not (than is None and ramp.earned(value)):
            raise FunctionFailedError(
                f"This outcome counts as {words.number(value)}: it breaks a rule of this cell, as its code above "
                "says. Mend that first."
            )
        if than is None:
            rows, what = ((named, words.number(value, [zero, full])),), named
        else:
            compared = _Compared(subject, metric, expectation, on, than, most)
            rows = ((named, words.number(value)),)
            value, others = compared.ratio(value, full > zero)
            rows += tuple((f"{named}, {whose}", words.number(count)) for whose, count in others)
            what = f"{others[0][0]} over {name_of(fn)}: {named}"
            rows += (("ratio", words.number(value, [zero, full])),)
    except (FunctionFailedError, LayoutError) as error:
        return seen.finish(refused(title, points, error), fn)
    return seen.finish(judged.of_count(title, what, value, ramp, rows), fn)


@dataclass(frozen=True)
class _Compared:
    """A count that is compared with another one; see `counts` for `than` and `most`."""

    subject: Subject
    metric: str | Callable[..., float]
    expectation: Expectation | None
    on: Maker
    than: Any
    most: float | None

    def ratio(self, value: float, more_is_better: bool) -> tuple[float, list[tuple[str, float]]]:
        """Return the other count over `value`, and who was counted for that, with the counts.

        Raises
        ------
        FunctionFailedError
            If there is no ratio.
        """
        other, other_on, name = make_baseline(self.than, self.subject, self.on)
        itself = other.fn is self.subject.fn
        case, expectation = (OTHER_SIDE, self.expectation) if itself else (1, None)
        base = count_of(other, self.metric, other_on, expectation, self.subject.bench, case)
        counted = [(name, base)]
        if self.most is not None:
            easier = (other_on, case) if more_is_better else (self.on, 1)
            reference, taken = self._taken(*easier)
            counted.append((reference, taken))
            if more_is_better:
                base = min(base, self.most * taken)
            else:
                value = min(value, self.most * taken)
        if isinstance(self.metric, str):
            return max(base, 1.0) / max(value, 1.0), counted  # of whole numbers: no ratio is infinite
        if not (base > 0 and value > 0):
            both = f"{words.number(base)} and {words.number(value)}"
            raise FunctionFailedError(f"{name_of(self.metric)}: {both} have no ratio; both must be above 0.")
        return base / value, counted

    def _taken(self, on: Maker, case: int) -> tuple[str, float]:
        """Return what the reference takes on an input that a function which is compared with itself had."""
        reference = seen.expectation_of(self.subject.fn).reference
        try:
            taken = count_of(make_subject(reference, None), self.metric, on, None, self.subject.bench, case)
        except FunctionFailedError as error:
            raise ValueError(f"most: it is a multiple of what the reference takes, and {error}") from error
        if taken <= 0:
            raise ValueError(f"most: {name_of(reference)} takes none on {name_of(on)}, so it is no bound")
        return f"{name_of(reference)} on {name_of(on)}", taken


def _check_most(most: float | None, than: Any, fn: Callable[..., Any]) -> None:
    if most is None:
        return
    if not (isinstance(than, tuple) and than[0] is fn):
        raise ValueError("most: bounds a function that is compared with itself, than=(fn, other_input)")
    if not (isinstance(most, int | float) and most > 0):
        raise ValueError(f"most: how many times what the reference takes, above 0; got {most!r}")


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
    named = TOGETHER[metric]
    title = f"{_names(fn)}: {named}"
    ramp = _ramp(*ends, points)
    try:
        team, parts = team_of(fn, threads)
        theirs, bench = parts or team, bench_of_team(team, parts)

        def passed(one: Any) -> bool:
            return seen.has_passed(Subject(one, bench, None, None))

        if not all(map(passed, theirs)):
            return seen.finish(_not_correct_yet(title, points, *(one for one in theirs if not passed(one))), fn)
        _admit(bench, theirs, "counted", team if parts else ())
        together = Together(team, bench, seen.holds_of(theirs[0]), parts)
        args = draw(on, exact_rng(together.bench, 1, metric))
        value = together.explore(args).locked if metric == "locked" else together.invalidations(args)
    except FunctionFailedError as error:
        return seen.finish(refused(title, points, error), fn)
    rows = ((named, words.number(value, ends)),)
    return seen.finish(judged.of_count(title, named, value, ramp, rows), fn)


def faster(
    fn: Callable[..., Any],
    *,
    than: Callable[..., Any] | tuple[Callable[..., Any], Maker],
    on: Maker,
    zero: float,
    full: float,
    points: float,
    most: float | None = None,
    view: View | None = None,
    returns: int | Sequence[int] | None = None,
    clock: Clock = "cpu",
    rtol: float | None = None,
    atol: float = 0.0,
    within: tuple[str, Maker, float] | None = None,
) -> Points:
    """Give points for the measured ratio to a baseline, at the lower bound of its 99 % interval.

    Both sides run on the same fresh inputs, interleaved in random order. A half is the best of three calls; what
    that call returns is compared. Measuring stops when the interval can no longer change the points, after 9 to 41
    pairs. Where the interval then holds `zero` or `full`, it is too noisy to say, and in a learner's kernel all is
    measured once more, when other programs leave the cores alone or after some seconds.

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
    most : float, optional
        For a function that is compared with itself: its time on `other_input` counts up to so many times what the
        reference of `correct` takes there. So nobody gains by wasting time on it.
    view, returns, rtol, atol
        See `correct`.
    clock : {"cpu", "wall"}
        "wall" for I/O and threads only.
    within : (str, maker, float), optional
        ``(metric, make, most)``: on an input of `make`, `fn` counts at most `most` times what `than` does, or it
        earns nothing. So nobody gains by other work than the exercise's, such as a copy of the
        input; a function that cannot be counted gains nothing.

    Returns
    -------
    Points
        A float from 0 to `points`, in half points.

    Raises
    ------
    ValueError
        If the arguments make no sense.
    """
    title = f"{_names(fn)}: faster"
    against_itself = isinstance(than, tuple)
    if not 0 < zero < full:
        raise ValueError(f"zero and full: 0 < zero < full, got {zero} and {full}")
    if zero < LEAST_RATIO and not against_itself:
        raise ValueError(f"zero: at least {LEAST_RATIO}, since noise alone reaches {zero}")
    if clock not in CLOCKS:
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    ramp = _ramp(zero, full, points, logarithmic=True)
    _check_most(most, than, fn)
    if within is not None and (against_itself or within[0] not in METRICS or needs_run(within[0])):
        raise ValueError("within: (metric, make, most), against another function")
    try:
        subject = make_subject(fn, view)
        if not seen.has_passed(subject):
            return seen.finish(_not_correct_yet(title, points, fn), fn)
        baseline, base_on, base_name = make_baseline(than, subject, on)
        if within is not None:
            _stays_within(subject, baseline, *within)
        # A function compared with itself is verified against what `correct` used.
        expectation = seen.expectation_of(fn) if against_itself else None
        bound = Bound(make_subject(expectation.reference, None), most) if most is not None else None
        race = Race(subject, baseline, expectation, on, base_on, returns, clock, rtol, atol, bound)
        pairs = race.measure(lambda i: settled(i, ramp), lambda i: over_a_line(i, ramp))
    except (FunctionFailedError, LayoutError) as error:
        return seen.finish(refused(title, points, error), fn)
    times = (base_name, _median(pairs.baseline)), (name_of(fn), _median(pairs.candidate))
    if bound:
        times += (("counts at most", f"{words.number(most)} times what {name_of(bound.subject.fn)} takes there"),)
    what = f"time of {base_name} over {name_of(fn)}"
    return seen.finish(judged.of_ratio(title, what, pairs.interval, len(pairs.ratios), ramp, times), fn)


def _stays_within(subject: Subject, baseline: Subject, metric: str, make: Maker, most: float) -> None:
    """Refuse a function that counts more than `most` times what the baseline does."""
    _admit(subject.bench, (subject.fn,), "counted")
    mine = count_of(subject, metric, make)
    base = count_of(baseline, metric, make, seeds=subject.bench)
    if mine > most * base:
        raise FunctionFailedError(
            f"{name_of(subject.fn, YOURS)} needs {words.number(mine)} {METRICS[metric]} where "
            f"{name_of(baseline.fn)} needs {words.number(base)}, and {words.number(most)} times as many are the "
            "most: this cell's points are for code that needs no more."
        )


def predicted(
    guess: float | None, grade_id: str | None = None, of: str = "", *, measured: float | None = None
) -> Note:
    """Compare a guess, written before measuring, with the last measurement of the cell `grade_id`.

    It carries no points: a wrong guess is worth as much as a right one, if you find out why.

    Parameters
    ----------
    guess : float or None
    grade_id : str, optional
        The tests cell.
    of : str, optional
        What the guess is about, if that is not what the cell measures: then both are named, and none is called
        close or far off.
    measured : float, optional
        What the guess is compared with in place of a tests cell: a show cell has measured it, and `of` says what.
    """
    if measured is not None:
        return _beside(guess, f"this cell measured {words.number(measured)}{f' ({of})' if of else ''}", measured)
    what, value = seen.latest().get(grade_id, ("", None))
    if value is None:
        return Note(_not_measured(grade_id))
    said = f"the cell `{grade_id}` measured {words.number(value)} ({what})"
    return _beside(guess, said, value, of, of == what)


def _beside(guess: float | None, said: str, value: float, of: str = "", alike: bool = True) -> Note:
    """Return what becomes of a guess beside what was measured, which `said` says."""
    begun = said[:1].upper() + said[1:]
    if guess is None:
        return Note(f"{begun}. You made no guess; next time write one down first.")
    try:
        mine = float(guess)
    except (TypeError, ValueError, OverflowError):
        mine = math.nan
    if not math.isfinite(mine):
        return Note(f"{begun}. Your guess {guess!r} is no number.")
    both = f"You guessed {words.number(mine, [value])}{f' ({of})' if of else ''}; {said}"
    if of and not alike:
        return Note(f"{both}. These are two quantities: compare what they say, not the numbers.")
    if mine <= 0 or value <= 0:
        return Note(f"{both}.")
    off = max(mine / value, value / mine)
    verdict = (
        "close" if off < 1.25 else "within a factor of two" if off < 2 else f"off by a factor of {_brief(off)}"
    )
    return Note(f"{both}. That is {verdict}.")


def _not_measured(grade_id: str) -> str:
    if grade_id not in seen.latest():
        return f"The cell `{grade_id}` has not been run yet: run it first."
    return " ".join(filter(None, (f"The cell `{grade_id}` has measured nothing.", seen.why_nothing(grade_id))))


def _brief(off: float) -> str:
    return words.number(float(f"{off:.2g}"))


def _admit(
    bench: Bench, functions: Sequence[Callable[..., Any]], what: str, team: Sequence[Callable] = ()
) -> None:
    """Refuse in a learner's kernel what a judge would refuse; a judge's own bench does so itself."""
    if isinstance(bench, LocalBench):
        try:
            cells.refuse(functions, team)
        except ForbiddenError as error:
            raise FunctionFailedError(f"{name_of(functions[0])} cannot be {what}: {error}.") from error


def _names(fn: Any) -> str:
    return ", ".join(dict.fromkeys(name_of(one, YOURS) for one in (fn if isinstance(fn, tuple) else (fn,))))


def _named(metric: str | Callable[..., float]) -> str:
    """Return what is counted, in words."""
    if isinstance(metric, str):
        return METRICS.get(metric, metric)
    return name_of(metric, "what this cell counts").replace("_", " ")


def _not_correct_yet(title: str, points: float, *theirs: Callable[..., Any]) -> Report:
    sentence = f"{seen.obstacle(*theirs)} Neither counts nor speed matter while the answer is wrong."
    return Report(title, 0.0, points, sentence, failure="blocked")


def _ramp(zero: float, full: float, points: float, logarithmic: bool = False) -> Ramp:
    _check_points(points)
    if zero == full:
        raise ValueError(f"zero and full: two different values, got {zero} twice")
    if logarithmic and not (zero > 0 and full > 0):
        raise ValueError(f"zero and full: ratios above 0 where than= is given, got {zero} and {full}")
    return Ramp(zero, full, points, logarithmic)


def _check_points(points: float) -> None:
    if not isinstance(points, int | float) or not (points > 0 and float(points / STEP).is_integer()):
        raise ValueError(f"points: a positive multiple of {STEP}, got {points!r}")


def _median(seconds: np.ndarray) -> str:
    return words.duration(float(np.median(seconds)))


def _brief_arguments(args: tuple) -> str:
    text = ", ".join(np.array2string(a, threshold=8) if isinstance(a, np.ndarray) else repr(a) for a in args)
    text = " ".join(text.split())
    return text if len(text) <= 160 else f"{text[:157]}..."
