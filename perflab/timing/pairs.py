"""Pairs of halves, measured until they decide a question."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perflab.timing.deadline import OutOfTimeError
from perflab.timing.intervals import Interval, interval

PAIRS = (9, 41)  # fewest and most pairs; nine is the least that allows a sharp interval at this confidence
LOOK_EVERY = 4  # pairs between two looks at the interval: each look is another chance to be wrong
# Up to nine looks, each at this confidence, are together wrong in less than 1 % of cases at the worst place, the
# threshold itself (simulated in benchmarks/compare.py).
PER_LOOK = 0.995


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


def joined(one: Pairs, other: Pairs) -> Pairs:
    """Return two measurements of the same as one."""
    baseline = np.concatenate((one.baseline, other.baseline))
    candidate = np.concatenate((one.candidate, other.candidate))
    return Pairs(baseline, candidate, interval(baseline / candidate, PER_LOOK))


def paired(
    pair: Callable[[int], tuple[float, float]],
    decided: Callable[[Interval], bool],
    fewest: int = PAIRS[0],
    most: int = PAIRS[1],
    budget: float = float("inf"),
) -> Pairs:
    """Measure pairs until the interval of their ratio decides the question, or the budget is spent.

    Parameters
    ----------
    pair : callable
        ``pair(i)`` measures pair i and returns the seconds of baseline and candidate. Where an alarm of
        `perflab.timing.deadline` ends it, the pairs before it are the answer.
    decided : callable
        ``decided(interval)`` tells whether more pairs could still change the answer.
    fewest, most : int
        Bounds on the number of pairs; the interval is looked at every fourth pair from `fewest` on.
    budget : float
        Seconds, by the wall clock, after which no further pair begins; what there is is returned then.

    Returns
    -------
    Pairs

    Raises
    ------
    ValueError
        If `fewest` is no number of pairs, or more than `most`.
    """
    if not 1 <= fewest <= most:
        raise ValueError(f"fewest and most: numbers of pairs, 1 <= fewest <= most, got {fewest} and {most}")
    seconds: list[tuple[float, float]] = []
    start = time.monotonic()
    while True:
        goal = fewest if not seconds else min(len(seconds) + LOOK_EVERY, most)
        late = False
        while len(seconds) < goal and not late:
            try:
                seconds.append(pair(len(seconds)))
            except OutOfTimeError:
                if not seconds:
                    raise
                late = True
            late = late or time.monotonic() - start > budget
        baseline, candidate = np.array(seconds, dtype=float).T
        now = interval(baseline / candidate, PER_LOOK)
        if late or decided(now) or len(seconds) >= most:
            return Pairs(baseline, candidate, now)
