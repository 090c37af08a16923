# ---
# perflab:
#   title: Find the first
#   covers: [memory/locality/memory-access-patterns]
#   lever: halve what is left in place of asking one after the other
#   stars: 1
#   minutes: 5
#   chapter: memory/locality
# ---

# %% [markdown]
# # Find the first
# An exercise that is quick to grade: nothing in it is compiled or timed.

# %% role="given" grade_id="small_given"
from perflab import check


class Threshold:
    def __init__(self, first):
        self.first = first

    def __call__(self, i):
        return i >= self.first


def make_question(rng, n=200):
    return check.oracle(Threshold(n - 1 - int(rng.integers(3)))), n


def slow_find(ask, n):
    """Return the first i below n that the oracle says yes to."""
    return next(i for i in range(n) if ask(i))


# %% role="answer" grade_id="small_answer"
def find(ask, n):
    """Return the first i below n that the oracle says yes to."""
    ### BEGIN SOLUTION
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if ask(middle) else (middle + 1, high)
    return low
    ### END SOLUTION


# %% role="tests" grade_id="small_correct" points=2
check.correct(find, against=slow_find, on=[make_question, make_question], points=2)

# %% role="tests" grade_id="small_calls" points=2
check.counts(find, "calls", on=make_question, zero=40, full=10, points=2)
