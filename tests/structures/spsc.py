"""A queue for one producer and one consumer (Lamport 1977), each with a copy of the other's index."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints

HEAD, TAIL = 0, LINE


@njit(nogil=True, cache=True)
def produce(ends, ring, items, early):
    head = 0
    for tail in range(items.size):
        turns = 0
        while tail - head == ring.size:
            head = atomics.load(ends, HEAD, "acquire")
            turns = hints.back_off(turns)
        if early:
            atomics.store(ends, TAIL, tail + 1, "release")
        ring[tail & (ring.size - 1)] = items[tail]
        if not early:
            atomics.store(ends, TAIL, tail + 1, "release")


@njit(nogil=True, cache=True)
def consume(ends, ring, got):
    tail = 0
    for head in range(got.size):
        turns = 0
        while tail == head:
            tail = atomics.load(ends, TAIL, "acquire")
            turns = hints.back_off(turns)
        got[head] = ring[head & (ring.size - 1)]
        atomics.store(ends, HEAD, head + 1, "release")


def program(count, size, early):
    ends, ring = np.zeros(2 * LINE, np.int64), np.zeros(size, np.int64)
    items = np.random.default_rng().integers(1, 2**62, count)
    got = np.zeros_like(items)

    def check(*_):
        assert (got == items).all(), "other items came out than went in"

    return Program([(produce, (ends, ring, items, early)), (consume, (ends, ring, got))], check)


STRUCTURE = Structure(
    "SPSC queue",
    "announces an item before it is written",
    lambda broken: program(4, 2, broken),
    lambda broken: program(1_000_000, 64, broken),
)
