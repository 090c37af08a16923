"""A deque for work stealing (Chase and Lev 2005, with the fences of Le and others 2013), of fixed size."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints

TOP, BOTTOM, DONE = 0, LINE, 2 * LINE
EMPTY, LOST = 0, -1


@njit(nogil=True, cache=True)
def push(ends, ring, item):
    bottom = atomics.load(ends, BOTTOM, "relaxed")
    top = atomics.load(ends, TOP, "acquire")
    if bottom - top >= ring.size:
        return False
    atomics.store(ring, bottom & (ring.size - 1), item, "relaxed")
    atomics.store(ends, BOTTOM, bottom + 1, "release")
    return True


@njit(nogil=True, cache=True)
def take(ends, ring, fenced):
    bottom = atomics.load(ends, BOTTOM, "relaxed") - 1
    atomics.store(ends, BOTTOM, bottom, "relaxed")
    if fenced:
        atomics.fence("seq_cst")
    top = atomics.load(ends, TOP, "relaxed")
    if top > bottom:
        atomics.store(ends, BOTTOM, bottom + 1, "relaxed")
        return EMPTY
    item = atomics.load(ring, bottom & (ring.size - 1), "relaxed")
    if top == bottom:
        if not atomics.compare_exchange(ends, TOP, top, top + 1):
            item = EMPTY
        atomics.store(ends, BOTTOM, bottom + 1, "relaxed")
    return item


@njit(nogil=True, cache=True)
def steal(ends, ring):
    top = atomics.load(ends, TOP, "acquire")
    atomics.fence("seq_cst")
    bottom = atomics.load(ends, BOTTOM, "acquire")
    if top >= bottom:
        return EMPTY
    item = atomics.load(ring, top & (ring.size - 1), "relaxed")
    if not atomics.compare_exchange(ends, TOP, top, top + 1):
        return LOST
    return item


@njit(nogil=True, cache=True)
def own(ends, ring, items, got, fenced):
    """Push all items, two at a time, and take what is left of each two."""
    count = 0
    for i in range(0, items.size, 2):
        push(ends, ring, items[i])
        push(ends, ring, items[i + 1])
        for _ in range(2):
            item = take(ends, ring, fenced)
            if item != EMPTY:
                got[count] = item
                count += 1
    atomics.store(ends, DONE, 1)
    return count


@njit(nogil=True, cache=True)
def rob(ends, ring, got):
    """Steal until the owner is done."""
    count = 0
    while atomics.load(ends, DONE) == 0:
        item = steal(ends, ring)
        if item > EMPTY:
            got[count] = item
            count += 1
        else:
            hints.pause()
    return count


@njit(nogil=True, cache=True)
def rob_twice(ends, ring, got):
    count = 0
    for _ in range(2):
        item = steal(ends, ring)
        if item > EMPTY:
            got[count] = item
            count += 1
    return count


def program(thieves, thief, count, fenced):
    ends, ring = np.zeros(3 * LINE, np.int64), np.zeros(4, np.int64)
    items = np.random.default_rng().permutation(count) + 1
    got = [np.zeros(count + 2, np.int64) for _ in range(thieves + 1)]
    calls = [(own, (ends, ring, items, got[0], fenced)), *((thief, (ends, ring, mine)) for mine in got[1:])]

    def check(*counts):
        taken = np.concatenate([mine[:n] for mine, n in zip(got, counts, strict=True)])
        assert sorted(taken) == list(range(1, count + 1)), "items were taken twice, or lost"

    return Program(calls, check)


STRUCTURE = Structure(
    "Chase-Lev deque",
    "takes without a fence",
    lambda broken: program(1, rob_twice, 2, not broken),
    lambda broken: program(1, rob, 1_000_000, not broken),
    needs_buffers=True,
)
