"""A ticket lock: who comes first is served first."""

import numpy as np
from numba import njit
from trial import LINE, Program, Structure

from perflab import atomics, hints

NEXT, SERVED = 0, LINE


@njit(nogil=True, cache=True)
def lock(tickets, in_two_steps):
    if in_two_steps:
        mine = atomics.load(tickets, NEXT)
        atomics.store(tickets, NEXT, mine + 1)
    else:
        mine = atomics.fetch_add(tickets, NEXT, 1)
    turns = 0
    while atomics.load(tickets, SERVED, "acquire") != mine:
        turns = hints.back_off(turns)
    return mine


@njit(nogil=True, cache=True)
def unlock(tickets, mine):
    atomics.store(tickets, SERVED, mine + 1, "release")


@njit(nogil=True, cache=True)
def count_up(tickets, counter, count, in_two_steps):
    for _ in range(count):
        mine = lock(tickets, in_two_steps)
        counter[0] += 1
        unlock(tickets, mine)


def program(threads, count, broken):
    tickets, counter = np.zeros(2 * LINE, np.int64), np.zeros(1, np.int64)

    def check(*_):
        assert counter[0] == threads * count, "an update was lost"

    return Program([(count_up, (tickets, counter, count, broken))] * threads, check)


STRUCTURE = Structure(
    "Ticket lock",
    "takes a ticket in two steps",
    lambda broken: program(3, 1, broken),
    lambda broken: program(2, 50_000, broken),
)
