"""Simulate how cores keep copies of a line in step: MESI, invalidations, false against true sharing.

Each thread has a cache of its own that is never full, so that what is counted is the traffic between threads and
nothing else. The order in which accesses happen is given, never measured: a count is the same on every run.

A write needs the line for itself and invalidates all other copies. A thread that comes back to a line it has lost
misses. That miss is *true* sharing if the thread, before it loses the line again, touches bytes that another one
wrote in the meantime; else it is *false* sharing: it needed nothing of what was written, the bytes merely lie on
one line (Dubois and others, 1993).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from perflab.models.coherence.protocol import new_states, run
from perflab.models.coherence.report import Report, make_report
from perflab.models.coherence.traces import ROUND_ROBIN, ThreadTrace, checked, recorded, turns
from perflab.models.places import Region

__all__ = ["Report", "ThreadTrace", "replay", "simulate"]

PARTS = 64  # of a line that are told apart; for lines of up to 64 bytes these are bytes


def simulate(
    fn: Callable[..., Any],
    args: Sequence[tuple[Any, ...]],
    *,
    order: str | np.ndarray = ROUND_ROBIN,
    line: int = 64,
) -> Report:
    """Count what the calls ``fn(*args[0])``, ``fn(*args[1])``, ... on threads of their own do to each other.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one, that waits for nobody: the calls are recorded one after the other.
    args : sequence of tuple
        Arguments of each thread: the same arrays in the same order, and whatever else tells the threads apart.
    order : "round-robin" or ndarray of int
        Each thread makes one access in turn; or the number of the thread that makes each access.
    line : int
        Bytes of a line, a power of two.

    Returns
    -------
    Report

    Raises
    ------
    UntraceableError
        If the function cannot be recorded.
    ValueError, TypeError
        Naming the argument that is wrong.

    Examples
    --------
    >>> def count(counters, mine, times):
    ...     for _ in range(times):
    ...         counters[mine] += 1
    >>> counters = np.zeros(2, np.int64)
    >>> report = simulate(count, [(counters, 0, 1000), (counters, 1, 1000)])
    >>> report.false_misses > 1900, report.true_misses
    (True, 0)
    """
    traces, regions, results = recorded(fn, args)
    return replace(_replayed(traces, order, line, regions), results=results)


def replay(
    traces: Sequence[ThreadTrace],
    *,
    order: str | np.ndarray = ROUND_ROBIN,
    line: int = 64,
    regions: tuple[Region, ...] = (),
) -> Report:
    """Count what given traces do to each other; see `simulate`.

    Parameters
    ----------
    traces : sequence of ThreadTrace
        2 to 16.
    order, line
        As for `simulate`.
    regions : tuple of Region
        Arrays, so that the report can name what lies at an address.
    """
    return _replayed(traces, order, line, regions)


def _replayed(
    traces: Sequence[ThreadTrace], order: str | np.ndarray, line: int, regions: tuple[Region, ...]
) -> Report:
    if not isinstance(line, int) or line < 1 or line & (line - 1):
        raise ValueError(f"line: {line!r} is no power of two; take 64 bytes")
    traces = checked(traces)
    threads = turns([trace.addresses.size for trace in traces], order)
    place = np.argsort(np.argsort(threads, kind="stable"), kind="stable")
    addresses, writes, sizes = (
        np.concatenate([getattr(trace, name) for trace in traces])[place]
        for name in ("addresses", "writes", "sizes")
    )
    # An access over several lines is one to each.
    first, last = addresses // line, (addresses + sizes - 1) // line
    parts = last - first + 1
    which = np.repeat(np.arange(threads.size), parts)
    numbers = first[which] + np.arange(which.size) - np.repeat(np.cumsum(parts) - parts, parts)
    low = np.maximum(addresses[which], numbers * line)
    high = np.minimum((addresses + sizes)[which], (numbers + 1) * line) - 1
    grain = max(line // PARTS, 1)
    masks = _bits((low % line) // grain, (high % line) // grain)
    lines, rows = np.unique(numbers, return_inverse=True)
    outcomes, killed = np.zeros(which.size, np.uint8), np.zeros(which.size, np.uint8)
    transitions = np.zeros((4, 4), np.int64)
    run(
        threads[which],
        rows,
        masks,
        writes[which],
        *new_states(lines.size, len(traces)),
        outcomes,
        killed,
        transitions,
    )
    return make_report(len(traces), line, lines, rows, threads[which], low, outcomes, killed, transitions, regions)


def _bits(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return masks with the bits from low to high, both included."""
    one, all_ones = np.uint64(1), np.uint64(2**64 - 1)
    above = all_ones >> (np.uint64(63) - high.astype(np.uint64))
    return above & ~((one << low.astype(np.uint64)) - one)
