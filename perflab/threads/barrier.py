"""A place where threads wait for each other, inside of compiled code."""

import numpy as np
from numba import njit

from perflab import atomics, hints

APART = 8  # int64 from one cache line to the next
ARRIVED, THREADS = 0, APART


def barrier(threads: int) -> np.ndarray:
    """Return a barrier for so many threads: an array of int64 to pass to each of them.

    Raises
    ------
    ValueError
        If there is not at least one.
    """
    if threads < 1:
        raise ValueError(f"threads: at least one, got {threads!r}")
    new = hints.empty(2 * APART, np.int64)
    new[:] = 0
    new[THREADS] = threads
    return new


@njit(nogil=True)
def arrive(barrier):
    """Wait until all threads of a barrier have called this as often as this one.

    What each wrote before it came is seen by all when they go on.

    Parameters
    ----------
    barrier : array of int64
        As `barrier` returns it.
    """
    threads = atomics.load(barrier, THREADS, "relaxed")
    ticket = atomics.fetch_add(barrier, ARRIVED, 1, "acq_rel")
    goal = (ticket // threads + 1) * threads
    turns = 0
    while atomics.load(barrier, ARRIVED, "acquire") < goal:
        turns = hints.back_off(turns)
