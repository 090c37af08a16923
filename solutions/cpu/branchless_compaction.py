# ---
# perflab:
#   title: Branchless compaction
#   covers: [cpu/branch-prediction/branchless-programming-techniques]
#   lever: turn an unpredictable decision into arithmetic, so that there is nothing to guess
#   stars: 1
#   minutes: 20
#   chapter: cpu/branch-prediction
# ---

# %% [markdown]
# # Branchless compaction
# An event loop wakes up and finds 600,000 events in its queue: input, timers, sockets, messages. Each has a
# priority from 0 to 255. Before anything else, the loop writes the numbers of the urgent ones into a list, and
# serves those first.
#
# The loop below does nothing but compare, and write when the comparison holds. Yet most of its time is spent on
# work that is thrown away: at each event the processor guesses whether it is urgent and runs ahead, and priorities
# that arrive at random make every second guess wrong.

# %% role="given" grade_id="branchless_compaction_given"
import numpy as np
from numba import njit

from perflab import check

URGENT = 128  # priorities from here on are served first


def make_queue(rng, n=600_000):
    """Arguments of one wake-up: priorities in no order, and room for the numbers of all events."""
    return rng.integers(0, 256, n, dtype=np.uint8), np.empty(n, np.int32)


@njit
def urgent_branchy(priority, out):
    """Return the numbers of the urgent events, in order, at the start of `out`."""
    kept = 0
    for i in range(priority.size):
        if priority[i] >= URGENT:
            out[kept] = i
            kept += 1
    return out[:kept]


# %% [markdown]
# ## Predict
# Suppose you sort the priorities first: the same numbers, the same comparisons, the same writes, but now the guess
# is right almost always. How many times faster does `urgent_branchy` become? Code that need not guess at all
# should reach the same, on *any* order. Write your guess.

# %% role="predict" grade_id="branchless_compaction_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `urgent`, which returns what `urgent_branchy` returns. You may write into all of `out`; only the part that
# you return is looked at.
#
# The tests ask four questions. Is it correct? Is the branch gone from the machine code? How much faster is it when
# priorities come at random? And does its time still depend on their order?
#
# <details><summary>Hint 1</summary>
#
# A branch asks *whether* to do something. What could you do in every round, urgent or not, so that it is harmless
# if the event turns out not to be urgent?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Write the number of every event to `out[kept]`. If the event is not urgent, the next write goes to the same place
# and overwrites it. So the decision moves from the write into `kept`: by how much does it grow?
#
# </details>
# <details><summary>Hint 3</summary>
#
# A comparison is a number: 1 if it holds, else 0. `out[kept] = i`, then `kept += priority[i] >= URGENT`, without
# any `if`.
#
# </details>


# %% role="answer" grade_id="branchless_compaction_answer"
@njit
def urgent(priority, out):
    """Return the numbers of the urgent events, in order, at the start of `out`.

    Parameters
    ----------
    priority : ndarray of uint8, shape (n,)
    out : ndarray of int32, shape (n,)
        Scratch: what lies behind the part that is returned does not matter.

    Returns
    -------
    ndarray of int32
        The first elements of `out`.
    """
    ### BEGIN SOLUTION
    kept = np.uintp(
        0
    )  # unsigned, so that Numba need not ask whether it is negative
    for i in range(priority.size):
        out[kept] = i
        kept += np.uintp(priority[i] >= URGENT)
    return out[:kept]
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Queues of no, one and a few events, and those where none or all are urgent.

# %% role="tests" grade_id="branchless_compaction_correct" points=2
cases = [lambda rng, n=n: make_queue(rng, n) for n in (0, 1, 7)]
cases += [
    lambda rng, p=p: (np.full(5, p, np.uint8), np.empty(5, np.int32))
    for p in (URGENT - 1, URGENT)
]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_queue(rng, n) for n in (64, 1001)]
### END HIDDEN TESTS
check.correct(urgent, against=urgent_branchy, on=cases, points=2)

# %% [markdown]
# ### Is the branch gone?
# Your function is compiled for a common processor, and the branches in its loop are counted, the one that closes
# the loop left out. LLVM copies the body of the slow loop four times; two branches a copy are eight. Nothing is
# timed here.

