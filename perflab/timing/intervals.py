"""An exact interval for a median: order statistics, no assumption about the shape of the noise."""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.99


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

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If `ratios` is no list of positive numbers, or `confidence` no share.

    References
    ----------
    Conover, W. J.: Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    from scipy.special import bdtr  # not at the top: 0.2 s of each start, also where nothing is timed

    ordered = np.array(ratios, dtype=float)
    if ordered.ndim != 1 or ordered.size == 0:
        raise ValueError(f"ratios: expected a list of at least one number, got shape {ordered.shape}")
    if not (ordered > 0).all():
        raise ValueError(f"ratios: positive numbers, got {ordered[~(ordered > 0)][0]!s}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: between 0 and 1, got {confidence!r}")
    ordered.sort()
    median = float(np.median(ordered))
    tails = bdtr(np.arange(ordered.size), ordered.size, 0.5)  # P(X <= k) of the binomial, rising with k
    k = int(np.searchsorted(tails, (1 - confidence) / 2, side="right")) - 1
    if k < 0:
        return Interval(median, 0.0, float("inf"))
    return Interval(median, float(ordered[k]), float(ordered[-1 - k]))
