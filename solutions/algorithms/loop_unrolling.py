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
# A service that keeps folders in step sends no block that the other side has. So both sides compare fingerprints.
# A fingerprint reads its bytes as the coefficients of a polynomial, and evaluates it by Horner's rule: multiply by
# a factor, add the next byte. The factor is secret, so that nobody can make two blocks with the same fingerprint on
# purpose. Integers of 64 bits wrap around, and that is part of the definition.
#
# Java's `String.hashCode` is such a fingerprint, with the factor 31. Each step needs the result of the step before:
# a multiplication of three cycles and an addition of one. The core could start a multiplication in every cycle. The
# loop keeps it waiting for three of four. In 2022 the developers of Java rewrote theirs, under the title "unroll by
# hand".

# %% role="given" grade_id="loop_unrolling_given"
import numpy as np
from numba import njit

from perflab import check


def make_block(rng, n=3_000_000):
    """Return the bytes of a block, and a secret odd factor."""
    data = rng.integers(0, 256, n, dtype=np.uint8)
    return data, int(rng.integers(1 << 60, 1 << 62)) | 1


@njit
def fingerprint_in_line(data, factor):
    """Return the fingerprint of some bytes, by one step after the other."""
    found = 0
    for i in range(data.size):
        found = found * factor + data[i]
    return found


# %% role="given" grade_id="loop_unrolling_example"
word = np.array(list(b"unrolled"), np.uint8)
print(fingerprint_in_line(word, 31), "with the factor 31")

# %% [markdown]
# ## Predict
# On paper: how many times as fast can it be, if no multiplication has to wait for another one? Write your guess.

# %% role="predict" grade_id="loop_unrolling_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `fingerprint`, which returns what `fingerprint_in_line` returns, exactly. Any number of bytes may come, also
# none. Any way to break the chain is right.
#
# The tests ask three questions. Is it correct? How many cycles do its loops need on a modelled core? How many times
# as fast is it on this machine? Full points need 3.8 times fewer cycles on the model, and twice the speed here, where
# other programs may share the multiplier.
#
# The model reads the loops of `fingerprint` itself. It refuses what hides a loop from it: a helper function or a
# library function that goes over the bytes.
#
# <details><summary>Hint 1</summary>
#
# Writing the body of the loop four times gains nothing if all four copies change the same number. Who has to wait
# for whom?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Write the fingerprint of six bytes as a polynomial. Sort its terms: those with even powers of the factor, and those
# with odd ones. Each half is a polynomial too. In which number?
#
# </details>
# <details><summary>Hint 3</summary>
#
# With k chains, each takes every k-th byte and multiplies by a power of the factor, which you compute before the
# loop. Behind the loop Horner's rule joins the chains. Then come the bytes that did not fill a whole round, as in
# the slow loop. How large k should be, you know: it is the length of a step in cycles times the steps that can start
# in a cycle. Make rows of k bytes by `reshape`: with rows, Numba knows that no index is negative. With `data[i + 1]`
# it may test each.
#
# </details>


# %% role="answer" grade_id="loop_unrolling_answer"
@njit
def fingerprint(data, factor):
    """Return the fingerprint of some bytes, modulo 2**64.

    Parameters
    ----------
    data : ndarray of uint8, shape (n,)
    factor : int

    Returns
    -------
    int
        By Horner's rule: 0, times the factor, plus the first byte, and so on.
    """
    ### BEGIN SOLUTION
    whole = data.size // 4 * 4
    rows = data[:whole].reshape(-1, 4)
    leap = factor * factor * factor * factor
    a = b = c = d = 0
    for i in range(rows.shape[0]):
        a = a * leap + rows[i, 0]
        b = b * leap + rows[i, 1]
        c = c * leap + rows[i, 2]
        d = d * leap + rows[i, 3]
    found = ((a * factor + b) * factor + c) * factor + d
    for i in range(whole, data.size):
        found = found * factor + data[i]
    return found
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# No bytes, one byte, and a few.

