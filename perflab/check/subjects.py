"""A function under test with its bench and its layout, and the race between it and a baseline."""

import math
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perflab.check import cell, origin, values
from perflab.check.bench import (
    YOURS,
    Bench,
    FunctionFailedError,
    argument_names,
    bench_of,
    hands_back,
    name_of,
    needs_run,
    quiet,
    runs_before,
)
from perflab.check.layouts import Conversion, named
from perflab.timing import CALLS, Clock, Interval, Pairs, joined, paired, wait_for_quiet

PATIENCE = 3.0  # seconds that a second measurement waits for other programs to end
LASTING = 10.0  # seconds: a measurement that took longer is not made a second time

Maker = Callable[[np.random.Generator], tuple]
View = tuple[Conversion, Callable[[], Any]]
BASELINE = "the baseline"
Handed = tuple[Any, tuple]  # what `Bench.collect` returns: the result, and the arguments after the run


@dataclass(frozen=True)
class Subject:
    """A function under test, its bench, and the layout in which it wants its arguments."""

    fn: Callable[..., Any]
    bench: Bench
    convert: Conversion | None
    layout: Any

    def stage(self, args: tuple) -> Any:
        """Lay out `args`, converted to the subject's layout."""
        return self.bench.stage(self.convert(self.layout, *args) if self.convert else args)

    def outcome(self, handed: Handed, args: tuple, returns: int | Sequence[int] | None) -> Any:
        """Return what a run handed back, in the baseline's layout; may write into `args`, the run's input."""
        result, after = handed
        if returns is not None and self.convert:
            after = self.convert.merge(self.layout, after, *args)
        return picked(result, after, returns)


def make_subject(fn: Callable[..., Any], view: View | None) -> Subject:
    """Return `fn` with its bench and, given a view, with the layout that the learner's function returns."""
    if not callable(fn):
        raise FunctionFailedError(f"Expected a function, got {fn!r}.")
    if module := origin.forbidden(fn):
        raise FunctionFailedError(
            f"{name_of(fn, YOURS)} uses {module}, which a judge does not have: write it yourself."
        )
    if view is None:
        return Subject(fn, bench_of(fn), None, None)
    convert, layout = view
    bench = bench_of(layout)
    staged = bench.stage(())
    bench.run(staged, "cpu")
    return Subject(fn, bench_of(fn), convert, named(bench.collect(staged)[0]))


def make_baseline(than: Any, subject: Subject, on: Maker) -> tuple[Subject, Maker, str]:
    """Return the subject to compare with, its maker, and its name in the report."""
    if isinstance(than, tuple):
        other, other_on = than
        if other is not subject.fn:
            return Subject(other, bench_of(other), None, None), other_on, name_of(other, BASELINE)
        return replace(subject), other_on, f"{name_of(other)} on {name_of(other_on, 'the other input')}"
    return Subject(than, bench_of(than), None, None), on, name_of(than, BASELINE)


def expected_of(reference: Callable[..., Any], args: tuple, returns: int | Sequence[int] | None) -> Any:
    """Return what the reference hands back: it runs on the judge's side and sees the objects behind oracles."""
    args = values.reveal(values.copy(args))
    with quiet():
        result = reference(*args)
    return values.materialize(picked(result, args, returns)) if returns is not None else result


def picked(result: Any, after: tuple, returns: int | Sequence[int] | None) -> Any:
    """Return the result, or the changed arguments that stand for it."""
    if returns is None:
        return result
    return after[returns] if isinstance(returns, int) else tuple(after[i] for i in returns)


@dataclass(frozen=True)
class Expectation:
    """What a subject's outcomes are compared with: what its correctness cell used.

    Attributes
    ----------
    reference : callable
    returns : int or sequence of int, optional
    tolerance : dict
        Keywords of `perflab.check.values.difference`.
    """

    reference: Callable[..., Any]
    returns: int | Sequence[int] | None
    tolerance: dict[str, Any]

    def difference(self, subject: Subject, handed: Handed, args: tuple, run: str = "") -> str | None:
        """Say where the outcome of a run differs from the reference's, or return None; may write into `args`.

        Parameters
        ----------
        run : str
            Which one it was, as a sentence begins: "in the counted run, ", or nothing.
        """
        expected = expected_of(self.reference, args, self.returns)
        actual = subject.outcome(handed, args, self.returns)
        names = argument_names(self.reference, len(args))
        return difference(actual, expected, self.returns, names, run, **self.tolerance)


