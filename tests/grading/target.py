# ---
# perflab:
#   title: Moving sums
#   covers: [memory/locality/memory-access-patterns]
#   lever: keep a running sum in place of adding each window anew
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # Moving sums
# What attacks are tried on: a function that is checked and timed, and one that asks an oracle.

# %% role="given" grade_id="target_given"
import numpy as np
from numba import njit

from perflab import check

WINDOW = 1024


def make_numbers(rng, n=100_000):
    return (rng.integers(-1000, 1000, n),)


def make_question(rng, n=1000):
    return check.oracle(Threshold(int(rng.integers(n // 2, n)))), n


class Threshold:
    def __init__(self, first):
        self.first = first

    def __call__(self, i):
        return i >= self.first


@njit
def slow_moving(numbers):
    """Return the sum of each window of 1024 numbers."""
    sums = np.zeros(max(numbers.size - WINDOW + 1, 0), np.int64)
    for i in range(sums.size):
        for j in range(WINDOW):
            sums[i] += numbers[i + j]
    return sums


def slow_find(ask, n):
    """Return the first i below n that the oracle says yes to."""
    return next(i for i in range(n) if ask(i))


# %% role="answer" grade_id="target_answer"
@njit
def moving(numbers):
    """Return the sum of each window of 1024 numbers."""
    ### BEGIN SOLUTION
    sums = np.zeros(max(numbers.size - WINDOW + 1, 0), np.int64)
    total = 0
    for i in range(numbers.size):
        total += numbers[i]
        if i >= WINDOW:
            total -= numbers[i - WINDOW]
        if i >= WINDOW - 1:
            sums[i - WINDOW + 1] = total
    return sums
    ### END SOLUTION


def find(ask, n):
    """Return the first i below n that the oracle says yes to."""
    ### BEGIN SOLUTION
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if ask(middle) else (middle + 1, high)
    return low
    ### END SOLUTION


# %% role="tests" grade_id="target_correct" points=4
cases = [lambda rng, n=n: make_numbers(rng, n) for n in (1500, 3000)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_numbers(rng, n) for n in (0, 1023, 1024, 5001)]
### END HIDDEN TESTS
check.correct(moving, against=slow_moving, on=cases, points=4)

# %% role="tests" grade_id="target_speed" points=4
check.faster(moving, than=slow_moving, on=make_numbers, zero=1.5, full=4, points=4)

# %% role="tests" grade_id="target_found" points=1
check.correct(find, against=slow_find, on=[make_question, make_question, make_question], points=1)

# %% role="tests" grade_id="target_calls" points=1
check.counts(find, "calls", on=make_question, zero=40, full=12, points=1)

# %% role="tests" grade_id="target_lines" points=1
short = lambda rng: make_numbers(rng, 1100)  # noqa: E731
check.counts(moving, "lines", on=short, zero=600, full=400, points=1)
