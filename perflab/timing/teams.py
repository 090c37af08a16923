"""Compare two sets of calls that run at once on threads, by the wall clock and by undisturbed pairs."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perflab import words
from perflab.timing.comparison import Comparison, Verdict
from perflab.timing.deadline import OutOfTimeError
from perflab.timing.disturbance import too_short
from perflab.timing.intervals import Interval, interval
from perflab.timing.pairs import PAIRS, Pairs, paired

if TYPE_CHECKING:
    from perflab.threads import Run

Calls = Sequence[tuple[Any, tuple]]

SHARE = 0.9  # of a core, that each thread has to get
OVERLAP = 0.5  # of the time, in which all of a side's threads have to run
TRIES = 6  # for each pair that is wanted, since other programs spoil many


def undisturbed(run: "Run") -> bool:
    """Tell whether all threads ran at once, each on a core of its own."""
    return min(run.shares) > SHARE and run.overlap > OVERLAP and (run.apart or len(run.shares) == 1)


def compare_threads(
    candidate: Calls | Callable[[], Calls],
    baseline: Calls | Callable[[], Calls],
    *,
    threshold: float = 1.0,
    pairs: tuple[int, int] = (PAIRS[0], 21),
    budget: float = 15.0,
    seed: int | None = None,
) -> Comparison:
    """Measure how many times as fast one set of calls is done as another, each call on a thread of its own.

    A side is done when its last thread is. Both run in turn, in random order, and a pair counts only if each
    thread had a core for itself all the time: what waited for a core says nothing about the code. Measuring stops
    as soon as the interval lies on one side of `threshold`. Where there are not enough such pairs, or the only
    cores are halves of one, whose caches they share, the answer is not sure at all, and says why.

    Parameters
    ----------
    candidate, baseline : sequence of (function, arguments), or a function that returns one
        As `perflab.threads.run` takes them, compiled once before the clock starts. A function is called before
        each run: give one where the calls use up what they work on.
    threshold : float
        The ratio that the verdict is about.
    pairs : tuple of int
        Fewest and most pairs that count; six times as many are tried.
    budget : float
        Seconds, after which no further pair begins.
    seed : int, optional
        Of the order; fresh by default.

    Returns
    -------
    Comparison
        By the wall clock.

    Raises
    ------
    ValueError
        If `threshold` or `pairs` make no sense.
    TypeError, RuntimeError, TimeoutError
        From `perflab.threads.run`.

    Examples
    --------
    ::

        apart, together = [[(count, (counters, at)) for at in places] for places in ((0, 8), (0, 1))]
        print(compare_threads(apart, together))
    """
    from perflab.threads import run  # not at the top: who times one thread needs no compiler for it

    if not 0 < threshold < math.inf:
        raise ValueError(f"threshold: a ratio above 0, got {threshold!r}")
    if not 1 <= pairs[0] <= pairs[1]:
        raise ValueError(f"pairs: fewest and most, got {pairs!r}")
    sides = {"baseline": baseline, "candidate": candidate}
    rng, seen, apart = np.random.default_rng(seed), [], True
    end = time.monotonic() + budget
    for side in sides.values():
        run(_calls(side))

    def pair(_: int) -> tuple[float, float]:
        nonlocal apart
        while len(seen) < TRIES * pairs[1] and (not seen or time.monotonic() < end):
            runs = {name: run(_calls(sides[name])) for name in rng.permutation(list(sides))}
            seconds = tuple(max(runs[name].seconds) for name in sides)
            seen.append(seconds)
            apart = apart and all(one.apart or len(one.seconds) == 1 for one in runs.values())
            if not apart:
                break
            if all(map(undisturbed, runs.values())):
                return seconds
        raise OutOfTimeError

    def decided(found: Interval) -> bool:
        return found.low > threshold or found.high < threshold

    try:
        measured = paired(pair, decided, *pairs, budget=budget)
    except OutOfTimeError:
        base, new = np.array(seen).T
        measured = Pairs(base, new, replace(interval(base / new), low=0.0, high=math.inf))
        kept = 0
    else:
        kept = len(measured.ratios)
    low, high = measured.interval.low, measured.interval.high
    verdict: Verdict = "above" if low > threshold else "below" if high < threshold else "unsure"
    said = _why(kept, len(seen), apart) + too_short(measured)
    return Comparison(measured.interval.median, low, high, verdict, threshold, measured, "wall", said)


def _calls(side: Calls | Callable[[], Calls]) -> Calls:
    return side() if callable(side) else side


def _why(kept: int, tried: int, apart: bool) -> tuple[str, ...]:
    """Say which pairs do not count."""
    if not apart:
        return ("There are not enough cores for all threads: two halves of one share its caches.",)
    if kept == tried:
        return ()
    return (f"Other programs had a core in {words.counted(tried - kept, 'pair')} of {tried}; those do not count.",)
