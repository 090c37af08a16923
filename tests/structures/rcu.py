"""Read-copy-update: readers never wait; a writer uses a version again after a grace period."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints


@njit(nogil=True, cache=True)
def synchronize(epochs):
    """Wait until every reader that is in its critical section now has left it once."""
    for reader in range(epochs.size // LINE):
        seen = atomics.load(epochs, reader * LINE)
        turns = 0
        while seen & 1 and atomics.load(epochs, reader * LINE) == seen:
            turns = hints.back_off(turns)


@njit(nogil=True, cache=True)
def write_all(current, versions, epochs, count, waits):
    for value in range(1, count + 1):
        version = value % versions.shape[0]
        for i in range(versions.shape[1]):
            versions[version, i] = value * (i + 1)
        atomics.store(current, 0, version)
        if waits:
            synchronize(epochs)


@njit(nogil=True, cache=True)
def read_all(current, versions, epochs, me, count):
    """Return how often a version changed while it was read."""
    torn = 0
    for _ in range(count):
        atomics.fetch_add(epochs, me * LINE, 1)
        version = atomics.load(current, 0, "acquire")
        value = versions[version, 0]
        for i in range(1, versions.shape[1]):
            if versions[version, i] != value * (i + 1):
                torn += 1
                break
        atomics.store(epochs, me * LINE, atomics.load(epochs, me * LINE, "relaxed") + 1, "release")
    return torn


def program(writes, reads, size, broken):
    current, versions = np.zeros(1, np.int64), np.zeros((2, size), np.int64)
    epochs = np.zeros(LINE, np.int64)

    def check(_, torn):
        assert torn == 0, "a reader saw its version change"

    calls = [
        (write_all, (current, versions, epochs, writes, not broken)),
        (read_all, (current, versions, epochs, 0, reads)),
    ]
    return Program(calls, check)


STRUCTURE = Structure(
    "RCU",
    "does not wait for the grace period",
    lambda broken: program(2, 2, 2, broken),
    lambda broken: program(500_000, 1_000_000, 8, broken),
)
