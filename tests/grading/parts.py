# ---
# perflab:
#   title: A cell and its reader
#   covers: [memory/locality/memory-access-patterns]
#   lever: say that a value is there after you have written it
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # A cell and its reader
# What a class hands in for the operations of a structure: the course's own functions call them on threads.

# %% role="given" grade_id="parts_given"
import numpy as np
from numba import njit

from perflab import atomics, check, hints

NOTHING = -1


@njit
def sending(me, cell, values):
    """Give all values away, one after the other."""
    for i in range(values.size):
        while not give(cell, values[i]):
            hints.pause()
    return 0


@njit
def receiving(me, cell, values):
    """Receive as many as there are; return their sum."""
    total = got = 0
    while got < values.size:
        value = receive(cell)
        if value != NOTHING:
            total += value
            got += 1
        else:
            hints.pause()
    return total


def two(rng):
    return np.zeros(2, np.int64), rng.integers(1, 100, 2)


def many(rng):
    return np.zeros(2, np.int64), rng.integers(1, 100, 2_000)


def received(results, before, after):
    wrong = results[1] - before[1].sum()
    assert wrong == 0, f"the sum is off by {wrong}"


# %% role="answer" grade_id="parts_answer"
@njit
def give(cell, value):
    """Write the value to cell[0] and 1 to cell[1], if that is 0; return whether it was."""
    ### BEGIN SOLUTION
    if atomics.load(cell, 1) == 1:
        return False
    atomics.store(cell, 0, value, "relaxed")
    atomics.store(cell, 1, 1, "release")
    return True
    ### END SOLUTION


@njit
def receive(cell):
    """Return the value in cell[0] and write 0 to cell[1], if that is 1, else NOTHING."""
    ### BEGIN SOLUTION
    if atomics.load(cell, 1, "acquire") == 0:
        return NOTHING
    value = atomics.load(cell, 0, "relaxed")
    atomics.store(cell, 1, 0, "release")
    return value
    ### END SOLUTION


# %% role="tests" grade_id="parts_correct" points=3
check.correct((give, receive), threads=(sending, receiving), against=received, on=[two], stress=many, points=3)

# %% role="tests" grade_id="parts_locked" points=2
check.counts((give, receive), "locked", threads=(sending, receiving), on=two, zero=2, full=0, points=2)
