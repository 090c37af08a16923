"""Treiber's stack whose nodes are used again only when no hazard pointer names them (Michael 2004)."""

import numpy as np
from numba import njit
from treiber import stack_of, walk
from trial import LINE, Program, Structure

from perflab import atomics, hints


@njit(nogil=True, cache=True)
def push(head, below, node):
    while True:
        top = atomics.load(head, 0, "acquire")
        atomics.store(below, node, top, "relaxed")
        if atomics.compare_exchange(head, 0, top, node):
            return
        hints.pause()


@njit(nogil=True, cache=True)
def pop(head, below, hazards, me, fenced):
    while True:
        top = atomics.load(head, 0, "acquire")
        if top == 0:
            atomics.store(hazards, me * LINE, 0, "release")  # it may name a node of a try before
            return 0
        if fenced:
            atomics.store(hazards, me * LINE, top)
        else:
            atomics.store(hazards, me * LINE, top, "relaxed")
        # Only if it is still on the stack now is everybody warned in time.
        if atomics.load(head, 0) != top:
            continue
        after = atomics.load(below, top, "relaxed")
        done = atomics.compare_exchange(head, 0, top, after)
        atomics.store(hazards, me * LINE, 0, "release")
        if done:
            return top
        hints.pause()


@njit(nogil=True, cache=True)
def named(hazards, node):
    found = False
    for thread in range(hazards.size // LINE):
        found |= atomics.load(hazards, thread * LINE) == node
    return found


@njit(nogil=True, cache=True)
def work(head, below, hazards, me, rounds, fenced):
    """Take two nodes, and give each back as soon as no other thread may be looking at it."""
    for _ in range(rounds):
        first = pop(head, below, hazards, me, fenced)
        second = pop(head, below, hazards, me, fenced)
        for node in (first, second):
            if node != 0:
                turns = 0
                while named(hazards, node):
                    turns = hints.back_off(turns)
                push(head, below, node)


def program(nodes, threads, rounds, broken):
    head, below = stack_of(nodes)
    hazards = np.zeros(threads * LINE, np.int64)
    calls = [(work, (head, below, hazards, me, rounds, not broken)) for me in range(threads)]

    def check(*_):
        assert sorted(walk(head[0], below)) == list(range(1, nodes + 1)), "nodes were lost, or are there twice"

    return Program(calls, check)


STRUCTURE = Structure(
    "Hazard pointers",
    "publishes the hazard without a fence",
    lambda broken: program(2, 2, 1, broken),
    lambda broken: program(3, 2, 300_000, broken),
    shows=False,
    needs_buffers=True,
)
