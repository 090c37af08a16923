"""A bounded queue for many producers and consumers (Vyukov): each place has a turn number."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints

PUT, TAKE, DONE = 0, LINE, 2 * LINE


@njit(nogil=True, cache=True)
def put(ends, turn, ring, item, early):
    at = atomics.load(ends, PUT, "relaxed")
    while True:
        place = at & (ring.size - 1)
        ahead = atomics.load(turn, place, "acquire") - at
        if ahead == 0 and atomics.compare_exchange(ends, PUT, at, at + 1, "relaxed"):
            break
        if ahead < 0:
            return False
        at = atomics.load(ends, PUT, "relaxed")
    if early:
        atomics.store(turn, place, at + 1, "release")
    ring[place] = item
    if not early:
        atomics.store(turn, place, at + 1, "release")
    return True


@njit(nogil=True, cache=True)
def take(ends, turn, ring):
    at = atomics.load(ends, TAKE, "relaxed")
    while True:
        place = at & (ring.size - 1)
        ahead = atomics.load(turn, place, "acquire") - (at + 1)
        if ahead == 0 and atomics.compare_exchange(ends, TAKE, at, at + 1, "relaxed"):
            break
        if ahead < 0:
            return 0
        at = atomics.load(ends, TAKE, "relaxed")
    item = ring[place]
    atomics.store(turn, place, at + ring.size, "release")
    return item


@njit(nogil=True, cache=True)
def produce(ends, turn, ring, items, early):
    for i in range(items.size):
        turns = 0
        while not put(ends, turn, ring, items[i], early):
            turns = hints.back_off(turns)
    atomics.fetch_add(ends, DONE, 1)


@njit(nogil=True, cache=True)
def consume(ends, turn, ring, got, producers):
    count, turns = 0, 0
    while True:
        over = atomics.load(ends, DONE) == producers
        item = take(ends, turn, ring)
        if item != 0:
            got[count] = item
            count += 1
        elif over:
            return count
        else:
            turns = hints.back_off(turns)


def program(producers, consumers, count, size, early):
    ends, ring = np.zeros(3 * LINE, np.int64), np.zeros(size, np.int64)
    turn = np.arange(size)
    # The low bits say who produced an item, the next ones in which order.
    secret = np.random.default_rng().integers(1, 2**20) << 40
    items = [(np.arange(count) << 8) + secret + p for p in range(producers)]
    got = [np.zeros(producers * count, np.int64) for _ in range(consumers)]
    calls = [(produce, (ends, turn, ring, mine, early)) for mine in items]
    calls += [(consume, (ends, turn, ring, mine, producers)) for mine in got]

    def check(*results):
        taken = [mine[:n] for mine, n in zip(got, results[producers:], strict=True)]
        assert sorted(np.concatenate(taken)) == sorted(np.concatenate(items)), "other items came out than went in"
        for mine in taken:
            for p in range(producers):
                assert (np.diff(mine[mine & 0xFF == p]) > 0).all(), "a producer's items came out in another order"

    return Program(calls, check)


STRUCTURE = Structure(
    "MPMC queue",
    "announces an item before it is written",
    lambda broken: program(2, 1, 1, 2, broken),
    lambda broken: program(2, 2, 250_000, 64, broken),
)