def difference(
    actual: Any,
    expected: Any,
    returns: int | Sequence[int] | None,
    names: Sequence[str],
    run: str,
    **tolerance: Any,
) -> str | None:
    """Say where an outcome differs from another, or return None; changed arguments go by their `names`."""
    if not (returns is None or isinstance(returns, int)):
        places = zip(actual, expected, returns, strict=True)
        found = (difference(a, e, place, names, run, **tolerance) for a, e, place in places)
        return next((sentence for sentence in found if sentence), None)
    where = f"{run}the result" if returns is None else f"{run}the changed argument {names[returns]}"
    wrong = values.difference(actual, expected, where=where, **tolerance)
    return f"{wrong[0].upper()}{wrong[1:]}." if wrong else None


def count_of(
    subject: Subject,
    metric: str | Callable[..., float],
    on: Maker,
    expectation: Expectation | None = None,
    seeds: Bench | None = None,
    case: int = 1,
) -> float:
    """Return a metric of one run of `subject` on an input of `on`, of the seed of its bench or of `seeds`.

    Raises
    ------
    FunctionFailedError
        If the run failed or, given an expectation, its outcome is wrong: few calls and few lines are easy then.
    """
    bench, about = seeds or subject.bench, metric if isinstance(metric, str) else name_of(metric)
    args = draw(on, exact_rng(bench, case, about))
    staged = subject.stage(args)
    watched = not (callable(metric) or needs_run(metric))
    if not watched:
        subject.bench.run(staged, "cpu")
    count = math.nan
    if not callable(metric):
        first = subject.stage(draw(on, exact_rng(bench, case + 1, about))) if runs_before(metric) else None
        count = subject.bench.count(staged, metric, first)
    if expectation is not None:
        if watched and not hands_back(metric):
            staged = subject.stage(args)
            subject.bench.run(staged, "cpu")
        if watched:
            # Code that sees that it is counted could do less then. Types are another matter: a run that is watched
            # is one of plain Python.
            expectation = replace(expectation, tolerance={**expectation.tolerance, "dtype": None})
        spare = values.copy(args) if callable(metric) else args
        wrong = expectation.difference(subject, subject.bench.collect(staged), spare, "in the counted run, ")
        if wrong:
            raise FunctionFailedError(wrong)
    if callable(metric):
        result, _ = subject.bench.collect(staged)
        count = metric(result, *values.reveal(args, subject.bench.oracles(staged)))
    return float(count)


def draw(make: Maker, rng: np.random.Generator) -> tuple:
    """Return one input of a maker."""
    args = make(rng)
    if not isinstance(args, tuple):
        raise TypeError(
            f"{name_of(make, 'a maker')} returned a {type(args).__name__}; a maker returns a tuple of arguments"
        )
    return args


def exact_rng(bench: Bench, case: int, about: str = "") -> np.random.Generator:
    """Return the generator of an exact check's case: fixed in a learner's kernel, secret under a judge.

    Parameters
    ----------
    bench : Bench
    case : int
    about : str, optional
        What is asked. Each question has inputs of its own, and so has each tests cell: what was remembered from
        one of them answers no other.
    """
    return np.random.default_rng([bench.seed or 0, case, zlib.crc32(about.encode()), cell.stream()])


def fresh_rng(bench: Bench) -> np.random.Generator:
    """Return the generator of a timed check: new on every run for a learner; under a judge, of its seed."""
    return np.random.default_rng() if bench.seed is None else exact_rng(bench, 0, "timed")


@dataclass(frozen=True)
class Bound:
    """What a function that is compared with itself may take on the easier input: a multiple of what another takes.

    Without it a function could waste work on that side, and call that flat.
    """

    subject: Subject
    most: float