# %% role="tests" grade_id="loop_unrolling_correct" points=2
cases = [lambda rng, n=n: make_block(rng, n) for n in (0, 1, 2, 3, 16, 100)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n: make_block(rng, n)
    for n in (5, 6, 7, 8, 9, 15, 17, 31, 63, 65, 257, 1023)
]
### END HIDDEN TESTS
check.correct(fingerprint, against=fingerprint_in_line, on=cases, points=2)

# %% [markdown]
# ### How many cycles does it need?
# Counted by a model of a core: a multiplication takes three cycles, and one starts in each; an addition takes one;
# four instructions enter in a cycle; there are no vectors. The slow loop needs four cycles a byte.


# %% role="tests" grade_id="loop_unrolling_cycles" points=4 hints=[1, 3]
def small_block(rng):
    return make_block(rng, 16_387)


check.counts(
    fingerprint,
    "cycles",
    than=fingerprint_in_line,
    on=small_block,
    zero=1.1,
    full=3.8,
    points=4,
)

# %% [markdown]
# ### How many times as fast is it?
# Both functions read the same 3,000,000 bytes.

# %% role="tests" grade_id="loop_unrolling_speed" points=2
check.faster(
    fingerprint,
    than=fingerprint_in_line,
    on=make_block,
    zero=1.34,
    full=2.0,
    points=2,
)

# %% [markdown]
# ## Before and after
# How many chains are best? The loop below is written by a program, for 1 to 12 chains. The dashed line is yours.

# %% role="show" grade_id="loop_unrolling_show"
from perflab import figures, timing

CHAINS = (1, 2, 3, 4, 6, 8, 12)


def with_chains(count):
    """Return the loop with `count` chains, which needs rows of as many."""
    lines = ["def unrolled(rows, leap):"]
    lines += [f"    s{j} = 0" for j in range(count)]
    lines += ["    for i in range(rows.shape[0]):"]
    lines += [
        f"        s{j} = s{j} * leap + rows[i, {j}]" for j in range(count)
    ]
    names = {}
    total = " ^ ".join(f"s{j}" for j in range(count))
    exec("\n".join([*lines, f"    return {total}"]), names)
    return njit(names["unrolled"])


def nanoseconds(function, data, factor):
    """Return the best time a byte of eight calls, after one that compiles."""
    function(data, factor)
    seconds = [
        timing.seconds_of(lambda: function(data, factor))[0] for _ in range(8)
    ]
    return min(seconds) / data.size * 1e9


data, factor = make_block(np.random.default_rng(), 96_000)
times = [
    nanoseconds(with_chains(count), data.reshape(-1, count), factor)
    for count in CHAINS
]
mine = nanoseconds(fingerprint, data, factor)
fig, ax = figures.subplots()
ax.plot(CHAINS, times, marker="o", label="written by a program")
ax.axhline(mine, color="black", linestyle="--", label="yours")
ax.set(xlabel="chains", ylabel="ns a byte", ylim=(0, None))
ax.legend()
best = CHAINS[int(np.argmin(times))]
figures.show(
    fig,
    f"Time a byte against the number of chains: {times[0]:.2f} ns with one, "
    f"{min(times):.2f} ns with {best}. Yours takes {mine:.2f} ns.",
)
check.predicted(guess, "loop_unrolling_speed")

# %% [markdown]
# On the left the loop waits for *latency*: each chain waits for itself, and chains overlap. On the flat part it
# waits for *throughput*: the multiplier starts a multiplication in every cycle, and one more chain finds no free
# cycle. The slope ends where the chains are as many as the cycles of a step, times the steps that can start in a
# cycle.
#
# LLVM reorders sums of integers on its own. This loop is no sum: between two additions stands a multiplication, and
# LLVM has no rule for that. You had one, the distributive law.
#
# **Next bottleneck.** One multiplier. Vector instructions have several, and the chains lie side by side already:
# this is how Java computes its hash codes now.

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
