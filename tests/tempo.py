"""How fast this machine is now, told by a piece of work that is always the same.

A test must not know the speed of the machine that it runs on, nor whether that is busy. So what it has to bound
counts in seconds of a typical machine. The bound stands only where the margin is a factor: what fails here is a
hundred times slower than it should be, or never ends.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from math import ceil
from statistics import median

import numpy as np
from numba import njit

# CPU seconds of the piece on the typical machine: Xeon (Sapphire Rapids) at 2.7 GHz, with nothing else to do.
TYPICAL = 0.16
PIECES = 3
NET = 300.0  # seconds until who waits for what is sure to come gives up: below pytest's own limit
FRESH = 20.0  # seconds until a measurement is made again


def _kept(a: np.ndarray, order: np.ndarray, out: np.ndarray) -> float:
    """Have branches, gather, and write: what the exercises do."""
    kept = 0
    for i in range(order.size):
        at = order[i]
        if a[at] > 0.5:
            out[kept] = a[at] * a[at]
            kept += 1
        elif a[at] < 0.1:
            out[kept] -= a[at]
    return out[:kept].sum()


def piece() -> tuple[float, float]:
    """Compile a fixed function and run it; return the CPU seconds and the wall seconds that took."""
    _start_the_compiler()
    wall, cpu = time.perf_counter(), time.thread_time()
    compiled = njit(_kept)  # anew, whatever was compiled before
    rng = np.random.default_rng(1)
    a = rng.random(1 << 18)
    order, out = rng.permutation(a.size), np.zeros_like(a)
    for _ in range(20):
        compiled(a, order, out)
    return time.thread_time() - cpu, time.perf_counter() - wall


@cache
def _start_the_compiler() -> None:
    """Leave out what a process pays once."""
    njit(_kept)(np.zeros(1), np.zeros(1, np.int64), np.zeros(1))


_known: dict[str, tuple[float, float, float]] = {}


def _pieces(load: str) -> tuple[float, float]:
    """Return how many times the typical seconds the piece takes now: CPU seconds, and wall seconds at worst."""
    when, *found = _known.get(load, (-FRESH, 0.0, 0.0))
    if time.monotonic() - when > FRESH:
        cpu, wall = zip(*(piece() for _ in range(PIECES)), strict=True)
        found = [median(cpu) / TYPICAL, max(wall) / TYPICAL]
        _known[load] = (time.monotonic(), *found)
    return tuple(found)


def slowness(load: str = "") -> float:
    """Return how many CPU seconds this machine needs now for one of the typical machine.

    Parameters
    ----------
    load : str
        What else runs meanwhile, as a name: each has a measurement of its own.
    """
    return _pieces(load)[0]


def patience(seconds: float) -> float:
    """Return how long to wait for what takes `seconds` on the typical machine: at least as long, longer here."""
    return seconds * max(1.0, ceil(10 * _pieces("")[1]) / 10)  # such numbers stand in messages


@contextmanager
def within(seconds: float, limit: float = 0.0) -> Iterator[None]:
    """Fail where a block lasts longer than `seconds` on a typical machine; on this one it may take longer.

    Where the block waits for a limit that `patience` has made, that comes on top: the machine may be slower when a
    limit is made than when it is over.
    """
    start = time.monotonic()
    yield
    lasted = time.monotonic() - start - limit
    # The piece is run only where it is needed, and then under what made the block slow.
    assert lasted <= seconds or lasted <= patience(seconds), f"{lasted:.1f} s, and {seconds:g} s were expected"