@dataclass(frozen=True)
class Race:
    """A timed comparison of a subject with its baseline.

    Attributes
    ----------
    expectation : Expectation or None
        What every outcome is compared with; None compares the outcomes of both sides with each other.
    bound : Bound or None
        Of the baseline's side: what it takes beyond that does not count.
    """

    subject: Subject
    baseline: Subject
    expectation: Expectation | None
    on: Maker
    base_on: Maker
    returns: int | Sequence[int] | None
    clock: Clock
    rtol: float | None
    atol: float
    bound: Bound | None = None

    def measure(self, decided: Callable[[Interval], bool], noisy: Callable[[Interval], bool]) -> Pairs:
        """Time pairs until `decided(interval)`; one untimed call a side comes first, for compilation.

        What is `noisy(interval)` in the end is measured once more for a learner: most noise is a burst that lasts
        longer than a measurement. A judge has a quiet lane of its own for that. If the second measurement is noisy
        as well, all pairs count.
        """
        rng = fresh_rng(self.subject.bench)
        sides = [(self.baseline, self.base_on), (self.subject, self.on)]
        if self.bound:
            sides.append((self.bound.subject, self.base_on))
        for side, make in sides:
            side.bench.run(side.stage(draw(make, rng)), self.clock)

        def pair(_: int) -> tuple[float, float]:
            inputs, others = self._inputs(rng)
            best, fastest = [math.inf] * len(sides), [-1] * len(sides)
            handed: list[dict[int, Handed]] = [{}, {}]
            for side in rng.permutation(len(sides)):
                subject = sides[side][0]
                for k, args in enumerate((others, inputs, others)[side]):
                    staged = subject.stage(args)
                    seconds = subject.bench.run(staged, self.clock)
                    if seconds < best[side]:
                        best[side], fastest[side] = seconds, k
                    # A call whose time does not count need not be right: what it did is not even brought back.
                    if self._may_count(side, k, fastest):
                        handed[side][k] = subject.bench.collect(staged)
            # Each input is spent now, so the comparison may write into it.
            wrong = self._difference(inputs, others, handed, fastest)
            if wrong:
                raise FunctionFailedError(f"{wrong} Fast does not count when it is wrong.")
            return min(best[0], self.bound.most * best[2]) if self.bound else best[0], best[1]

        start = time.monotonic()
        with self.subject.bench.turn():
            first = paired(pair, decided)
        lasted = time.monotonic() - start
        if self.subject.bench.seed is not None or not noisy(first.interval) or lasted > LASTING:
            return first
        wait_for_quiet(PATIENCE)
        second = paired(pair, decided)
        return joined(first, second) if noisy(second.interval) else second

    def _inputs(self, rng: np.random.Generator) -> tuple[list[tuple], list[tuple]]:
        """Draw the inputs of one pair, for the subject and for its baseline; no key comes twice."""
        keys = rng.integers(2**63, size=CALLS)
        inputs = [draw(self.on, np.random.default_rng(key)) for key in keys]
        if self.baseline.fn is self.subject.fn:
            # It must not see again, in another order or cut, what it saw on its other side.
            keys = rng.integers(2**63, size=CALLS)
        elif self.base_on is self.on:
            return inputs, inputs  # the same keys give both sides equal inputs
        return inputs, [draw(self.base_on, np.random.default_rng(key)) for key in keys]

    def _may_count(self, side: int, k: int, fastest: list[int]) -> bool:
        """Tell whether the outcome of input `k` may be looked at; the subject's side is 1, that of a bound 2."""
        if side == 2:
            return False
        if side == 1 or self.expectation is not None:
            return fastest[side] == k
        # The baseline's outcome on the subject's fastest input, which is not known before the subject has run.
        return fastest[1] in (k, -1)

    def _difference(
        self, inputs: list[tuple], others: list[tuple], handed: list[dict[int, Handed]], fastest: list[int]
    ) -> str | None:
        run = "in a timed call, "
        theirs, ours, *_ = fastest
        if self.expectation is None:
            expected = self.baseline.outcome(handed[0][ours], inputs[ours], self.returns)
            actual = self.subject.outcome(handed[1][ours], inputs[ours], self.returns)
            names = argument_names(self.baseline.fn, len(inputs[ours]))
            return difference(actual, expected, self.returns, names, run, rtol=self.rtol, atol=self.atol)
        # A function that races itself could waste time on the other input and call that flat.
        return self.expectation.difference(
            self.subject, handed[1][ours], inputs[ours], run
        ) or self.expectation.difference(self.baseline, handed[0][theirs], others[theirs], run)
