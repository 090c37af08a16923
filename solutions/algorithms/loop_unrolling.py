# ---
# perflab:
#   title: Loop unrolling
#   covers: [algorithms/techniques/loop-unrolling]
#   lever: split a chain of dependent steps into several that overlap
#   stars: 2
#   minutes: 25
#   chapter: algorithms/loops
# ---

# %% [markdown]
# # Loop unrolling
# A scheduler wants to know how much work a task has done lately. Long ago shall count less. So at each tick the load so
# far is multiplied by a number a little below 1, and what the tick was worth is added. The Linux scheduler tracks the
# load of each task by such a sum.
#
# Here it is computed for a recording. At each tick the task was in one of 256 states, and a table says what a tick in
# each is worth. Each step needs the result of the step before: a multiplication of four cycles, and an addition of
# four. The core could start two of these in every cycle. The loop keeps it waiting for seven of eight cycles.

# %% role="given" grade_id="loop_unrolling_given"
import numpy as np
from numba import njit

from perflab import check


def make_recording(rng, n=2_000_000, decay=None):
    """States, what a tick in each is worth, and what is left after one."""
    decay = 1 - rng.uniform(5e-7, 1e-6) if decay is None else decay
    return rng.integers(0, 256, n, dtype=np.uint8), rng.random(256), decay


@njit
def load_in_line(states, worth, decay):
    """Return the load after all ticks, one step after the other."""
    load = 0.0
    for i in range(states.size):
        load = load * decay + worth[states[i]]
    return load


# %% role="given" grade_id="loop_unrolling_example"
states = np.array([1, 0, 0, 1], np.uint8)
print(load_in_line(states, np.array([0.0, 1.0]), 0.5), "is 1, and an eighth")

# %% [markdown]
# ## Predict
# On paper: how many times fewer cycles can it take, if no step has to wait for another one? Write your guess.

# %% role="predict" grade_id="loop_unrolling_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `load`, which returns what `load_in_line` returns, to a relative error of $10^{-9}$. Any number of ticks may
# come, also none. `decay` may be 0 or 1, too: then only the last tick counts, or all count alike. Any way to break
# the chain is right.
#
# The tests ask three questions. Is it correct? How many cycles do its loops need on a modelled core? How many times
# as fast is it on this machine? Points begin beyond 2 times fewer cycles on the model, and full points need 6.9 times
# fewer, and 2.7 times the speed here, where other programs may share the core.
#
# The model reads the innermost loops of `load`, over `range(...)` or over an array, and elements such as
# `rows[i, 3]`. Keep each chain in a variable of its own: an accumulator in an array is charged for its loads and
# stores. Elsewhere, each operation costs its full latency. The model refuses what hides a loop from it: a helper
# function or a library function that goes over the states, an operation on a whole array, and a function that calls
# itself.
#
# <details><summary>Hint 1</summary>
#
# Writing the body of the loop four times gains nothing if all four copies change the same number. Who has to wait
# for whom?
#
# </details>
# <details><summary>Hint 2</summary>
#
# The load is a polynomial in `decay`, whose coefficients are what the ticks are worth. Write it for six ticks. Sort its
# terms: those with even powers, and those with odd ones. Each half is a polynomial too. In which number?
#
# </details>
# <details><summary>Hint 3</summary>
#
# With k chains, each takes every k-th tick and multiplies by a power of `decay`, which you compute before the loop.
# Behind the loop the same rule joins the chains. Then come the ticks that did not fill a whole round, as in the
# slow loop. How large k should be, you know: it is the length of a step in cycles times the steps that can start in a
# cycle. Make rows of k states by `reshape`: with rows, Numba knows that no index is negative. With `states[i + 1]`
# it may test each.
#
# </details>


