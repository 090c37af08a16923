"""Bytes of Python and NumPy by tracemalloc, allocations of compiled code by Numba's runtime, and collections."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python, rtsys

from perflab.counters.gauge import Block

FRAMES = 1  # of each allocation that tracemalloc keeps: the fewest, since only sums are wanted


@contextmanager
def python_bytes() -> Iterator[Block]:
    """Prepare to count the bytes that Python and NumPy hold at the peak of a block, and those that stay.

    Both are exact to about a hundred bytes. Another tracemalloc that runs already goes on; its peak is reset.
    """
    running = tracemalloc.is_tracing()
    if not running:
        tracemalloc.start(FRAMES)
    try:
        with _bytes({}) as idle:
            pass
        yield _bytes(idle)
    finally:
        if not running:
            tracemalloc.stop()


@contextmanager
def _bytes(idle: dict[str, int]) -> Iterator[dict[str, int]]:
    """Count the bytes of a block, less those of an idle one: the count's own numbers take some."""
    counts: dict[str, int] = {"peak_bytes": 0, "kept_bytes": 0}  # made before the mark
    tracemalloc.reset_peak()
    at_entry, _ = tracemalloc.get_traced_memory()
    try:
        yield counts
    finally:
        held, peak = tracemalloc.get_traced_memory()
        counts["peak_bytes"] = max(peak - at_entry - idle.get("peak_bytes", 0), 0)
        counts["kept_bytes"] = held - at_entry - idle.get("kept_bytes", 0)


@contextmanager
def numba_allocations() -> Iterator[Block]:
    """Prepare to count the allocations of compiled code, one for each array that it makes."""
    rtsys.initialize(cpu_target.target_context)
    running = _nrt_python.memsys_stats_enabled()
    _nrt_python.memsys_enable_stats()
    try:
        yield _allocations()
    finally:
        if not running:
            _nrt_python.memsys_disable_stats()


@contextmanager
def _allocations() -> Iterator[dict[str, int]]:
    counts: dict[str, int] = {}
    before = rtsys.get_allocation_stats()
    try:
        yield counts
    finally:
        after = rtsys.get_allocation_stats()
        counts["allocations"] = after.alloc - before.alloc
        counts["frees"] = after.free - before.free


@contextmanager
def collections() -> Iterator[Block]:
    """Prepare to count the runs of the garbage collector, of all generations."""
    yield _runs()


@contextmanager
def _runs() -> Iterator[dict[str, int]]:
    counts: dict[str, int] = {}
    before = _collected()
    try:
        yield counts
    finally:
        counts["collections"] = _collected() - before


def _collected() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())
