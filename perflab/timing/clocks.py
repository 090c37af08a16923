"""The clocks, and one timed call."""

import gc
import time
from collections.abc import Callable
from typing import Any, Literal

Clock = Literal["cpu", "wall"]

CLOCKS: dict[str, Callable[[], int]] = {"cpu": time.process_time_ns, "wall": time.perf_counter_ns}


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
