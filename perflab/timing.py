"""Paired, interleaved measurement: a ratio with an interval, and a verdict that may be "unsure".

One run of one program says little: the machine drifts, other programs burst in, the first call compiles. So the
two programs are timed side by side on the same inputs, in random order, many times; each pair gives one ratio,
and what is reported is the median ratio with an exact confidence interval. The interval comes from order
statistics of the ratios (the sign test turned round), so it assumes nothing about the shape of the noise.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import bdtr

Clock = Literal["cpu", "wall"]
Verdict = Literal["above", "below", "unsure"]

CLOCKS: dict[str, Callable[[], int]] = {"cpu": time.process_time_ns, "wall": time.perf_counter_ns}
CONFIDENCE = 0.99
CALLS = 3  # a half of a pair is the best of so many calls, each on an input of its own
PAIRS = (9, 41)  # fewest and most pairs; nine is the least that allows a 99 % interval of some sharpness
LOOK_EVERY = 4  # pairs between two looks at the interval: each look is another chance to be wrong


@dataclass(frozen=True)
class Interval:
    """The median of some ratios and an exact interval for the median behind them.

    Attributes
    ----------
    median, low, high : float
        `low` is 0 and `high` infinite where there are too few ratios for the confidence asked for.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Pairs:
    """What a paired measurement saw: seconds of both sides, pair by pair, and the interval of their ratio.

    Attributes
    ----------
    baseline, candidate : numpy.ndarray
        Seconds, shape (pairs,): the best call of each half.
    interval : Interval
        Of `baseline / candidate`: above 1 means that the candidate is faster.
    """

    baseline: np.ndarray
    candidate: np.ndarray
    interval: Interval

    @property
    def ratios(self) -> np.ndarray:
        """The ratio of each pair, shape (pairs,)."""
        return self.baseline / self.candidate


@dataclass(frozen=True)
class Comparison:
    """The answer of `compare`.

    Attributes
    ----------
    ratio, low, high : float
        Median of `baseline / candidate` and its 99 % interval.
    verdict : {"above", "below", "unsure"}
        Where the whole interval lies from the threshold; "unsure" if it spans it.
    threshold : float
    pairs : Pairs
        Both series, in seconds.
    """

    ratio: float
    low: float
    high: float
    verdict: Verdict
    threshold: float
    pairs: Pairs


def interval(ratios: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Return the median of `ratios` with an exact, distribution-free interval.

    The number of ratios below the true median is binomial with p = 1/2, so the k-th smallest and the k-th largest
    enclose it with a confidence that depends on k and the number of ratios alone.

    Parameters
    ----------
    ratios : array_like, shape (n,)
        Positive ratios, one a pair.
    confidence : float
        Between 0 and 1.

    References
    ----------
    W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    ordered = np.array(ratios, dtype=float)
    if ordered.ndim != 1 or ordered.size == 0:
        raise ValueError(f"ratios: expected a list of at least one number, got shape {ordered.shape}")
    ordered.sort()
    median = float(np.median(ordered))
    tails = bdtr(np.arange(ordered.size), ordered.size, 0.5)  # P(X <= k) of the binomial, rising with k
    k = int(np.searchsorted(tails, (1 - confidence) / 2, side="right")) - 1
    if k < 0:
        return Interval(median, 0.0, float("inf"))
    return Interval(median, float(ordered[k]), float(ordered[-1 - k]))


def paired(
    pair: Callable[[int], tuple[float, float]],
    decided: Callable[[Interval], bool],
    fewest: int = PAIRS[0],
    most: int = PAIRS[1],
) -> Pairs:
    """Measure pairs until the interval of their ratio decides the question, or the budget is spent.

    Parameters
    ----------
    pair : callable
        ``pair(i)`` measures pair i and returns the seconds of baseline and candidate.
    decided : callable
        ``decided(interval)`` tells whether more pairs could still change the answer.
    fewest, most : int
        Bounds on the number of pairs; the interval is looked at every fourth pair from `fewest` on.
    """
    seconds: list[tuple[float, float]] = []
    while True:
        goal = fewest if not seconds else min(len(seconds) + LOOK_EVERY, most)
        seconds += [pair(i) for i in range(len(seconds), goal)]
        baseline, candidate = np.array(seconds, dtype=float).T
        now = interval(baseline / candidate)
        if decided(now) or len(seconds) >= most:
            return Pairs(baseline, candidate, now)


def seconds_of(call: Callable[[], Any], clock: Clock = "cpu") -> tuple[float, Any]:
    """Run `call` once with the garbage collector quiet; return its seconds and its result.

    Parameters
    ----------
    call : callable
        Called without arguments.
    clock : {"cpu", "wall"}
        "cpu" is the CPU time of the whole process, all its threads: waiting and other programs cost nothing,
        hidden threads do. "wall" is for I/O and for threads.
    """
    now = CLOCKS[clock]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        start = now()
        result = call()
        stop = now()
    finally:
        if was_enabled:
            gc.enable()
    # A clock that did not tick must not divide by zero: its resolution is at most a nanosecond here.
    return max(stop - start, 1) * 1e-9, result


def compare(
    candidate: Callable[..., Any],
    baseline: Callable[..., Any],
    make: Callable[[np.random.Generator], tuple],
    *,
    threshold: float = 1.0,
    clock: Clock = "cpu",
    seed: int | None = None,
) -> Comparison:
    """Measure how many times faster `candidate` is than `baseline`.

    Each side is called once before the clock starts, on an input of its own, so that compilation is never timed.
    A pair draws three inputs; each side runs on copies of the same three, and its best call counts. It stops as
    soon as the interval lies on one side of `threshold`, after 9 to 41 pairs.

    Parameters
    ----------
    candidate, baseline : callable
        Called as ``fn(*make(rng))``; they may change their arguments.
    make : callable
        ``make(rng)`` returns a tuple of fresh arguments. Size them so that the slower side lasts 2 ms or more.
    threshold : float
        The ratio that the verdict is about; 1 asks "is it faster at all?".
    clock : {"cpu", "wall"}
    seed : int, optional
        Of the inputs and of the order; fresh by default.

    Raises
    ------
    TypeError
        If `make` does not return a tuple.
    ValueError
        If `threshold` or `clock` makes no sense.
    """
    if not threshold > 0:
        raise ValueError(f"threshold: a ratio above 0, got {threshold!r}")
    if clock not in CLOCKS:
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    rng = np.random.default_rng(seed)

    def fresh(key: int) -> tuple:
        args = make(np.random.default_rng(key))
        if not isinstance(args, tuple):
            raise TypeError(f"make: expected a tuple of arguments, got {type(args).__name__}")
        return args

    def half(fn: Callable[..., Any], keys: np.ndarray) -> float:
        best = float("inf")
        for key in keys:
            args = fresh(key)
            best = min(best, seconds_of(lambda args=args: fn(*args), clock)[0])
        return best

    def pair(_: int) -> tuple[float, float]:
        # The same key gives both sides equal arguments that share no memory.
        keys = rng.integers(2**63, size=CALLS)
        sides = [0, 1]
        rng.shuffle(sides)
        seconds = {side: half((baseline, candidate)[side], keys) for side in sides}
        return seconds[0], seconds[1]

    for fn in (baseline, candidate):
        fn(*fresh(rng.integers(2**63)))
    pairs = paired(pair, lambda i: i.low > threshold or i.high < threshold)
    i = pairs.interval
    verdict: Verdict = "above" if i.low > threshold else "below" if i.high < threshold else "unsure"
    return Comparison(i.median, i.low, i.high, verdict, threshold, pairs)
