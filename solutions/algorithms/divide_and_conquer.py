# ---
# perflab:
#   title: Divide and conquer
#   covers: [algorithms/techniques/divide-conquer-strategies]
#   lever: solve two halves, and answer for all pairs between them while you merge them in order
#   stars: 2
#   minutes: 30
#   chapter: algorithms/techniques
# ---

# %% [markdown]
# # Divide and conquer
# An input framework merges the events of a touch screen, a pen, a gyroscope and a camera. Each event carries the
# time of its sensor, and they arrive in another order: one driver collects a few before it wakes anybody, another
# has a slow bus. How bad is it? A good measure is the number of **pairs** that arrived in the wrong order. It is 0
# for a stream in order, it grows by one with each swap of two neighbors, and half of all pairs is what a shuffled
# deck has. A framework that watches it notices a clock that has gone wrong.
#
# A recording of some seconds has 12,000 events, and those have 72 million pairs.

# %% role="given" grade_id="divide_and_conquer_given"
import numpy as np
from numba import njit

from perflab import check


def make_arrivals(rng, n=12_000, late=500):
    """Arguments of one count: the times of `n` events in the order of arrival.

    An event comes up to about `late` places too late.
    """
    return (np.arange(n) * 100 + rng.integers(0, 100 * late, n),)


@njit
def crossed_by_pairs(times):
    """Return the number of pairs of which the later event has arrived first."""
    crossed = 0
    for i in range(times.size):
        time, behind = times[i], times[i + 1 :]
        for j in range(behind.size):
            crossed += behind[j] < time
    return crossed


# %% role="given" grade_id="divide_and_conquer_example"
print(
    crossed_by_pairs(np.array([10, 30, 20, 20, 40])),
    "pairs: 30 before 20, and once more",
)

# %% [markdown]
# ## Predict
# For 4,096 events the slow loop loads some 8.4 million elements. How many loads and stores will your function make, if
# it does not look at all pairs? Write your guess.

# %% role="predict" grade_id="divide_and_conquer_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `crossed`, which returns what `crossed_by_pairs` returns. Two events of the same time are in order,
# whichever comes first. You may change `times`, or a copy. All the work can be done by `sort_counting`, which
# calls itself for halves and puts them in order along the way; Numba allows that, if one of its ways out makes no
# such call. Another way of about $n \log n$ steps may be right, too. But only what can be counted counts: write
# searches as loops. A sort in each call is not free: it makes $n \log^2 n$ steps.
#
# The tests ask three questions. Is it correct? How many steps, which are the loads and stores of elements in arrays,
# lists and the like, does it take for 4,096 events? How many times as fast is it? Points begin below 400,000 steps.
# Full points need at most 385,000, and 3 times the speed for shuffled events.
#
# <details><summary>Hint 1</summary>
#
# Cut the stream in the middle. Each pair lies in the left half, in the right half, or has one event in each. For
# those that lie between, it does not matter in which order the events of a half are: you may sort both halves. How
# fast can you count now?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Merge the two sorted halves as merge sort does. Whenever an event from the right half goes out first, it is
# earlier than *all* that is left of the left half: so many pairs at once. If both are equal, take the left one.
#
# </details>
# <details><summary>Hint 3</summary>
#
# With fewer than two events there is nothing to count. Otherwise `sort_counting` calls itself for both halves, each
# with its half of the room, and adds what it counts while it merges into the room. Its caller expects `times` in
# order, so at its end what stands in the room goes back there. `crossed` makes the room, once: an allocation in each
# call would cost more than the merge of a small part. An assignment to a whole slice has a price in each call, too; for
# small parts a loop that copies one event after the other is faster. Faster still is to put parts of up to some
# sixteen events in order in a simpler way, without a cut.
#
# </details>


