"""A lock for each shard of a table; who needs two takes them in the order of the shards."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints


@njit(nogil=True, cache=True)
def lock(locks, shard):
    turns = 0
    while atomics.load(locks, shard * LINE, "relaxed") != 0 or atomics.exchange(locks, shard * LINE, 1) != 0:
        turns = hints.back_off(turns)


@njit(nogil=True, cache=True)
def unlock(locks, shard):
    atomics.store(locks, shard * LINE, 0, "release")


@njit(nogil=True, cache=True)
def move(locks, accounts, source, target, amount, as_they_come):
    low, high = min(source, target), max(source, target)
    first, second = (source, target) if as_they_come else (low, high)
    lock(locks, first)
    lock(locks, second)
    accounts[source] -= amount
    accounts[target] += amount
    unlock(locks, second)
    unlock(locks, first)


@njit(nogil=True, cache=True)
def move_all(locks, accounts, me, count, as_they_come):
    shards = accounts.size
    for i in range(count):
        source = (i + me) % shards
        move(locks, accounts, source, (source + 1) % shards, i + 1 + me, as_they_come)


def program(shards, count, broken):
    locks, accounts = np.zeros(shards * LINE, np.int64), np.full(shards, 100)
    expected = accounts.copy()
    for me in range(2):
        for i in range(count):
            expected[(i + me) % shards] -= i + 1 + me
            expected[(i + me + 1) % shards] += i + 1 + me

    def check(*_):
        assert (accounts == expected).all(), "money was lost or made"

    return Program([(move_all, (locks, accounts, me, count, broken)) for me in range(2)], check)


STRUCTURE = Structure(
    "Sharded locks",
    "takes two locks in the order in which they are named: a deadlock",
    lambda broken: program(2, 2, broken),
    lambda broken: program(2, 500_000, broken),
)