# %% role="tests" grade_id="branchless_compaction_branches" points=2
check.counts(
    urgent,
    "branches",
    on=lambda rng: make_queue(rng, 1000),
    zero=4,
    full=0,
    points=2,
)

# %% [markdown]
# ### How much faster is it?
# Both functions find the urgent ones among the same 600,000 events in random order.

# %% role="tests" grade_id="branchless_compaction_speed" points=3
check.faster(
    urgent, than=urgent_branchy, on=make_queue, zero=1.6, full=2.7, points=3
)

# %% [markdown]
# ### Is it flat?
# Your function against itself: its time on sorted priorities over its time on random ones. The slow loop is many
# times faster when sorted. Code that never guesses cannot tell the two apart: its ratio is about 1. The time on
# sorted priorities counts up to twice that of `urgent_branchy`, so that nobody gains by wasting some.


# %% role="tests" grade_id="branchless_compaction_flat" points=2
def sorted_queue(rng):
    priority, out = make_queue(rng)
    return np.sort(priority, kind="stable"), out


check.faster(
    urgent,
    than=(urgent, sorted_queue),
    on=make_queue,
    zero=0.4,
    full=0.65,
    points=2,
    most=2,
)

# %% [markdown]
# ## Before and after
# Time against how many of the events are urgent, in random order. The branchy loop is fast where one answer is
# rare, and slowest where both are equally likely.

# %% role="show" grade_id="branchless_compaction_show"
from perflab import figures, timing

SHARES = np.linspace(0, 1, 11)


def nanoseconds(find, priority, out):
    """Return the best time an event of four calls."""
    return (
        min(timing.seconds_of(lambda: find(priority, out))[0] for _ in range(4))
        / priority.size
        * 1e9
    )


rng = np.random.default_rng()
times = {"branchy": [], "yours": []}
for share in SHARES:
    priority = np.where(rng.random(200_000) < share, 200, 50).astype(np.uint8)
    out = np.empty(priority.size, np.int32)
    for name, find in (("branchy", urgent_branchy), ("yours", urgent)):
        times[name].append(nanoseconds(find, priority, out))
fig, ax = figures.subplots()
for name, values in times.items():
    ax.plot(100 * SHARES, values, label=name)
ax.set(xlabel="urgent events (%)", ylabel="ns an event", ylim=(0, None))
ax.legend()
figures.show(
    fig,
    f"Time an event against the share of urgent ones. The branchy loop takes {max(times['branchy']):.1f} ns, "
    f"at most, where half are urgent; yours takes {min(times['yours']):.1f} to {max(times['yours']):.1f} ns.",
)
check.predicted(guess, "branchless_compaction_speed")

# %% [markdown]
# Look at both ends of the curves. Where nearly all events are alike, the branch costs next to nothing, and the
# loop that never guesses does every write all the same. It wins by being *flat*, not by doing less.
#
# **Next bottleneck.** One decision became one addition, because both outcomes were so alike. Where a decision has
# many outcomes, arithmetic gets long; a table of answers does not: try `lookup_table`. What exactly the processor
# can and cannot guess is the subject of `beat_the_predictor`.

# %% [markdown] role="explain" grade_id="branchless_compaction_explain" points=2
# ## Interview question
# When would you leave the branch in? Give two situations, and say for each what the branchless version would cost.
#
# ### BEGIN MARK SCHEME
# One point each, up to two, for a situation with its cost:
# - The branch is predictable (rare errors, sorted or batched data): a guess that is right is free, while the
#   branchless version does the work of both outcomes each time.
# - One side is expensive (a division, a call, a cache miss, a store into other memory): computing it always costs
#   more than a few mispredictions.
# - The result feeds the next round: a conditional move or an addition has to wait for its inputs, so that it
#   prolongs a chain of dependences; a predicted branch lets the processor go on without them.
# - One side must not be done at all (side effects, an index out of range, a division by zero).
#
# Half a point for a situation without its cost.
# ### END MARK SCHEME
