# ---
# perflab:
#   title: Count together
#   covers: [memory/locality/memory-access-patterns]
#   lever: add once, with an atomic operation
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # Count together
# What a class hands in for concurrent code: a counter of events that two threads share.

# %% role="given" grade_id="together_given"
from numba import njit

from perflab import atomics, check


def few(rng):
    return rng.integers(0, 100, 1), rng.integers(0, 2, 3)


def many(rng):
    return rng.integers(0, 100, 1), rng.integers(0, 2, 100_000)


def counted(results, before, after):
    (counter, events), (counter_after, _) = before, after
    wrong = counter_after[0] - counter[0] - 2 * events.sum()
    assert wrong == 0, f"the counter is off by {wrong}"


# %% role="answer" grade_id="together_answer"
@njit
def count(me, counter, events):
    """Add the number of events to the counter; every thread does."""
    ### BEGIN SOLUTION
    mine = 0
    for i in range(events.size):
        mine += events[i]
    atomics.fetch_add(counter, 0, mine)
    ### END SOLUTION


# %% role="tests" grade_id="together_correct" points=3
check.correct(count, against=counted, on=[few, few], threads=2, stress=many, points=3)

# %% role="tests" grade_id="together_locked" points=2
check.counts(count, "locked", on=few, threads=2, zero=6, full=2, points=2)
