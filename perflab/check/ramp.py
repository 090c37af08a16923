"""From a measured value to points: a ramp between zero and full, in steps of half points."""

import math

from perflab.timing import Interval

STEP = 0.5  # points


def settled(i: Interval, zero: float, full: float, points: float) -> bool:
    """Tell whether more pairs could hardly change the points.

    So it is where the interval is clear of `zero` or `full`, or lies between them within one step.
    """
    if i.high <= zero or i.low >= full:
        return True
    if i.low < zero or i.high > full:
        return False
    return (log_share(i.high, zero, full) - log_share(i.low, zero, full)) * points <= STEP


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
