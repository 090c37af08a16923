# ---
# perflab:
#   title: Branchless partition
#   covers: [cpu/branch-prediction/branchless-programming-techniques]
#   lever: turn an unpredictable decision into arithmetic, so that there is nothing to guess
#   stars: 1
#   minutes: 20
#   chapter: cpu/branch-prediction
# ---

# %% [markdown]
# # Branchless partition
# An event loop wakes up and finds 600,000 events in its queue: input, timers, sockets, messages. The urgent ones are
# served first, so it moves them to the front of the queue. There is no room for a second queue, nor for a list of all
# places: events change places in the queue that there is. Sorting algorithms do the same with each part that they sort; this step is called
# a *partition*.
#
# An event is one number: its priority from 0 to 255, and in the 24 bits below that its number of arrival. So an event is
# urgent if it is at least `URGENT`, a priority of 128.
#
# The loop below compares, and swaps two events if the comparison holds. Priorities arrive in random order, so the
# processor guesses every second comparison wrong, and each time it throws away what it began.

# %% role="given" grade_id="branchless_partition_given"
import numpy as np
from numba import njit

from perflab import check

URGENT = 128 << 24  # events from here on are served first


def make_queue(rng, n=600_000):
    """Arguments of one wake-up: events in no order, and room for a number."""
    return rng.integers(0, 256, n) << 24 | np.arange(n), np.zeros(1, np.int64)


@njit
def urgent_first_branchy(queue, split):
    """Move the urgent events to the front; `split[0]` becomes their number."""
    front = 0
    for i in range(queue.size):
        event = queue[i]
        if event >= URGENT:
            queue[i] = queue[front]
            queue[front] = event
            front += 1
    split[0] = front


# %% [markdown]
# ## Predict
# Say a round of this loop takes 3 cycles if it is guessed right, a wrong guess costs 18 more, and a round without a
# guess takes 4 cycles. How many times as fast is the loop without a branch, on priorities in random order? Work it
# out on paper and write your number.

# %% role="predict" grade_id="branchless_partition_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `urgent_first`, which leaves in `queue` and `split` exactly what `urgent_first_branchy` leaves there: the same
# events in the same order.
#
# Four tests follow, and each says its target. Is it correct? How much memory does it touch? Is the branch gone from
# the machine code? How much faster is it on priorities in random order?
#
# <details><summary>Hint 1</summary>
#
# A branch asks *whether* to do something. Without one, every round does the same, and the comparison is a number that
# says *where*. The chapter's loop writes in every round, and the next write covers what was not wanted. In one queue
# that does not work: what a write covers is an event, and it is lost. Which step loses no event, and which place in it
# depends on the comparison?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A swap loses nothing. But a swap with `front` in every round changes the order: an event that is not urgent must stay
# where it is. With which event may you swap it then?
#
# </details>
# <details><summary>Hint 3</summary>
#
# With itself. Swap in every round, and decide only *where* the other event of the swap lies: at `front` or at `i`.
# That is a choice between two numbers that are both there, so a conditional expression will do, or arithmetic: the
# distance between the two, times the comparison, which is 0 or 1. `front` moves on by the same comparison.
#
# </details>


# %% role="answer" grade_id="branchless_partition_answer"
@njit
def urgent_first(queue, split):
    """Move the urgent events to the front; `split[0]` becomes their number.

    Parameters
    ----------
    queue : ndarray of int64, shape (n,)
        Changed in place.
    split : ndarray of int64, shape (1,)
        Receives the number of urgent events.
    """
    ### BEGIN SOLUTION
    front = 0
    for i in range(queue.size):
        event = queue[i]
        urgent = event >= URGENT
        where = front if urgent else i  # in machine code a select
        queue[i] = queue[where]
        queue[where] = event
        front += urgent
    split[0] = front
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Queues of no, one and a few events, and those where none, some or all are urgent. The order counts.

# %% role="tests" grade_id="branchless_partition_correct" points=1 hints=[1, 2]
cases = [lambda rng, n=n: make_queue(rng, n) for n in (0, 1, 7)]
cases += [
    lambda rng, first=first: (
        np.arange(first, first + 5),
        np.zeros(1, np.int64),
    )
    for first in (URGENT - 5, URGENT - 2, URGENT)
]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_queue(rng, n) for n in (64, 1001)]
### END HIDDEN TESTS
check.correct(
    urgent_first,
    against=urgent_first_branchy,
    on=cases,
    points=1,
    returns=(0, 1),
)

# %% [markdown]
# ### Does it work in one queue?
# Your function runs on 2,000 events, and the lines of 64 bytes that it fetches are counted. The model's cache holds
# 64 lines, so some numbers beside the queue cost nothing, and a second pass or a list of places does. The slow loop
# fetches 333 lines. Points begin below 600; 420 earn all.

