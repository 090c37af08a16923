# ---
# perflab:
#   title: Weights
#   covers: [memory/locality/memory-access-patterns]
#   lever: look a weight up in place of searching for it
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # Weights
# What the clean room is tried on: a function that is verified and counted.

# %% role="given" grade_id="counted_given"
import numpy as np
from numba import njit

from perflab import check

KINDS = 64


def make_kinds(rng, n=100):
    return (rng.integers(0, KINDS, n),)


@njit
def weigh_slowly(kinds):
    """Return the sum of the squares of the kinds, each of which is searched for."""
    numbers = np.arange(KINDS)
    total = 0
    for i in range(kinds.size):
        for j in range(numbers.size):
            if numbers[j] == kinds[i]:
                total += numbers[j] ** 2
    return total


# %% role="answer" grade_id="counted_answer"
@njit
def weigh(kinds):
    """Return the sum of the squares of the kinds."""
    ### BEGIN SOLUTION
    total = 0
    for i in range(kinds.size):
        total += kinds[i] ** 2
    return total
    ### END SOLUTION


# %% role="tests" grade_id="counted_correct" points=1
cases = [make_kinds, lambda rng: make_kinds(rng, 0)]
check.correct(weigh, against=weigh_slowly, on=cases, points=1)

# %% role="tests" grade_id="counted_counts" points=1
check.counts(weigh, "lines", on=make_kinds, zero=60, full=30, points=1)