# %% role="answer" grade_id="loop_unrolling_answer"
@njit
def load(states, worth, decay):
    """Return the load after all ticks, to a relative error of 1e-9.

    Parameters
    ----------
    states : ndarray of uint8, shape (n,)
        Of the task at each tick.
    worth : ndarray of float64, shape (256,)
        Of a tick in each state, from 0 to 1.
    decay : float
        From 0 to 1: what is left of the load after a tick.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    whole = states.size // 8 * 8
    rows = states[:whole].reshape(-1, 8)
    two = decay * decay
    four = two * two
    leap = four * four
    a = b = c = d = e = f = g = h = 0.0
    for i in range(rows.shape[0]):
        a = a * leap + worth[rows[i, 0]]
        b = b * leap + worth[rows[i, 1]]
        c = c * leap + worth[rows[i, 2]]
        d = d * leap + worth[rows[i, 3]]
        e = e * leap + worth[rows[i, 4]]
        f = f * leap + worth[rows[i, 5]]
        g = g * leap + worth[rows[i, 6]]
        h = h * leap + worth[rows[i, 7]]
    found = 0.0
    for part in (a, b, c, d, e, f, g, h):
        found = found * decay + part
    for i in range(whole, states.size):
        found = found * decay + worth[states[i]]
    return found
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# No tick, one tick, and a few; what is old fades fast, at once, or never.

# %% role="tests" grade_id="loop_unrolling_correct" points=2
cases = [
    lambda rng, n=n: make_recording(rng, n, decay=0.75)
    for n in (0, 1, 2, 3, 16, 100)
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n: make_recording(rng, n, decay=0.99)
    for n in (5, 6, 7, 8, 9, 15, 17, 31, 63, 65, 257, 1023)
]
cases += [
    lambda rng, n=n, decay=decay: make_recording(rng, n, decay)
    for n in (1, 9, 100)
    for decay in (0.0, 1.0)
]
cases += [lambda rng: make_recording(rng, 30_011)]
### END HIDDEN TESTS
check.correct(load, against=load_in_line, on=cases, rtol=1e-9, points=2)

# %% [markdown]
# ### How many cycles does it need?
# Counted by a model of a core: a multiplication or an addition takes four cycles, and two of these start in each;
# four instructions enter in a cycle; there are no vectors. The slow loop needs eight cycles a tick.


# %% role="tests" grade_id="loop_unrolling_cycles" points=4 hints=[1, 3]
def small_recording(rng):
    return make_recording(rng, 16_387)


check.counts(
    load,
    "cycles",
    than=load_in_line,
    on=small_recording,
    zero=2,
    full=6.9,
    points=4,
)

# %% [markdown]
# ### How many times as fast is it?
# Both functions read the same 2,000,000 ticks, of which even the first counts.

# %% role="tests" grade_id="loop_unrolling_speed" points=2
check.faster(
    load,
    than=load_in_line,
    on=make_recording,
    rtol=1e-9,
    zero=1.4,
    full=2.7,
    points=2,
)

# %% [markdown]
# ## Before and after
# How many chains are best? The loop below is written by a program, for 1 to 16 chains. The dashed line is yours.

# %% role="show" grade_id="loop_unrolling_show"
from perflab import figures, timing

CHAINS = (1, 2, 3, 4, 6, 8, 12, 16)


def with_chains(count):
    """Return the loop with `count` chains, which needs rows of as many."""
    names = [f"s{j}" for j in range(count)]
    lines = [
        "def unrolled(rows, worth, leap):",
        f"    {' = '.join(names)} = 0.0",
    ]
    lines += ["    for i in range(rows.shape[0]):"]
    lines += [
        f"        {name} = {name} * leap + worth[rows[i, {j}]]"
        for j, name in enumerate(names)
    ]
    made = {}
    exec("\n".join([*lines, f"    return {' + '.join(names)}"]), made)
    return njit(made["unrolled"])


def nanoseconds(function, states, worth, decay):
    """Return the best time a tick of eight calls, after one that compiles."""
    function(states, worth, decay)
    seconds = [
        timing.seconds_of(lambda: function(states, worth, decay))[0]
        for _ in range(8)
    ]
    return min(seconds) / states.size * 1e9


states, worth, decay = make_recording(np.random.default_rng(), 48_000)
times = [
    nanoseconds(with_chains(count), states.reshape(-1, count), worth, decay)
    for count in CHAINS
]
mine = nanoseconds(load, states, worth, decay)
fig, ax = figures.subplots()
ax.plot(CHAINS, times, marker="o", label="written by a program")
ax.axhline(mine, color="black", linestyle="--", label="yours")
ax.set(xlabel="chains", ylabel="ns a tick", ylim=(0, None))
ax.legend()
best = CHAINS[int(np.argmin(times))]
figures.show(
    fig,
    f"Time a tick against the number of chains: {times[0]:.2f} ns with one, "
    f"{min(times):.2f} ns with {best}. Yours takes {mine:.2f} ns.",
)
check.predicted(guess, "loop_unrolling_cycles")

# %% [markdown]
# On the left the loop waits for *latency*: each chain waits for itself, and chains overlap. On the flat part it
# waits for *throughput*: the units that multiply and add are busy in every cycle, and one more chain finds none free.
# The slope ends where the chains are as many as the cycles of a step, times the steps that can start in a cycle. On
# this machine these two numbers may differ from the model's.
#
# No flag does this for you. With `fastmath` LLVM may reorder sums, but between two additions here stands a
# multiplication, and LLVM has no rule for that. You had one, the distributive law. What the flag does allow is to
# fuse the multiplication and the addition into one instruction (FMA). A fused step rounds once instead of twice, so
# the last bits may differ. On the modelled core it takes four cycles instead of eight, on newer ones it saves less, and
# each step still waits for the one before.
#
# **Next bottleneck.** All chains do the same, side by side: that is what vector instructions are for.

# %% [markdown] role="explain" grade_id="loop_unrolling_explain" points=2
# ## Interview question
# A loop adds up an array of doubles. You unroll it four times by hand and nothing changes; a colleague unrolls it
# with four accumulators, and it becomes three times as fast. Explain both. Why did the compiler not do the latter,
# and when would it?
#
# ### BEGIN MARK SCHEME
# One point for both observations: with a single accumulator the additions still form one chain, bound by the
# latency of an addition (3 to 4 cycles), and the loop's overhead that was removed ran in its shadow; four
# accumulators are four chains that overlap, up to the number of additions that can start in a cycle.
#
# One point for the compiler: floating-point addition is not associative, so that another order may give another
# result, and a compiler has to keep the one that was written; it reorders for integers, or when it is allowed to
# (`fastmath`, `reassoc`, `-ffast-math`). Half a point for "fastmath" without the reason.
#
# No point for "unrolling saves the loop's comparison and branch": the first observation says that it does not help
# here, and the second loop saves no more of them.
# ### END MARK SCHEME
