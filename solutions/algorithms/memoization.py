# ---
# perflab:
#   title: Memoization
#   covers: [algorithms/memoization/memoization-patterns, algorithms/memoization/precomputing-expensive-operations]
#   lever: ask each question once; then work in an order that needs no memo, and keep only what is still read
#   stars: 2
#   minutes: 45
#   chapter: algorithms/memoization
# ---

# %% [markdown]
# # Memoization
# A list view shows rows, and its content changes. The framework wants to turn the old rows into the new ones with
# the least work: it may add a row, remove a row, or rebind a row, so that a widget of one kind shows what another
# kind showed. How much work rebinding is, only the layout engine knows, and that lives in another process. Each
# question is a message to it and a wait for the reply.
#
# The recursion below is right, and short: look at the last row of each list, try the three ways, take the best. It
# asks the layout engine the same few questions again and again.

# %% role="given" grade_id="memoization_given"
import functools
import operator

import numpy as np
from numba import njit

from perflab import check

ADD = 5  # work for adding or removing a row


class Engine:
    """engine(u, v): the work of rebinding a row of kind u to v, from 1 to 9."""

    def __init__(self, rng, kinds):
        self.work = rng.integers(1, 10, (kinds, kinds)).tolist()
        self.asked = []  # for the tests: which questions were put

    def __call__(self, u, v):
        # Once, whatever class they are of; and no kind has two numbers.
        u, v = operator.index(u), operator.index(v)
        for kind in (u, v):
            if not 0 <= kind < len(self.work):
                raise ValueError(f"there is no kind {kind}")
        if u == v:
            raise ValueError(
                f"a row of kind {u} shows another one of its kind for nothing; "
                "no need to ask"
            )
        self.asked.append((u, v))
        return self.work[u][v]


def make_lists(rng, old=6, new=6, kinds=5):
    """The engine, and the kinds of the rows in both lists."""
    lists = (
        tuple(rng.integers(0, kinds, size).tolist()) for size in (old, new)
    )
    return check.oracle(Engine(rng, kinds)), *lists


def least_work_slow(engine, old, new):
    """Return the least work that turns the rows `old` into the rows `new`."""
    if not old or not new:
        return ADD * (len(old) + len(new))
    rebind = 0 if old[-1] == new[-1] else engine(old[-1], new[-1])
    return min(
        least_work_slow(engine, old[:-1], new[:-1]) + rebind,
        least_work_slow(engine, old, new[:-1]) + ADD,
        least_work_slow(engine, old[:-1], new) + ADD,
    )


# %% role="given" grade_id="memoization_example"
small = make_lists(np.random.default_rng(1))
print(least_work_slow(*small), "units of work")
print(f"{small[0].calls:,} questions about two lists of six rows")

# %% [markdown]
# ## Predict
# Now take two lists of six rows in which no kind comes twice. The recursion asks more than four thousand questions
# about them. How few would do?

# %% role="predict" grade_id="memoization_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `least_work(engine, old, new)`. It returns what `least_work_slow` returns, for lists of up to six rows
# here, and puts each question at most once in a call. A question is about two kinds, so fewer are needed where
# kinds repeat.
#
# How long may an answer be kept? The user may change the theme between any two calls of your function. Then the
# work is another one, nobody tells you, and the engine is still the same: all engines of the tests compare equal.
# So what was remembered in one call is wrong in the next.
#
# The tests count questions, and nothing else. A recursion that asks each question once, but is called for each pair
# of places a thousand times, passes them. It is legal here. In the second step lists are long, and it would never
# end.
#
# The hints are for both steps.
#
# <details><summary>Hint 1</summary>
#
# What does an answer depend on? The least work for the first i rows of one list and the first j rows of the other
# depends on i and j alone, however you came there. The work of rebinding depends on two kinds, not on where the
# rows are.
#
# </details>
# <details><summary>Hint 2</summary>
#
# First step: two memos, both made anew in each call. One is for pairs of places: the least work for the first i
# and the first j rows. The other one is for pairs of kinds, and only it may ask the engine. For the points of this
# step the second memo is enough. Second step: which earlier answers does the answer for (i, j) read? In which order do you have to work so that they are there already?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Second step: row by row. Row i reads row i - 1 and what is to its left. So two arrays, each with one number more
# than the new list has rows, hold all that will still be read. What stands in the upper one before the first row of
# the old list is there? What stands at the left end of each row? Compile the function with `@njit`. It gets faster
# if it takes the smallest of what needs only the upper row before it turns to the left neighbor.
#
# </details>


# %% role="answer" grade_id="memoization_answer"
def least_work(engine, old, new):
    """Return the least work that turns `old` into `new`; ask nothing twice.

    Parameters
    ----------
    engine : callable
        ``engine(u, v)`` is the work of rebinding a row of kind u to kind v,
        where u and v differ.
    old, new : tuple of int
        The kinds of the rows.
    """

    ### BEGIN SOLUTION
    @functools.cache
    def rebind(u, v):
        return engine(u, v) if u != v else 0

    @functools.cache
    def least(i, j):
        if i == 0 or j == 0:
            return ADD * (i + j)
        return min(
            least(i - 1, j - 1) + rebind(old[i - 1], new[j - 1]),
            least(i, j - 1) + ADD,
            least(i - 1, j) + ADD,
        )

    return least(len(old), len(new))
    ### END SOLUTION


