"""Simulate caches: on a trace, or on a function as it runs.

A count of misses is the same on every run and on every machine. What is modeled: sets and ways, up to four levels,
four policies of replacement, write-back or write-through, a prefetcher that takes no time, and a TLB. What is
not: time, and so bandwidth and misses that overlap; other cores (`perflab.models.coherence`); instructions.

- Levels are neither inclusive nor exclusive: a line that is fetched stays at each level that lacked it, and leaves
  each by itself. A line that is written back to a level that lacks it is fetched there first, where the level
  allocates on writes; one that is there keeps its place in the order of use.
- An access over two lines uses both.
- Addresses of a function's arrays are virtual: see `perflab.models.record`.
"""

from collections.abc import Callable
from typing import Any

from perflab.models.cache.levels import L1, TEACHING, Hierarchy, Level, Tlb
from perflab.models.cache.report import LevelCounts, Report, Share, Tally, Totals, totals_of
from perflab.models.cache.simulation import Simulation, pieces
from perflab.models.record import accesses
from perflab.models.traced import UntraceableError

__all__ = [
    "L1",
    "TEACHING",
    "Hierarchy",
    "Level",
    "LevelCounts",
    "Report",
    "Share",
    "Simulation",
    "Tlb",
    "Totals",
    "UntraceableError",
    "replay",
    "simulate",
]


def simulate(fn: Callable[..., Any], args: tuple[Any, ...], hierarchy: Hierarchy = TEACHING) -> Report:
    """Count what ``fn(*args)`` does to caches that are empty at first.

    The function runs for real, and as it is: arrays among the arguments end up as a true call leaves them.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one. Functions that it calls are watched too. Loops over elements run
        compiled; whatever else NumPy can do runs as plain Python, a hundred times slower.
    args : tuple
        Its arguments.
    hierarchy : Hierarchy

    Returns
    -------
    Report

    Raises
    ------
    UntraceableError
        If the function fails, or cannot be watched; the text names the line and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> def total(x):
    ...     acc = 0.0
    ...     for i in range(x.size):
    ...         acc += x[i]
    ...     return acc
    >>> simulate(total, (np.ones(1000),), L1)["L1"].misses
    125
    """
    if not isinstance(hierarchy, Hierarchy):
        raise TypeError(f"hierarchy: {type(hierarchy).__name__} given; make a Hierarchy of Levels")
    tally = Tally(Simulation(hierarchy))
    recording = accesses(fn, args, tally)
    return tally.report(recording.result, recording.sites, recording.regions, recording.compiled)


def replay(trace: Any, hierarchy: Hierarchy = TEACHING, *, size: int = 8) -> Totals:
    """Count what a trace does to caches that are empty at first.

    Parameters
    ----------
    trace : ndarray of int64, tuple, or iterable of these
        Addresses in bytes, all of them read; with an array of bool beside, those where it is true are written. An
        iterable gives a long trace piece by piece, so that it need not be in memory.
    hierarchy : Hierarchy
    size : int
        Bytes of each access.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong type or shape, or an address is negative.

    Examples
    --------
    >>> import numpy as np
    >>> replay(np.arange(0, 8000, 8), L1)["L1"].load_misses
    125
    """
    if not isinstance(hierarchy, Hierarchy):
        raise TypeError(f"hierarchy: {type(hierarchy).__name__} given; make a Hierarchy of Levels")
    simulation = Simulation(hierarchy)
    for addresses, codes in pieces(trace, size):
        simulation.feed(addresses, codes)
    return totals_of(simulation)
