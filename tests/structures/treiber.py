"""A stack (Treiber 1986) whose head has a tag in the same integer, counted up with every change."""

import numpy as np
from numba import njit
from trial import Program, Structure

from perflab import atomics, hints


@njit(nogil=True, cache=True)
def push(head, below, node, step):
    while True:
        top = atomics.load(head, 0, "acquire")
        atomics.store(below, node, atomics.index_of(top), "relaxed")
        if atomics.compare_exchange(head, 0, top, atomics.pack(atomics.tag_of(top) + step, node)):
            return
        hints.pause()


@njit(nogil=True, cache=True)
def pop(head, below, step):
    while True:
        top = atomics.load(head, 0, "acquire")
        node = atomics.index_of(top)
        if node == 0:
            return 0
        after = atomics.load(below, node, "relaxed")
        if atomics.compare_exchange(head, 0, top, atomics.pack(atomics.tag_of(top) + step, after)):
            return node
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


@njit(nogil=True, cache=True)
def work_twice(head, below, step):
    """Do the same once, for the histories."""
    first = pop(head, below, step)
    second = pop(head, below, step)
    if first != 0:
        push(head, below, first, step)
    if second != 0:
        push(head, below, second, step)


def stack_of(nodes):
    """Return what lies on a stack of `nodes` nodes, the first on top; 0 is none."""
    below = np.arange(1, nodes + 2)
    below[[0, nodes]] = 0
    return np.ones(1, np.int64), below


def walk(first, below):
    """Return the nodes of a stack from the top; it may go in circles."""
    found = []
    while first != 0 and len(found) <= below.size:
        found.append(int(first))
        first = below[first]
    return found


class Stack:
    """Nodes 1 and 2, the first on top."""

    def __init__(self):
        self.nodes = [2, 1]

    def push(self, node, _):
        self.nodes.append(node)

    def pop(self, _):
        return self.nodes.pop() if self.nodes else 0


def program(nodes, threads, rounds, broken):
    head, below = stack_of(nodes)
    held = np.zeros(nodes + 1, np.int64)
    calls = [(work, (head, below, held, rounds, int(not broken)))] * threads

    def check(*twice):
        assert sum(twice) == 0, "a node was held by two"
        assert sorted(walk(head[0] & 0xFFFFFFFF, below)) == list(range(1, nodes + 1)), "nodes were lost"

    return Program(calls, check)


def histories(broken):
    head, below = stack_of(2)
    return Program([(work_twice, (head, below, int(not broken)))] * 2, lambda *_: None, Stack)


STRUCTURE = Structure(
    "Treiber stack, tagged",
    "does not count the tag: ABA",
    histories,
    lambda broken: program(3, 2, 300_000, broken),
)