# %% role="tests" grade_id="branchless_partition_memory" points=1.5
check.counts(
    urgent_first,
    "lines",
    on=lambda rng: make_queue(rng, 2000),
    zero=600,
    full=420,
    points=1.5,
)

# %% [markdown]
# ### Is the branch gone?
# Your function is compiled for a common processor, and the branches in all of its loops are counted, but for one that
# closes each loop. The slow loop has four, since LLVM copies its body. No branch earns all points, and a single one
# earns nothing. A loop inside of a loop has branches around it, and they count: one loop is enough. Nothing is timed
# here.

# %% role="tests" grade_id="branchless_partition_branches" points=3.5
check.counts(
    urgent_first,
    "branches",
    on=lambda rng: make_queue(rng, 1000),
    zero=1,
    full=0,
    points=3.5,
)

# %% [markdown]
# ### How much faster is it?
# Both functions get the same 600,000 events with priorities in random order. Points begin beyond 1.34 times as fast;
# 2 times earn all.
#
# No branch and still slow? A round that loads from memory what the round before stored there has to wait for it. So
# keep `front` in a local variable. And what `front` and the place to swap with pass through on their way should be
# short: a multiplication takes longer than a select.

# %% role="tests" grade_id="branchless_partition_speed" points=1 hints=[3, 3]
check.faster(
    urgent_first,
    than=urgent_first_branchy,
    on=make_queue,
    zero=1.34,
    full=2.0,
    points=1,
    returns=(0, 1),
)

# %% [markdown]
# ## Before and after
# Time against how many of the events are urgent, in random order.

# %% role="show" grade_id="branchless_partition_show"
from perflab import figures, timing

SHARES = np.linspace(0, 1, 11)


def nanoseconds(partition, queue):
    """Return the best time an event of four calls."""
    split = np.zeros(1, np.int64)
    copies = [queue.copy() for _ in range(4)]
    seconds = [
        timing.seconds_of(lambda copy=copy: partition(copy, split))[0]
        for copy in copies
    ]
    return min(seconds) / queue.size * 1e9


rng = np.random.default_rng()
times = {"branchy": [], "yours": []}
for share in SHARES:
    queue, _ = make_queue(rng, 200_000)
    urgent = rng.random(queue.size) < share
    queue = np.where(urgent, queue | URGENT, queue % URGENT)
    for name, partition in (
        ("branchy", urgent_first_branchy),
        ("yours", urgent_first),
    ):
        times[name].append(nanoseconds(partition, queue))
fig, ax = figures.subplots()
for name, values in times.items():
    ax.plot(100 * SHARES, values, label=name)
ax.set(xlabel="urgent events (%)", ylabel="ns an event", ylim=(0, None))
ax.legend()
branchy, yours = times["branchy"], times["yours"]
figures.show(
    fig,
    "Time an event against the share of urgent ones. The branchy loop takes "
    f"{branchy[0]:.1f} ns where none is urgent and {max(branchy):.1f} ns at "
    f"most; yours takes {min(yours):.1f} to {max(yours):.1f} ns.",
)
check.predicted(guess, "branchless_partition_speed")

# %% [markdown]
# Compare your guess with the measurement: a wrong guess and a round cost something else on your processor, and the
# ratio tells you how much.
#
# Now look at both ends of the curves. Where nearly all events are alike the branch is guessed right, and the loop
# that never guesses makes every swap all the same. It wins in the middle, by being *flat*, not by doing less.
#
# **Next bottleneck.** One decision became one number, since both outcomes were so alike. Where a decision has many
# outcomes, arithmetic gets long, and a table of answers does not: try the exercise on lookup tables. Partitions of
# fast sorting libraries go further: they drop the demand for a certain order, and handle events in blocks.

# %% [markdown] role="explain" grade_id="branchless_partition_explain" points=2
# ## Interview question
# When would you leave the branch in? Give two situations, and say for each what the branchless version would cost.
#
# ### BEGIN MARK SCHEME
# One point each, up to two, for a situation with its cost:
# - The branch is predictable (rare errors, sorted or batched data): a guess that is right is nearly free, while the
#   branchless version does the work of both outcomes each time.
# - One side is expensive (a division, a call, a cache miss): computing it always costs more than a few
#   mispredictions.
# - The result feeds the next round: a conditional move or an addition has to wait for its inputs, so that it
#   prolongs a chain of dependences; a predicted branch lets the processor go on without them.
# - One side must not be done at all (side effects, an index out of range, a division by zero).
#
# Half a point for a situation without its cost. Nothing for "if the branch is likely, mark it with a hint", and
# nothing for "if branchless code is harder to read": neither says what the machine does.
# ### END MARK SCHEME
