"""The clocks, and one timed call."""

import contextlib
import gc
import os
import resource
import time
from collections.abc import Callable
from typing import Any, Literal

Clock = Literal["cpu", "wall"]
THREAD = 6  # the CPU-time clock of a thread, in Linux's numbers for the clocks of others


def cpu_ns() -> int:
    """Return the CPU time of this process so far, all its threads together.

    Where CPU time is limited (``ulimit -t``, a sandbox), Linux keeps the clock of a process to the tick, some
    milliseconds. The clocks of its threads stay exact, so there theirs are added up; a thread that ended in
    between is missing then.
    """
    if resource.getrlimit(resource.RLIMIT_CPU)[0] != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError):
            return sum(time.clock_gettime_ns(~int(tid) << 3 | THREAD) for tid in os.listdir("/proc/self/task"))
    return time.process_time_ns()


CLOCKS: dict[str, Callable[[], int]] = {"cpu": cpu_ns, "wall": time.perf_counter_ns}


def seconds_of(call: Callable[[], Any], clock: Clock = "cpu") -> tuple[float, Any]:
    """Time one call, with the garbage collector quiet.

    Parameters
    ----------
    call : callable
        Called without arguments.
    clock : {"cpu", "wall"}
        "cpu" is the CPU time of the whole process, all its threads: waiting and other programs cost nothing,
        hidden threads do. "wall" is for I/O and for threads.

    Returns
    -------
    seconds : float
    result : object
        What the call returned.

    Raises
    ------
    ValueError
        If there is no such clock.
    """
    if clock not in tuple(CLOCKS):
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    now = CLOCKS[clock]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        start = now()
        result = call()
        stop = now()
    finally:
        if was_enabled:
            gc.enable()
    # A clock that did not tick must not divide by zero: its resolution is at most a nanosecond here.
    return max(stop - start, 1) * 1e-9, result