# %% [markdown]
# ## Your turn, second step
# Most lists hold numbers that identify their rows. Nothing has to be asked there, and everything costs one unit:
# adding a row, removing one, replacing one. A colleague keeps all answers in a dictionary, see below. Write
# `distance(a, b)` with the same result.
#
# - Full points for speed need 120 times the dictionary's, at 200 rows. Compiled code that reads its earlier answers
#   from arrays reaches more than 200 on most machines.
# - Full points for memory need at most 15,000 bytes at once, for lists of 300 rows, and at most 100 misses of a
#   simulated cache of 32 KB, for lists of 128.


# %% role="given" grade_id="memoization_dictionary"
def distance_remembered(a, b):
    """Return how many rows have to be added, removed or replaced."""
    a, b, known = a.tolist(), b.tolist(), {}
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            known[i, j] = i + j
            if i and j:
                replaced = known[i - 1, j - 1] + (a[i - 1] != b[j - 1])
                known[i, j] = min(
                    replaced, known[i, j - 1] + 1, known[i - 1, j] + 1
                )
    return known[len(a), len(b)]


def make_rows(rng, old=200, new=200):
    """Numbers that identify the rows of both lists."""
    return tuple(
        rng.integers(0, 40, size, dtype=np.int32) for size in (old, new)
    )


