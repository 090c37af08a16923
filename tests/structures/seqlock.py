"""A seqlock: readers never write, and read again if a writer came between."""

import numpy as np
from numba import njit
from trial import Program, Structure

from perflab import atomics, hints


@njit(nogil=True, cache=True)
def write(sequence, data, value):
    before = atomics.load(sequence, 0, "relaxed")
    atomics.store(sequence, 0, before + 1, "relaxed")
    atomics.fence("release")
    for i in range(data.size):
        atomics.store(data, i, value * (i + 1), "relaxed")
    atomics.store(sequence, 0, before + 2, "release")


@njit(nogil=True, cache=True)
def read(sequence, data, copy, looks):
    while True:
        before = atomics.load(sequence, 0, "acquire")
        if looks and before & 1:
            hints.pause()
            continue
        for i in range(data.size):
            copy[i] = atomics.load(data, i, "relaxed")
        atomics.fence("acquire")
        if not looks or atomics.load(sequence, 0, "relaxed") == before:
            return
        hints.pause()


@njit(nogil=True, cache=True)
def write_all(sequence, data, count):
    for value in range(1, count + 1):
        write(sequence, data, value)


@njit(nogil=True, cache=True)
def read_all(sequence, data, count, looks):
    """Return how many of the copies are of no single writing."""
    copy = np.empty(data.size, np.int64)
    torn = 0
    for _ in range(count):
        read(sequence, data, copy, looks)
        for i in range(data.size):
            if copy[i] != copy[0] * (i + 1):
                torn += 1
                break
    return torn


def program(writes, reads, size, broken):
    sequence, data = np.zeros(1, np.int64), np.zeros(size, np.int64)

    def check(_, torn):
        assert torn == 0, "a copy mixes two writings"

    calls = [(write_all, (sequence, data, writes)), (read_all, (sequence, data, reads, not broken))]
    return Program(calls, check)


STRUCTURE = Structure(
    "Seqlock",
    "does not look at the sequence number",
    lambda broken: program(2, 2, 2, broken),
    lambda broken: program(8_000_000, 4_000_000, 8, broken),
)
