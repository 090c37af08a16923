# ---
# perflab:
#   title: Lookup table
#   covers: [cpu/branch-prediction/branchless-programming-techniques]
#   lever: put every outcome of a decision into a small table, and load it where you would branch
#   stars: 2
#   minutes: 25
#   chapter: cpu/branch-prediction
# ---

# %% [markdown]
# # Lookup table
# Processes that talk over a message bus address each other by names, and a name may hold nothing but letters and
# digits. A file, a device or a window whose name has other bytes is escaped: each of them becomes an underscore
# and two hexadecimal digits, so that `a b` becomes `a_20b`.
#
# Names made by people are mostly letters. Names made by machines, such as hashes and keys, are not: here about six
# in ten bytes may stay. The function below asks several questions about each byte, and random bytes answer at
# random. Every wrong guess throws away the work of some twenty cycles.

# %% role="given" grade_id="lookup_table_given"
import numpy as np
from numba import njit

from perflab import check

DIGITS, CAPITALS, LETTERS = (
    (48, 57),
    (65, 90),
    (97, 122),
)  # first and last byte of each range that may stay
UNDERSCORE, ZERO, A = 95, 48, 97
PLAIN = np.array(
    [
        byte
        for first, last in (DIGITS, CAPITALS, LETTERS)
        for byte in range(first, last + 1)
    ],
    np.uint8,
)


def make_name(rng, n=500_000, plain=0.5):
    """Arguments of one escape: bytes, `plain` of them letters and digits and the others anything, and room."""
    die, anything = rng.integers(0, 256, (2, n), dtype=np.uint8)
    name = np.where(die < 256 * plain, PLAIN[anything % PLAIN.size], anything)
    return name, np.empty(3 * n, np.uint8)


@njit
def escape_branchy(name, out):
    """Return `name` escaped, at the start of `out`."""
    end = 0
    for i in range(name.size):
        c = name[i]
        if 97 <= c <= 122 or 65 <= c <= 90 or 48 <= c <= 57:
            out[end] = c
            end += 1
        else:
            high, low = c >> 4, c & 15
            out[end] = UNDERSCORE
            out[end + 1] = ZERO + high if high < 10 else A - 10 + high
            out[end + 2] = ZERO + low if low < 10 else A - 10 + low
            end += 3
    return out[:end]


# %% role="given" grade_id="lookup_table_example"
some = np.frombuffer(b"seat0 (left)", np.uint8)
print(bytes(escape_branchy(some, np.empty(3 * some.size, np.uint8))).decode())

# %% [markdown]
# ## Predict
# A byte has 256 values, so there are 256 answers, and none of them ever changes. Suppose that they lay in a table.
# How many times faster would the loop be? Write your guess before you measure anything.

# %% role="predict" grade_id="lookup_table_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `escape`, which returns what `escape_branchy` returns. You may write into all of `out`, which has room for
# three bytes a byte of the name; only the part that you return is looked at. If you need a table, build it at the
# start of the call: next to 500,000 bytes, 256 entries cost nothing.
#
# The tests ask three questions. Is it correct? How often does a predictor guess wrong? How much faster is it?
#
# <details><summary>Hint 1</summary>
#
# Which parts of the answer depend on the byte? The bytes that are written, and how many of them there are.
# Anything that depends on nothing but one byte fits into a table of 256 entries.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A table of "may stay" is not enough: then one `if` is left, and it is the one that nobody can guess. As long as
# you write a different number of bytes in each case, you branch. What if you always wrote three, and only moved on
# by one or by three?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Fill `text = np.empty((256, 3), np.uint8)` and `width = np.empty(256, np.uint8)` first. Then, for each byte c,
# copy `text[c, 0]`, `text[c, 1]` and `text[c, 2]` to `out[end]` and the two places behind it, and add `width[c]`
# to `end`. Where the width is 1, the next byte overwrites what was too much.
#
# </details>


# %% role="answer" grade_id="lookup_table_answer"
@njit
def escape(name, out):
    """Return `name` escaped, at the start of `out`.

    Parameters
    ----------
    name : ndarray of uint8, shape (n,)
    out : ndarray of uint8, shape (3 * n,)
        Scratch: what lies behind the part that is returned does not matter.

    Returns
    -------
    ndarray of uint8
        The first elements of `out`.
    """
    ### BEGIN SOLUTION
    text = np.empty((256, 3), np.uint8)
    width = np.full(256, 3, np.uint8)
    for c in range(256):
        text[c, 0] = UNDERSCORE
        for k, digit in ((1, c >> 4), (2, c & 15)):
            text[c, k] = ZERO + digit if digit < 10 else A - 10 + digit
    for c in PLAIN:
        text[c, 0], width[c] = c, 1
    end, one, two = (
        np.uintp(0),
        np.uintp(1),
        np.uintp(2),
    )  # unsigned: Numba need not ask whether they are negative
    for i in range(name.size):
        c = name[i]
        # Loads first: for all that the compiler knows, a store might change the tables.
        x, y, z, wide = text[c, 0], text[c, 1], text[c, 2], width[c]
        out[end] = x
        out[end + one] = y
        out[end + two] = z
        end += np.uintp(wide)
    return out[:end]
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Names of no, one and a few bytes, all 256 bytes in order, and names without any letter.

