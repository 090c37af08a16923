"""From a measured value to points: a ramp between zero and full, in steps of half points."""

import math
from dataclasses import dataclass

from perflab.timing import Interval

STEP = 0.5  # points


@dataclass(frozen=True)
class Ramp:
    """Points by what was measured.

    Attributes
    ----------
    zero, full : float
        The values that earn nothing and everything. With `full` below `zero`, less is better.
    points : float
        That `full` earns.
    logarithmic : bool
        Whether equal ratios, rather than equal differences, are worth equal points.
    """

    zero: float
    full: float
    points: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return how far a value is from `zero` (0) to `full` (1)."""
        if self.logarithmic:
            return log_share(value, self.zero, self.full)
        return (value - self.zero) / (self.full - self.zero)

    def earned(self, value: float) -> float:
        """Return the points of a value."""
        return steps(self.share(value), self.points)

    def value_at(self, earned: float) -> float:
        """Return the value from which on some points are earned."""
        share = earned / self.points
        if self.logarithmic:
            return self.zero * (self.full / self.zero) ** share
        return self.zero + (self.full - self.zero) * share


def settled(i: Interval, ramp: Ramp) -> bool:
    """Tell whether more pairs could hardly change the points of a timed ratio.

    So it is where the interval is clear of zero or full, or lies between them within one step.
    """
    if i.high <= ramp.zero or i.low >= ramp.full:
        return True
    if over_a_line(i, ramp):
        return False
    return (ramp.share(i.high) - ramp.share(i.low)) * ramp.points <= STEP


def over_a_line(i: Interval, ramp: Ramp) -> bool:
    """Tell whether it is too noisy to say on which side of zero or of full a timed ratio is."""
    return spans(i, ramp.zero) or spans(i, ramp.full)


def spans(i: Interval, line: float) -> bool:
    """Tell whether an interval has room on both sides of a line."""
    return i.low < line < i.high


def log_share(value: float, zero: float, full: float) -> float:
    """Return how far `value` is from `zero` (0) to `full` (1), in logarithms: for ratios."""
    if value <= 0:
        return -math.inf if full > zero else math.inf
    if math.isinf(value):
        return math.inf if full > zero else -math.inf
    return math.log(value / zero) / math.log(full / zero)


def steps(share: float, points: float) -> float:
    """Return the points of a share, rounded down to half points: a float between 0 and `points`."""
    if math.isnan(share):
        return 0.0
    # The tiny addend keeps a share that is exactly on a step from falling below it in floating point.
    count = math.floor(min(max(share, 0.0), 1.0) * points / STEP + 1e-9)
    return float(min(count * STEP, points))
