"""Compare two programs."""

import time
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from perflab.timing.clocks import CLOCKS, Clock, seconds_of
from perflab.timing.comparison import Comparison, Verdict
from perflab.timing.deadline import OutOfTimeError, within
from perflab.timing.disturbance import disturbances, snapshot, too_short
from perflab.timing.first_calls import WAY_OUT, Maker, called, check_first_calls, fresh
from perflab.timing.intervals import Interval
from perflab.timing.pairs import PAIRS, paired

CALLS = 3  # a half of a pair is the best of so many calls, each on an input of its own


def no_input(rng: np.random.Generator) -> tuple[()]:
    """Make no arguments: both sides work on what they know."""
    return ()


def compare(
    candidate: Callable[..., Any],
    baseline: Callable[..., Any],
    make: Maker = no_input,
    *,
    threshold: float = 1.0,
    clock: Clock = "cpu",
    pairs: tuple[int, int] = PAIRS,
    budget: float = 30.0,
    seed: int | None = None,
) -> Comparison:
    """Measure how many times faster `candidate` is than `baseline`.

    Each side is called once before the clock starts, on equal inputs, so that compilation is never timed; what
    the two calls return, and what becomes of their arguments, must agree where it can be compared. A pair draws
    three inputs; each side runs on copies of the same three, and its best call counts. Measuring stops as soon as
    the interval lies on one side of `threshold`.

    In the main thread an alarm ends Python code that lasts longer than the budget. Compiled code cannot be
    interrupted: its first call is tried in a fork of this process; a later one is waited for, however long it
    lasts.

    Parameters
    ----------
    candidate, baseline : callable
        Called as ``fn(*make(rng))``; they may change their arguments.
    make : callable
        ``make(rng)`` returns a tuple of fresh arguments, by default none. Size them so that the slower side lasts
        2 ms or more.
    threshold : float
        The ratio that the verdict is about; 1 asks "is it faster at all?".
    clock : {"cpu", "wall"}
        CPU time of the whole process for computations; wall time for I/O and threads.
    pairs : tuple of int
        Fewest and most pairs. Fewer than 9 cannot decide anything.
    budget : float
        Seconds for the measurement, and for each first call. What was measured when they are over is the answer.
    seed : int, optional
        Of the inputs and of the order; fresh by default.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        If `candidate`, `baseline` or `make` is no function, or `make` does not return a tuple.
    ValueError
        If an argument makes no sense, or `make` returns the same array or container twice.
    UnequalWorkError
        If the outcomes differ.
    TimeoutError
        If a call does not end within the budget, or not one pair can be measured in it.
    RuntimeError
        If a side or `make` raises (its own exception is the cause), or a side crashes on its first call.

    Examples
    --------
    >>> def baseline(n):
    ...     return sum(i for i in range(n))
    >>> def candidate(n):
    ...     return n * (n - 1) // 2
    >>> def make(rng):
    ...     return (int(rng.integers(100_000, 200_000)),)
    >>> compare(candidate, baseline, make, threshold=2).verdict
    'above'
    """
    sides = {"baseline": baseline, "candidate": candidate}
    _check_arguments(sides, make, threshold, clock, pairs, budget)
    rng = _generator(seed)
    check_first_calls(sides, make, int(rng.integers(2**63)), budget)

    def half(name: str, keys: np.ndarray) -> float:
        best = float("inf")
        for key in keys:
            args = fresh(make, key)
            start = time.monotonic()
            try:
                seconds, _ = called(name, lambda args=args: seconds_of(lambda: sides[name](*args), clock))
            except OutOfTimeError:
                lasted = time.monotonic() - start
                if lasted < budget / 2:
                    raise
                raise TimeoutError(f"{name}: a call did not end within {lasted:.1f} s; {WAY_OUT}") from None
            best = min(best, seconds)
        return best

    def pair(_: int) -> tuple[float, float]:
        # The same key gives both sides equal arguments that share no memory.
        keys = rng.integers(2**63, size=CALLS)
        seconds = {name: half(name, keys) for name in rng.permutation(list(sides))}
        return seconds["baseline"], seconds["candidate"]

    def decided(i: Interval) -> bool:
        return i.low > threshold or i.high < threshold

    before = snapshot()
    try:
        measured = within(budget, lambda: paired(pair, decided, *pairs, budget=budget))
    except OutOfTimeError:
        text = f"budget: not one pair, of {CALLS} calls of each side, was measured in {budget:g} s; {WAY_OUT}"
        raise TimeoutError(text) from None
    found = measured.interval
    verdict: Verdict = "above" if found.low > threshold else "below" if found.high < threshold else "unsure"
    disturbed = disturbances(before, snapshot()) + too_short(measured)
    return Comparison(found.median, found.low, found.high, verdict, threshold, measured, clock, disturbed)


def _check_arguments(
    sides: dict[str, Any], make: Any, threshold: float, clock: str, pairs: tuple[int, int], budget: float
) -> None:
    for name, fn in (*sides.items(), ("make", make)):
        if not callable(fn):
            raise TypeError(f"{name}: a function, got a {type(fn).__name__}")
    if not isinstance(threshold, Real) or not 0 < threshold < float("inf"):
        raise ValueError(f"threshold: a ratio above 0, got {threshold!r}")
    if clock not in tuple(CLOCKS):
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    two = isinstance(pairs, tuple | list) and len(pairs) == 2 and all(isinstance(n, Integral) for n in pairs)
    if not two or not 1 <= pairs[0] <= pairs[1]:
        raise ValueError(f"pairs: fewest and most, e.g. {PAIRS}, got {pairs!r}")
    if not isinstance(budget, Real) or not 0 < budget < float("inf"):
        raise ValueError(f"budget: seconds above 0, got {budget!r}")


def _generator(seed: int | None) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"seed: an integer of 0 or more, or None; got {seed!r}") from error