# %% role="answer" grade_id="divide_and_conquer_answer"
@njit
def sort_counting(times, room):
    """Put `times` in order; return how many pairs were not.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
    room : ndarray of int64, shape (n,)
        Scratch, for a merge.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    n = times.size
    crossings = 0
    if n <= 16:  # for so few, insertion is faster than any cut
        for i in range(1, n):
            time, j = times[i], i
            while j > 0 and times[j - 1] > time:
                times[j] = times[j - 1]
                j -= 1
            times[j] = time
            crossings += i - j
        return crossings
    middle = n // 2
    left, right = times[:middle], times[middle:]
    crossings += sort_counting(left, room[:middle])
    crossings += sort_counting(right, room[middle:])
    i, j, one = (
        np.uintp(0),
        np.uintp(0),
        np.uintp(1),
    )  # unsigned: Numba need not ask whether they are negative
    lefts, rights = np.uintp(middle), np.uintp(right.size)
    for k in range(n):
        # A side that is used up lets the other one go first.
        if j == rights or (i < lefts and left[i] <= right[j]):
            room[k] = left[i]
            i += one
        else:
            room[k] = right[j]
            j += one
            crossings += np.int64(lefts - i)
    for k in range(n):
        times[k] = room[k]
    return crossings
    ### END SOLUTION


@njit
def crossed(times):
    """Return the number of pairs of which the later event has arrived first.

    Parameters
    ----------
    times : ndarray of int64, shape (n,)
        In the order of arrival.

    Returns
    -------
    int
    """
    ### BEGIN SOLUTION
    return sort_counting(times.copy(), np.empty_like(times))
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Streams of no, one and a few events, in order, in reverse, and with many equal times.

# %% role="tests" grade_id="divide_and_conquer_correct" points=3
cases = [
    lambda rng, n=n: make_arrivals(rng, n, late=5) for n in (0, 1, 2, 3, 10)
]
cases += [
    lambda rng: (np.arange(9),),
    lambda rng: (np.arange(9)[::-1].copy(),),
    lambda rng: (rng.integers(0, 4, 20),),
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: (np.arange(33),),
    lambda rng: (np.arange(40)[::-1].copy(),),
    lambda rng: (np.zeros(50, int),),
]
cases += [
    lambda rng, n=n: make_arrivals(rng, n, late=n)
    for n in (15, 17, 31, 64, 100, 1001)
]
cases += [lambda rng: (rng.integers(-50, 50, 700),)]
### END HIDDEN TESTS
check.correct(crossed, against=crossed_by_pairs, on=cases, points=3)

# %% [markdown]
# ### How many steps?
# Your function counts 4,096 events while every access to an element is counted. They have 8.4 million pairs. A merge
# sort that makes its room once takes some 290,000 steps; one that makes new lists in each call takes some 440,000.
# Counters of blocks of 64 events, added one after the other, take more than 400,000, and earn nothing here.


# %% role="tests" grade_id="divide_and_conquer_steps" points=4
def many_events(rng):
    return make_arrivals(rng, 4096, late=4096)


check.counts(
    crossed,
    "accesses",
    on=many_events,
    zero=400_000,
    full=385_000,
    points=4,
)

# %% [markdown]
# ### How many times as fast is it?
# Both functions count the same 12,000 events, which arrive in any order. The slow one is not that slow: its inner
# loop compares several events with one instruction.


# %% role="tests" grade_id="divide_and_conquer_speed" points=2 hints=[2, 3]
def shuffled(rng):
    return make_arrivals(rng, late=12_000)


check.faster(
    crossed, than=crossed_by_pairs, on=shuffled, zero=2, full=3, points=2
)

# %% [markdown]
# ## Before and after
# On logarithmic scales a power is a straight line, and its exponent is the slope.

# %% role="show" grade_id="divide_and_conquer_show"
from perflab import figures, timing

EVENTS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def microseconds(function, n):
    """Return the best time of four calls; each gets a stream of its own."""
    streams = iter([make_arrivals(rng, n) for _ in range(4)])
    return (
        min(
            timing.seconds_of(lambda: function(*next(streams)))[0]
            for _ in range(4)
        )
        * 1e6
    )


rng = np.random.default_rng()
fig, ax = figures.subplots()
slopes = {}
for label, function in (("all pairs", crossed_by_pairs), ("yours", crossed)):
    times = [microseconds(function, n) for n in EVENTS]
    ax.plot(EVENTS, times, marker="o", label=label)
    slopes[label] = np.polyfit(np.log(EVENTS[-4:]), np.log(times[-4:]), 1)[0]
ax.set(xscale="log", yscale="log", xlabel="events", ylabel="microseconds")
ax.legend()
figures.show(
    fig,
    "Time against the number of events, both on logarithmic scales. The last "
    "points of all pairs rise with an "
    f"exponent of {slopes['all pairs']:.1f}, yours with {slopes['yours']:.1f}.",
)
check.predicted(guess, "divide_and_conquer_steps")

# %% [markdown]
# Look at the left end. For a hundred events all pairs may well be faster: short loops, no recursion, vector
# instructions. That is why good sorts stop cutting at some 16 or 32 elements and go on with something simple.
#
# The cut alone gains nothing. Two halves have half of the pairs, and the other half lies *between* them. What
# gains is that sorting a half costs the pairs between nothing, and that a merge counts many of them at once. Where
# you find such a fact, divide and conquer turns $n^2$ into $n \log n$: sorting, the closest pair of points, the
# convex hull, the product of long numbers.
#
# **Next bottleneck.** In a merge of shuffled halves the question "left or right?" has a random answer, and a core
# guesses about every second one wrong. Where events are hardly late, it is otherwise: most of a merge takes the left
# half, then the right one, and that is easy to guess.

# %% [markdown] role="explain" grade_id="divide_and_conquer_explain" points=2
# ## Interview question
# You have an algorithm that compares all pairs of n objects. How do you find out whether it can be done in $n \log
# n$? Name two different ideas, with an example for each, and say when you would keep the one for all pairs.
#
# ### BEGIN MARK SCHEME
# One point for the ideas: cut in halves and find out what the answer for pairs *between* halves needs (order: sort
# along the way; closeness: only a strip along the cut); or sort first, so that what belongs together lies side by
# side; or put objects into buckets or a tree, so that each meets few others (a grid, a hash table, an interval
# tree). Half a point for one idea with an example.
#
# One point for keeping it: n is small or bounded (a few dozen to a few hundred), the simple loop is vectorized and
# predictable, the result really depends on all pairs, or the code runs rarely. Half a point without a reason.
#
# No point for "cut it in halves and solve each" alone: the pairs between the halves are half of all, and nothing is
# gained until they cost less. None for "use several cores": it is still all pairs.
# ### END MARK SCHEME
