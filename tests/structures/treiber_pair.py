"""Treiber's stack with head and tag in two integers, exchanged as one: 128 bits."""

import numpy as np
from numba import njit
from treiber import stack_of, walk
from trial import Program, Structure

from perflab import atomics, hints

NODE, TAG = 0, 1


@njit(nogil=True, cache=True)
def push(head, below, node, step):
    while True:
        tag = atomics.load(head, TAG, "acquire")
        top = atomics.load(head, NODE, "acquire")
        atomics.store(below, node, top, "relaxed")
        if atomics.compare_exchange_pair(head, 0, top, tag, node, tag + step):
            return
        hints.pause()


@njit(nogil=True, cache=True)
def pop(head, below, step):
    while True:
        tag = atomics.load(head, TAG, "acquire")
        top = atomics.load(head, NODE, "acquire")
        if top == 0:
            return 0
        after = atomics.load(below, top, "relaxed")
        if atomics.compare_exchange_pair(head, 0, top, tag, after, tag + step):
            return top
        hints.pause()


@njit(nogil=True, cache=True)
def work(head, below, held, rounds, step):
    """Take two nodes and give them back, again and again; count those that somebody else held at the same time."""
    twice = 0
    for _ in range(rounds):
        first = pop(head, below, step)
        second = pop(head, below, step)
        for node in (first, second):
            if node != 0:
                twice += atomics.exchange(held, node, 1)
        for node in (first, second):
            if node != 0:
                atomics.store(held, node, 0, "release")
                push(head, below, node, step)
    return twice


def program(nodes, threads, rounds, broken):
    start, below = stack_of(nodes)
    head = hints.empty(2, np.int64)
    head[NODE], head[TAG] = start[0], 0
    held = np.zeros(nodes + 1, np.int64)
    calls = [(work, (head, below, held, rounds, int(not broken)))] * threads

    def check(*twice):
        assert sum(twice) == 0, "a node was held by two"
        assert sorted(walk(head[NODE], below)) == list(range(1, nodes + 1)), "nodes were lost"

    return Program(calls, check)


STRUCTURE = Structure(
    "Treiber stack, 128 bits",
    "does not count the tag: ABA",
    lambda broken: program(2, 2, 1, broken),
    lambda broken: program(3, 2, 300_000, broken),
)
