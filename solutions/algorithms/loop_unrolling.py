# ---
# perflab:
#   title: Loop unrolling
#   covers: [algorithms/techniques/loop-unrolling]
#   lever: give a loop several accumulators, so that no addition waits for the one right before it
#   stars: 2
#   minutes: 25
#   chapter: algorithms/techniques
# ---

# %% [markdown]
# # Loop unrolling
# The energy service of a phone writes down at each tick in which of 256 states the chip is: which cores are awake,
# at which clock. A table says what a tick costs in each state. Nobody measures; the service adds up, over the
# whole life of the phone. After a year its counter stands near $2^{53}$ nanojoules, and a tick costs less than
# one. A double has 53 bits, so every single tick vanishes in the rounding. A plain sum stands still.
#
# So the service uses W. Kahan's *compensated* sum: it keeps what each rounding has lost and adds it again with the
# next tick. That takes four additions and subtractions a tick, and each of them needs the result of the one
# before. The core could start two of them or more in a cycle, and spends most of its time waiting.
#
# You could allow the compiler to reorder additions, by `fastmath`. What would it make of `(new - total) - wanted`,
# where `new` is `total + wanted`?

# %% role="given" grade_id="loop_unrolling_given"
import numpy as np
from numba import njit

from perflab import check

OLD = (
    2.0**53
)  # nanojoules on the counter of an old phone: the next double is two away


def make_ticks(rng, n=1_200_000, total=OLD):
    """Arguments of one account: the total so far, the state at each of `n` ticks, and the energy of each state."""
    return total, rng.integers(0, 256, n, dtype=np.uint8), rng.random(256)


@njit
def add(total, lost, energy):
    """Add to a total; return the new total, and what its rounding has added too much."""
    wanted = energy - lost
    new = total + wanted
    return new, (new - total) - wanted


@njit
def account_in_line(total, states, energies):
    """Return the total with all ticks, one after the other."""
    lost = 0.0
    for i in range(states.size):
        total, lost = add(total, lost, energies[states[i]])
    return total


# %% role="given" grade_id="loop_unrolling_example"
before, ticks, costs = make_ticks(np.random.default_rng(1), 10_000)
plain = before
for state in ticks:
    plain += costs[state]
print(f"a plain sum: {plain - before:.0f} nJ more")
print(
    f"compensated: {account_in_line(before, ticks, costs) - before:.0f} nJ more"
)

# %% [markdown]
# ## Predict
# Suppose that you keep two totals, each with what it has lost, and give them every other tick. The loop does as
# many additions as before. How many times faster will it be? And with eight totals? Write your guess for eight.

# %% role="predict" grade_id="loop_unrolling_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `account`, which returns what `account_in_line` returns, to the last bit or two: a relative error of
# $10^{-15}$ is allowed, nine nanojoules on an old phone. Any number of ticks may come, also none.
#
# How many totals are worth it? Try some: the picture at the end shows what this machine makes of 1 to 16.
#
# <details><summary>Hint 1</summary>
#
# Writing the body of the loop four times gains nothing if all four copies change the same `total`. Who has to wait
# for whom?
#
# </details>
# <details><summary>Hint 2</summary>
#
# One total starts with `total`, the others with 0, and each has a `lost` of its own. Behind the loop, `add` the
# other totals to the first. Then come the ticks that did not fill a whole round.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Make rows of the ticks: `whole = states.size // 4 * 4`, then `rows = states[:whole].reshape(-1, 4)`. A round is
# `a, lost_a = add(a, lost_a, energies[rows[i, 0]])` and the same for b with `rows[i, 1]`, and so on. (With rows,
# Numba knows that no index is negative. With `states[i + 1]` it may ask each time.)
#
# </details>


# %% role="answer" grade_id="loop_unrolling_answer"
@njit
def account(total, states, energies):
    """Return the total with all ticks, to a relative error of 1e-15.

    Parameters
    ----------
    total : float
        Nanojoules so far.
    states : ndarray of uint8, shape (n,)
        State of the chip at each tick.
    energies : ndarray of float64, shape (256,)
        Nanojoules of a tick in each state, from 0 to 1.

    Returns
    -------
    float
    """
    ### BEGIN SOLUTION
    whole = states.size // 8 * 8
    rows = states[:whole].reshape(-1, 8)
    a = total
    b = c = d = e = f = g = h = 0.0
    lost_a = lost_b = lost_c = lost_d = lost_e = lost_f = lost_g = lost_h = 0.0
    for i in range(rows.shape[0]):
        a, lost_a = add(a, lost_a, energies[rows[i, 0]])
        b, lost_b = add(b, lost_b, energies[rows[i, 1]])
        c, lost_c = add(c, lost_c, energies[rows[i, 2]])
        d, lost_d = add(d, lost_d, energies[rows[i, 3]])
        e, lost_e = add(e, lost_e, energies[rows[i, 4]])
        f, lost_f = add(f, lost_f, energies[rows[i, 5]])
        g, lost_g = add(g, lost_g, energies[rows[i, 6]])
        h, lost_h = add(h, lost_h, energies[rows[i, 7]])
    # What the other totals have lost is far below what the first one still shows.
    for other in (b, c, d, e, f, g, h):
        a, lost_a = add(a, lost_a, other)
    for state in states[whole:]:
        a, lost_a = add(a, lost_a, energies[state])
    return a
    ### END SOLUTION