# %% role="answer" grade_id="memoization_distance"
@njit
def distance(a, b):
    """Return how many rows to add, remove or replace, to turn a into b.

    Parameters
    ----------
    a, b : ndarray of int32
        Numbers of the rows.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    n, m, one = (
        np.uintp(a.size),
        np.uintp(b.size),
        np.uintp(1),
    )  # unsigned: Numba need not ask for negative indices
    above, row = np.arange(b.size + 1), np.empty(b.size + 1, np.int64)
    for i in range(np.uintp(0), n):
        left = np.int64(i + one)
        row[0] = left
        for j in range(np.uintp(0), m):
            # What does not wait for the cell to the left comes first: the chain
            # from cell to cell stays short.
            smallest = min(above[j] + (a[i] != b[j]), above[j + one] + 1)
            left = min(smallest, left + 1)
            row[j + one] = left
        above, row = row, above
    return above[m]
    ### END SOLUTION


# %% [markdown]
# ### Is the first step correct?
# Lists without rows, lists of one kind, and lists of up to five rows. Before each call the theme changes: the work
# is drawn anew.

# %% role="tests" grade_id="memoization_correct" points=1 hints=[1, 2]
cases = [
    lambda rng, n=n, m=m: make_lists(rng, n, m)
    for n, m in ((0, 0), (0, 3), (3, 0), (1, 1), (4, 5))
]
cases += [
    lambda rng: make_lists(rng, 4, 4, kinds=1),
    lambda rng: make_lists(rng, 5, 5, kinds=2),
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, k=k: make_lists(rng, 5, 5, kinds=k) for k in (3, 4, 9, 5, 5, 5)
]
### END HIDDEN TESTS
check.correct(least_work, against=least_work_slow, on=cases, points=1)

# %% [markdown]
# ### How many questions does it ask?
# The two lists of the prediction: no kind comes twice, so each pair of places is a question of its own.


# %% role="tests" grade_id="memoization_calls" points=1 hints=[1, 2]
def make_different(rng):
    kinds = rng.permutation(12).tolist()
    return check.oracle(Engine(rng, 12)), tuple(kinds[:6]), tuple(kinds[6:])


check.counts(
    least_work, "calls", on=make_different, zero=1000, full=36, points=1
)

# %% [markdown]
# ### And where kinds repeat?
# Six rows of three kinds. How often is each question put? Remembering by place asks about the same kinds again
# wherever they meet.


# %% role="tests" grade_id="memoization_repeats" points=1 hints=[1, 2]
def make_repeated(rng):
    old, new = (
        tuple(rng.permutation([0, 0, 1, 1, 2, 2]).tolist()) for _ in range(2)
    )
    return check.oracle(Engine(rng, 3)), old, new


def repeats(result, engine, old, new):
    """Return how often each question was put, on average."""
    return len(engine.asked) / len(set(engine.asked))


check.counts(least_work, repeats, on=make_repeated, zero=3, full=1, points=1)

# %% [markdown]
# ### Is the second step correct?
# Lists of up to 160 rows, also without any, long beside short, and a list that is the other one, shifted: what was
# far away is the cheapest there.


# %% role="tests" grade_id="memoization_distance_correct" points=1 hints=[2, 3]
def make_middling(rng):
    return make_rows(rng, 40, 40)


def make_shifted(rng, size=64):
    rows = rng.permutation(size).astype(np.int32)
    return rows, np.roll(rows, size // 2 - int(rng.integers(1, 7)))


cases = [
    lambda rng, n=n, m=m: make_rows(rng, n, m)
    for n, m in ((0, 0), (0, 4), (4, 0), (1, 1), (9, 7), (5, 60), (60, 5))
]
cases += [make_middling] * 4 + [make_shifted] * 2
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, m=m: make_rows(rng, n, m)
    for n, m in ((1, 50), (50, 1), (33, 64), (64, 64))
]
cases += [make_shifted, lambda rng: make_shifted(rng, 160)]
### END HIDDEN TESTS
check.correct(distance, against=distance_remembered, on=cases, points=1)

# %% [markdown]
# ### How much faster is it than the dictionary?
# Two lists of 200 rows. Full points from 120 times on.

# %% role="tests" grade_id="memoization_speed" points=2 hints=[2, 3]
check.faster(
    distance,
    than=distance_remembered,
    on=make_rows,
    zero=20,
    full=120,
    points=2,
)

# %% [markdown]
# ### How much memory does it need?
# The most bytes that it holds at once, for two lists of 300 rows. A table of all pairs, eight bytes each, takes
# 725,000. Full points for 15,000 or less. This count sees arrays and Python's objects. It does not see a dictionary
# of compiled code, whose memory comes from elsewhere. The next cell does.


# %% role="tests" grade_id="memoization_memory" points=1 hints=[3, 3]
def make_longer(rng):
    return make_rows(rng, 300, 300)


check.counts(
    distance, "peak_bytes", on=make_longer, zero=150_000, full=15_000, points=1
)

# %% [markdown]
# ### And how much of it does it touch?
# These are the misses of a simulated first-level cache, for two lists of 128 rows, whatever holds the answers, and
# whenever that was allocated. All pairs need more than 250 even in bytes, two rows fewer than 100. An array that is
# allocated anew for each row may be new memory each time, or not: allocate what you need once.


# %% role="tests" grade_id="memoization_misses" points=3 hints=[3, 3]
def make_square(rng):
    return make_rows(rng, 128, 128)


check.counts(distance, "misses", on=make_square, zero=250, full=100, points=3)

# %% [markdown]
# ## Before and after
# How often the recursion asks about each pair of places, and how often you do.

# %% role="show" grade_id="memoization_show"
from perflab import figures


class Watched:
    """An engine that counts how often each question is put."""

    def __init__(self):
        self.counts = np.zeros((6, 6), int)

    def __call__(self, u, v):
        self.counts[u, v - 6] += 1
        return 4


fig, axes = figures.subplots(1, 2, size=(6.4, 3.2))
for ax, title, work in zip(
    axes, ("the recursion", "yours"), (least_work_slow, least_work), strict=True
):
    engine = Watched()
    work(engine, tuple(range(6)), tuple(range(6, 12)))
    ax.imshow(
        np.log1p(engine.counts),
        cmap="Blues",
        alpha=0.6,
        vmin=0,
        vmax=np.log(2000),
    )
    for (i, j), count in np.ndenumerate(engine.counts):
        ax.text(j, i, str(count), ha="center", va="center", fontsize=9)
    ax.set(
        title=f"{title}: {engine.counts.sum():,} questions",
        xlabel="row of the new list",
    )
    ax.set(xticks=range(6), yticks=range(6))
axes[0].set_ylabel("row of the old list")
figures.show(
    fig,
    "Questions about each pair of places. The recursion asks most about the "
    "first rows of both lists.",
)
check.predicted(guess, "memoization_calls")

# %% [markdown]
# Each of three steps removed something. The memo removed repeated questions. The order removed the memo: if you
# know when an answer will be read, you need no dictionary to find it. The same order says when an answer is read for
# the last time. After that it can be overwritten.
#
# What you gave up is the list of steps: two rows tell how much work there is, not which rows to add. If the
# framework wants the steps themselves, it keeps one direction for each pair of places. Or it works from both ends
# and meets in the middle (Hirschberg), in about twice the time and with memory for a few rows.
#
# **Next bottleneck.** Each cell waits for its left neighbor. Cells on a diagonal do not wait for each other:
# vectors, or bits of a word (Myers), take many of them at once.

# %% [markdown] role="explain" grade_id="memoization_explain" points=2
# ## Interview question
# You put a memo in front of the layout engine that lives as long as the process. After a week the process holds
# two gigabytes, and after a change of the theme lists are laid out wrong. Name both mistakes, and how you would
# repair each.
#
# ### BEGIN MARK SCHEME
# One point for growth: no bound. A size limit with an eviction policy (LRU), chosen by the measured hit rate; or a
# lifetime that ends with what needed it, such as one comparison or one frame; or a smaller key (kinds, not rows).
#
# One point for staleness: the answer depends on the theme, and the key does not name it. Put a version of the
# theme into the key, or drop the memo when the theme changes; say what drops it, and what happens to a question
# that is under way at that moment. Half a point for a time limit with a reason for its length.
#
# Nothing for "clear it every night" or "give it more memory": both leave wrong layouts all day. Nothing for "use
# weak references" alone: they bound neither the kinds that are in use nor the age of an answer.
# ### END MARK SCHEME
