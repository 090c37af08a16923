"""How long threads may run, a flag that is read for next to nothing; and how long they did."""

import time

import numpy as np
from numba import njit, types

from perflab import atomics, hints


class Placeholder:
    """Stands among the arguments of a kernel for the clock of its run."""

    def __repr__(self) -> str:
        return "threads.CLOCK"


CLOCK = Placeholder()
LINE = 8  # int64 in a cache line


def new_clock() -> np.ndarray:
    """Return a clock that has not run out."""
    clock = hints.empty(LINE, np.int64)
    clock[:] = 0
    return clock


@njit(nogil=True)
def go_on(clock):
    """Return whether there is time left.

    Parameters
    ----------
    clock : array of int64
        What a kernel gets in the place of `CLOCK`.
    """
    # Not relaxed: else the compiler may keep what a kernel counts in a register from one turn to the next.
    return atomics.load(clock, 0, "acquire") == 0


_clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.intp))
WALL, CPU = time.CLOCK_MONOTONIC, time.CLOCK_THREAD_CPUTIME_ID


def new_times(threads: int) -> np.ndarray:
    """Return room for times: of each thread, start and end; wall and CPU clock; seconds and nanoseconds."""
    return np.zeros((threads, 2, 2, 2), np.int64)


@njit(nogil=True)
def note_time(times):
    """Write what the wall clock and this thread's CPU clock say.

    Parameters
    ----------
    times : array of int64, shape (2, 2)
        Two ``struct timespec``.
    """
    _clock_gettime(WALL, times[0].ctypes.data)
    _clock_gettime(CPU, times[1].ctypes.data)


def nanoseconds(times: np.ndarray) -> np.ndarray:
    """Return times, shape (..., 2) of seconds and nanoseconds, in nanoseconds, shape (...)."""
    return times[..., 0] * 1_000_000_000 + times[..., 1]