# %% [markdown]
# ### Does it add up?
# A new phone: its total starts at 0, and it has seen no, one or a few ticks.

# %% role="tests" grade_id="loop_unrolling_correct" points=2
cases = [
    lambda rng, n=n: make_ticks(rng, n, total=0.0)
    for n in (0, 1, 2, 3, 16, 100)
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n: make_ticks(rng, n, total=5.0)
    for n in (5, 6, 7, 8, 9, 15, 17, 31, 63, 65, 1023)
]
### END HIDDEN TESTS
check.correct(account, against=account_in_line, on=cases, rtol=1e-15, points=2)

# %% [markdown]
# ### Does every nanojoule arrive?
# An old phone. What a plain sum loses here is a hundred times what is allowed, and more.

# %% role="tests" grade_id="loop_unrolling_exact" points=2 hints=[2, 2]
old = [lambda rng, n=n: make_ticks(rng, n) for n in (0, 2_000, 20_001)]
### BEGIN HIDDEN TESTS
old += [
    lambda rng, n=n: make_ticks(rng, n, total=2 * OLD)
    for n in (40_003, 200_007)
]
### END HIDDEN TESTS
check.correct(account, against=account_in_line, on=old, rtol=1e-15, points=2)

# %% [markdown]
# ### How much faster is it?
# Both functions account for the same 1,200,000 ticks of an old phone.

# %% role="tests" grade_id="loop_unrolling_speed" points=4
check.faster(
    account,
    than=account_in_line,
    on=make_ticks,
    rtol=1e-15,
    zero=1.4,
    full=2.3,
    points=4,
)

# %% [markdown]
# ## Before and after
# How many totals are best? The loop below is written by a program, for 1 to 16 totals. The dashed line is yours.

# %% role="show" grade_id="loop_unrolling_show"
from perflab import figures, timing

TOTALS = (1, 2, 3, 4, 6, 8, 12, 16)


def with_totals(count):
    """Return the loop with `count` totals, which needs a multiple of `count` ticks."""
    lines = [
        "def unrolled(total, rows, energies):",
        *(f"    s{j} = l{j} = 0.0" for j in range(count)),
        "    s0 += total",
    ]
    lines += ["    for i in range(rows.shape[0]):"]
    lines += [
        f"        s{j}, l{j} = add(s{j}, l{j}, energies[rows[i, {j}]])"
        for j in range(count)
    ]
    lines += [f"    s0, l0 = add(s0, l0, s{j})" for j in range(1, count)]
    names = {"add": add}
    exec("\n".join([*lines, "    return s0"]), names)
    return njit(names["unrolled"])


def nanoseconds(function, states, energies):
    """Return the best time a tick of eight calls, after one that compiles."""
    function(OLD, states, energies)
    return (
        min(
            timing.seconds_of(lambda: function(OLD, states, energies))[0]
            for _ in range(8)
        )
        / states.size
        * 1e9
    )


_, states, energies = make_ticks(np.random.default_rng(), 96_000)
times = [
    nanoseconds(with_totals(count), states.reshape(-1, count), energies)
    for count in TOTALS
]
mine = nanoseconds(account, states, energies)
fig, ax = figures.subplots()
ax.plot(TOTALS, times, marker="o", label="written by a program")
ax.axhline(mine, color="black", linestyle="--", label="yours")
ax.set(xlabel="totals", ylabel="ns a tick", ylim=(0, None))
ax.legend()
best = TOTALS[int(np.argmin(times))]
figures.show(
    fig,
    f"Time a tick against the number of totals: {times[0]:.2f} ns with one, {min(times):.2f} ns with {best}. "
    f"Yours takes {mine:.2f} ns.",
)
check.predicted(guess, "loop_unrolling_speed")

# %% [markdown]
# The curve falls like 1, 1/2, 1/3, and then it lies flat. On the slope the loop waits for *latency*: each total
# is a chain, and chains overlap. On the flat part it waits for *throughput*: the units that add are busy in every
# cycle, and one more chain finds none free. Where the slope ends is the latency of one step, in cycles, times the
# steps that can start in a cycle. Beyond it more totals gain nothing, and with very many of them the registers run
# out.
#
# With `fastmath` the compiler finds that `(new - total) - wanted` is zero, by the algebra of real numbers, and
# takes it out. What is left is a plain sum, very fast, which stands still.
#
# **Next bottleneck.** All four operations of eight totals are the same, side by side: that is what vector
# instructions are for. And ticks could be added in groups of eight before they meet the large total, or merely
# counted, state by state.

# %% [markdown] role="explain" grade_id="loop_unrolling_explain" points=2
# ## Interview question
# A loop adds up an array of doubles. You unroll it four times by hand and nothing changes; a colleague unrolls it
# with four accumulators, and it gets three times faster. Explain both. Why did the compiler not do the latter, and
# when would it?
#
# ### BEGIN MARK SCHEME
# One point for both observations: with a single accumulator the additions still form one chain, bound by the
# latency of an addition (3 to 4 cycles), and the loop's overhead that was removed ran in its shadow; four
# accumulators are four chains that overlap, up to the number of additions that can start in a cycle.
#
# One point for the compiler: floating-point addition is not associative, so that another order may give another
# result, and a compiler has to keep the one that was written; it reorders for integers, or when it is allowed to
# (`fastmath`, `reassoc`, `-ffast-math`). Half a point for "fastmath" without the reason.
# ### END MARK SCHEME
