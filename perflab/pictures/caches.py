"""Hits and misses over an array."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from perflab import figures
from perflab.figures import COLORS

if TYPE_CHECKING:  # an exercise may forbid the model, and its sandbox lacks it then
    from perflab.models.cache import Report

MOST = 256  # rows or columns that are drawn one by one


def misses(report: "Report", name: str, *, level: int = 0, ax: Axes | None = None) -> Figure:
    """Draw over an array what share of the accesses to each line missed.

    Parameters
    ----------
    report : Report
        From `perflab.models.cache.simulate`.
    name : str
        Of an array among the arguments, of one or two dimensions; of a larger one the first 256 rows and columns
        are drawn.
    level : int
        0 for the first level.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Figure
        Elements that nobody touched are empty.

    Raises
    ------
    KeyError
        If no argument has the name.
    ValueError
        If the array has more than two dimensions.
    """
    accesses, missed = report.over(name, level)
    if accesses.ndim > 2:
        raise ValueError(f"{name}: {accesses.ndim} dimensions; draw one plane of report.over yourself")
    share = np.full(accesses.shape, np.nan)
    np.divide(missed, accesses, out=share, where=accesses > 0)
    share = np.atleast_2d(share)[:MOST, :MOST]
    if ax is None:
        _, ax = figures.subplots(size=(4.6, 3.6) if len(share) > 1 else (5.6, 1.6))
    colors = LinearSegmentedColormap.from_list("misses", [COLORS["blue"], "#e6e6e6", COLORS["vermilion"]])
    image = ax.imshow(share, cmap=colors, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label=f"{report.levels[level].name} misses an access")
    ax.set_xlabel(f"column of {name}" if accesses.ndim == 2 else f"element of {name}")
    if accesses.ndim == 2:
        ax.set_ylabel(f"row of {name}")
    else:
        ax.set_yticks([])
    return ax.figure
