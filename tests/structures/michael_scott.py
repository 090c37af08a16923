"""An unbounded queue (Michael and Scott 1996); nodes are not used again, so nothing needs a tag."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints

HEAD, TAIL, DONE = 0, LINE, 2 * LINE


@njit(nogil=True, cache=True)
def put(ends, following, item, node, value, blindly):
    item[node] = value
    while True:
        last = atomics.load(ends, TAIL, "acquire")
        after = atomics.load(following, last, "acquire")
        if after != 0:
            atomics.compare_exchange(ends, TAIL, last, after)  # help whoever has not come so far
            continue
        if blindly:
            atomics.store(following, last, node, "release")
        elif not atomics.compare_exchange(following, last, 0, node):
            continue
        atomics.compare_exchange(ends, TAIL, last, node)
        return


@njit(nogil=True, cache=True)
def take(ends, following, item):
    while True:
        first = atomics.load(ends, HEAD, "acquire")
        last = atomics.load(ends, TAIL, "acquire")
        after = atomics.load(following, first, "acquire")
        if after == 0:
            return 0
        if first == last:
            atomics.compare_exchange(ends, TAIL, last, after)
            continue
        value = item[after]
        if atomics.compare_exchange(ends, HEAD, first, after):
            return value


@njit(nogil=True, cache=True)
def produce(ends, following, item, first, values, blindly):
    for i in range(values.size):
        put(ends, following, item, first + i, values[i], blindly)
    atomics.fetch_add(ends, DONE, 1)


@njit(nogil=True, cache=True)
def consume(ends, following, item, got, producers):
    count, turns = 0, 0
    while True:
        over = atomics.load(ends, DONE) == producers
        value = take(ends, following, item)
        if value != 0:
            got[count] = value
            count += 1
        elif over:
            return count
        else:
            turns = hints.back_off(turns)


@njit(nogil=True, cache=True)
def put_and_take(ends, following, item, node, value, blindly):
    put(ends, following, item, node, value, blindly)
    return take(ends, following, item)


class Queue:
    def __init__(self):
        self.items = []

    def put(self, _, value, __):
        self.items.append(value)

    def take(self):
        return self.items.pop(0) if self.items else 0


def empty(nodes):
    """Return an empty queue with room for so many nodes: node 1 is before the first."""
    ends = np.zeros(3 * LINE, np.int64)
    ends[[HEAD, TAIL]] = 1
    return ends, np.zeros(nodes + 2, np.int64), np.zeros(nodes + 2, np.int64)


def histories(broken):
    queue = empty(2)
    calls = [(put_and_take, (*queue, 2 + i, 11 * (i + 1), broken)) for i in range(2)]
    return Program(calls, lambda *_: None, Queue)


def program(producers, count, broken):
    queue = empty(producers * count)
    secret = np.random.default_rng().integers(1, 2**20) << 40
    values = [(np.arange(count) << 8) + secret + p for p in range(producers)]
    got = np.zeros(producers * count, np.int64)
    calls = [(produce, (*queue, 2 + p * count, values[p], broken)) for p in range(producers)]

    def check(*results):
        taken = got[: results[-1]]
        assert sorted(taken) == sorted(np.concatenate(values)), "other items came out than went in"
        for p in range(producers):
            assert (np.diff(taken[taken & 0xFF == p]) > 0).all(), "a producer's items came out in another order"

    return Program([*calls, (consume, (*queue, got, producers))], check)


STRUCTURE = Structure(
    "Michael-Scott queue",
    "links a node without looking whether another one is there",
    histories,
    lambda broken: program(2, 250_000, broken),
)
