"""MESI: what each access of several threads does to the copies of its line, one access after the other."""

import numpy as np
from numba import njit

INVALID, SHARED, EXCLUSIVE, MODIFIED = range(4)
STATES = ("invalid", "shared", "exclusive", "modified")
HIT, COLD, TRUE, FALSE = range(4)  # outcomes
MOST_THREADS = 16


@njit
def run(threads, lines, masks, writes, states, stale, missed, outcomes, killed, transitions):
    """Make accesses one after the other.

    Parameters
    ----------
    threads, lines : ndarray of int64
        Who, and which line: a row of the next three arrays.
    masks : ndarray of uint64
        A bit for each part of the line that is touched.
    writes : ndarray of bool
    states : ndarray of uint8, shape (lines, threads)
    stale : ndarray of uint64, shape (lines, threads)
        Parts of a line that others have written between its loss and its return.
    missed : ndarray of int64, shape (lines, threads)
        Which access brought the line last, or -1 if none did.
    outcomes, killed : ndarray of uint8
        Written: what the access was, and how many copies it invalidated.
    transitions : ndarray of int64, shape (4, 4)
        Counted: changes of a copy's state, from row to column. A hit that changes nothing counts on the diagonal.
    """
    everybody = states.shape[1]
    for i in range(threads.size):
        me, line, write = threads[i], lines[i], writes[i]
        state = states[line, me]
        if state != INVALID:
            outcomes[i] = HIT
        else:
            outcomes[i] = FALSE
            if missed[line, me] < 0:
                outcomes[i] = COLD
                stale[line, me] = 0
            missed[line, me] = i
        # It takes until now to know that the line had to come.
        if masks[i] & stale[line, me]:
            outcomes[missed[line, me]] = TRUE
        killed[i] = 0
        after = state
        if write:
            after = MODIFIED
        elif state == INVALID:
            after = EXCLUSIVE
        for other in range(everybody):
            theirs = states[line, other]
            if other == me:
                continue
            if write:
                if theirs != INVALID:
                    killed[i] += 1
                    transitions[theirs, INVALID] += 1
                    states[line, other] = INVALID
                    stale[line, other] = 0
                stale[line, other] |= masks[i]
            elif state == INVALID and theirs != INVALID:
                after = SHARED
                if theirs != SHARED:
                    transitions[theirs, SHARED] += 1
                    states[line, other] = SHARED
        transitions[state, after] += 1
        states[line, me] = after


def new_states(lines: int, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `states`, `stale` and `missed` of caches that are empty."""
    shape = lines, threads
    return np.zeros(shape, np.uint8), np.zeros(shape, np.uint64), np.full(shape, -1)