# %% role="tests" grade_id="lookup_table_correct" points=3
cases = [lambda rng, n=n: make_name(rng, n) for n in (0, 1, 12)]
cases += [lambda rng: (np.arange(256, dtype=np.uint8), np.empty(768, np.uint8))]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, p=p: make_name(rng, n, p)
    for n, p in ((100, 0.0), (100, 1.0), (1001, 0.5))
]
### END HIDDEN TESTS
check.correct(escape, against=escape_branchy, on=cases, points=3)

# %% [markdown]
# ### How often is a guess wrong?
# Your function escapes 10,000 bytes while its branches are watched and put to a simulated predictor, with a
# counter for each branch. It gets more than 10,000 branches of the slow loop wrong. Nothing is timed here.


# %% role="tests" grade_id="lookup_table_guesses" points=2
def short_name(rng):
    return make_name(rng, 10_000)


check.counts(
    escape,
    "mispredictions:bimodal",
    on=short_name,
    zero=6000,
    full=600,
    points=2,
)

# %% [markdown]
# ### How much faster is it?
# Both functions escape the same 500,000 bytes.

# %% role="tests" grade_id="lookup_table_speed" points=3
check.faster(
    escape, than=escape_branchy, on=make_name, zero=1.5, full=2.4, points=3
)

# %% [markdown]
# ## Before and after
# Time a byte against the share of bytes that may stay. A table costs the same for every byte. The branches cost
# most where their answers are mixed, and little where one answer is nearly certain.

# %% role="show" grade_id="lookup_table_show"
from perflab import figures, timing

SHARES = np.linspace(0, 1, 9)


def nanoseconds(function, name, out):
    """Return the best time a byte of four calls."""
    return (
        min(timing.seconds_of(lambda: function(name, out))[0] for _ in range(4))
        / name.size
        * 1e9
    )


rng = np.random.default_rng()
times = {"branchy": [], "yours": []}
for share in SHARES:
    name, out = make_name(rng, 200_000, share)
    for label, function in (("branchy", escape_branchy), ("yours", escape)):
        times[label].append(nanoseconds(function, name, out))
fig, ax = figures.subplots()
for label, values in times.items():
    ax.plot(100 * SHARES, values, label=label)
ax.set(
    xlabel="bytes drawn from letters and digits (%)",
    ylabel="ns a byte",
    ylim=(0, None),
)
ax.legend()
figures.show(
    fig,
    f"Time a byte against the share of letters and digits. The branchy loop takes {min(times['branchy']):.1f} to "
    f"{max(times['branchy']):.1f} ns; yours takes {min(times['yours']):.1f} to {max(times['yours']):.1f} ns.",
)
check.predicted(guess, "lookup_table_speed")

# %% [markdown]
# A table of a kilobyte stays in the nearest cache, and a load from there takes about five cycles. It may: the next
# byte does not wait for it. All that has to wait is `end`, one addition a byte.
#
# A table is no cure for everything. One of 64 KB, for pairs of bytes, would push out of the cache what the rest of
# the program needs; a benchmark of the loop alone would never show it. And where the processor has an instruction
# for the question, such as counting the bits of a word, no table comes near it.
#
# **Next bottleneck.** Three writes a byte, of which most are overwritten at once. Vector instructions classify 32
# bytes at a time; the chapter on them goes on there.

# %% [markdown] role="explain" grade_id="lookup_table_explain" points=2
# ## Interview question
# A parser decides what to do with each byte through a `switch` with 256 cases, which the compiler turned into a
# jump through a table of addresses. Is that the same as your lookup table? What does each of the two cost on
# random and on regular input?
#
# ### BEGIN MARK SCHEME
# One point for the difference: a jump table still transfers control, so the *target* of the indirect jump has to
# be predicted, and a wrong target costs as much as a wrong direction (or more, as the front end has to fetch from
# elsewhere); a table of data is a load, and nothing is guessed.
#
# One point for the cost: on random input a misprediction nearly every byte for the jump, against a constant few
# cycles, often overlapped, for the load; on regular input the jump is predicted and does only the work that the
# case needs, while the table does the same for all. Half a point if only one of the two inputs is treated.
# ### END MARK SCHEME
