# ---
# perflab:
#   title: Lookup table
#   covers: [cpu/branch-prediction/branchless-programming-techniques]
#   lever: put every outcome of a decision into a small table, and load it where you would decide
#   stars: 2
#   minutes: 35
#   chapter: cpu/branch-prediction
# ---

# %% [markdown]
# # Lookup table
# Processes that talk over a message bus address each other by names. Which bytes a name may hold, the administrator
# of the bus writes into a configuration: a list of ranges, in any order, some of which may overlap. A byte that lies in
# none of them is escaped: it becomes an underscore and two hexadecimal digits, so that `a b` becomes `a_20b`.
#
# Names made by people are mostly letters. Names made by machines, such as hashes and keys, hold any bytes. The
# function below asks for each byte whether it lies in the first range, in the second, and so on. Each question is a
# comparison with what the configuration says, and random bytes answer at random.

# %% role="given" grade_id="lookup_table_given"
import numpy as np
from numba import njit

from perflab import check

UNDERSCORE, ZERO, A = 95, 48, 97


def make_name(rng, n=100_000, ranges=24):
    """Arguments of one escape: any bytes, the ranges that may stay, room."""
    edges = np.sort(rng.choice(257, 2 * ranges, replace=False))
    stay = np.stack([edges[::2], edges[1::2] - 1], axis=1).astype(np.uint8)
    name = rng.integers(0, 256, n, dtype=np.uint8)
    return name, rng.permutation(stay), np.empty(3 * n, np.uint8)


@njit
def escape_branchy(name, ranges, out):
    """Return `name` escaped, at the start of `out`."""
    end = 0
    for i in range(name.size):
        c = name[i]
        stays = False
        for k in range(ranges.shape[0]):
            if ranges[k, 0] <= c <= ranges[k, 1]:
                stays = True
                break
        if stays:
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
letters_and_digits = np.array([(48, 57), (65, 90), (97, 122)], np.uint8)
room = np.empty(3 * some.size, np.uint8)
print(bytes(escape_branchy(some, letters_and_digits, room)).decode())

# %% [markdown]
# ## Predict
# The slow loop reads a byte of the name, one or both ends of range after range, and writes one byte or three: with 120
# ranges, about 140 accesses for each byte of the name. How many accesses will your function make for a name of 4,000
# bytes? Write your guess before you measure anything.

# %% role="predict" grade_id="lookup_table_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `escape`, which returns what `escape_branchy` returns. You may write into all of `out`, which has room for
# three bytes a byte of the name; only the part that you return is looked at. Each call brings ranges of its own. So if
# you need something beside, make it at the start of the call: next to 100,000 bytes, some hundred steps cost nothing.
#
# Four tests follow, and each says its target. Is it correct? How many elements does it read and write? How often does
# a predictor guess wrong? And is it faster by the clock?
#
# <details><summary>Hint 1</summary>
#
# A byte has 256 values, so there are 256 answers, and within one call none of them changes. How often does the slow
# loop find out the same answer?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Which parts of the answer depend on the byte? The bytes that are written, and how many of them there are. Anything
# that depends on nothing but one byte fits into a table of 256 entries. Go through the *ranges* once, and not through
# the bytes, to fill it.
#
# </details>
# <details><summary>Hint 3</summary>
#
# A table of "may stay" ends the search, but an `if` on what it says is the branch that nobody can guess. As long as
# you *decide* how many bytes to write, you branch. Let numbers say it: keep what to write in one table, three bytes
# for each value, and how many of them count in another. Always write three, and move on by what the second table
# says: where that is one, the next byte overwrites what was too much. (Or compute the three bytes and their number
# from a table of zeros and ones.) Write the three one by one: an assignment to a slice has a price in each round.
#
# </details>


# %% role="answer" grade_id="lookup_table_answer"
@njit
def escape(name, ranges, out):
    """Return `name` escaped, at the start of `out`.

    Parameters
    ----------
    name : ndarray of uint8, shape (n,)
    ranges : ndarray of uint8, shape (k, 2)
        First and last byte of each range that may stay; k may be 0.
    out : ndarray of uint8, shape (3 * n,)
        Scratch: what lies behind the returned part does not matter.

    Returns
    -------
    ndarray of uint8
        The first elements of `out`; to copy them costs accesses.
    """
    ### BEGIN SOLUTION
    text = np.empty((256, 3), np.uint8)
    width = np.empty(256, np.uint8)
    for c in range(256):
        high, low = c >> 4, c & 15
        text[c, 0] = UNDERSCORE
        text[c, 1] = ZERO + high if high < 10 else A - 10 + high
        text[c, 2] = ZERO + low if low < 10 else A - 10 + low
        width[c] = 3
    for k in range(ranges.shape[0]):
        for c in range(ranges[k, 0], np.int64(ranges[k, 1]) + 1):
            text[c, 0] = c
            width[c] = 1
    # Unsigned: Numba need not ask whether they are negative.
    end, one, two = np.uintp(0), np.uintp(1), np.uintp(2)
    for i in range(name.size):
        c = name[i]
        # Loads first: as far as the compiler knows, a store might change
        # the tables.
        x, y, z, wide = text[c, 0], text[c, 1], text[c, 2], width[c]
        out[end] = x
        out[end + one] = y
        out[end + two] = z
        end += np.uintp(wide)
    return out[:end]
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Names of no, one and a few bytes; all 256 bytes in order; no ranges, one range that holds every byte, and ranges that
# overlap.

# %% role="tests" grade_id="lookup_table_correct" points=1 hints=[1, 2]
cases = [lambda rng, n=n: make_name(rng, n) for n in (0, 1, 12)]
cases += [
    lambda rng, stay=stay: (
        np.arange(256, dtype=np.uint8),
        np.array(stay, np.uint8).reshape(-1, 2),
        np.empty(768, np.uint8),
    )
    for stay in (
        [],
        [(0, 255)],
        [(97, 122), (48, 57), (65, 90)],
        [(97, 122), (100, 110), (90, 104)],
    )
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, k=k: make_name(rng, n, k)
    for n, k in ((100, 1), (100, 100), (1001, 24))
]
### END HIDDEN TESTS
check.correct(escape, against=escape_branchy, on=cases, points=1)

# %% [markdown]
# ### How much does it read and write?
# Every element that your function reads or writes while it escapes 4,000 bytes, of tables too. There are 120 ranges.
# The slow loop makes some 550,000 accesses. Points begin below 37,000; 35,500 earn all. Nothing is timed here.


# %% role="tests" grade_id="lookup_table_accesses" points=4.5 hints=[1, 2]
def short_name(rng):
    return make_name(rng, 4_000, 120)


check.counts(
    escape,
    "accesses",
    on=short_name,
    zero=37_000,
    full=35_500,
    points=4.5,
)

# %% [markdown]
# ### How often is a guess wrong?
# Your function escapes the same bytes while its branches are watched and put to a simulated predictor, with a counter
# of two bits for each branch. It gets some 8,000 of the slow loop's branches wrong. Points begin below 1,200; 300 earn
# all.
#
# The model reads your source, not the machine code. An `if`, the end of a loop, `and`, and a conditional expression
# `x if a else y` are branches to it, although a compiler turns some of them into selects. A comparison that you
# calculate with is none. (Otherwise than in the branchless partition, where machine code is read.)

# %% role="tests" grade_id="lookup_table_guesses" points=1.5 hints=[3, 3]
check.counts(
    escape,
    "mispredictions:bimodal",
    on=short_name,
    zero=1200,
    full=300,
    points=1.5,
)

# %% [markdown]
# ### Is it faster?
# Both functions escape the same 100,000 bytes. Points begin beyond 5 times as fast; 10 times earn all.

# %% role="tests" grade_id="lookup_table_speed" points=1 hints=[3, 3]
check.faster(
    escape, than=escape_branchy, on=make_name, zero=5.0, full=10.0, points=1
)

# %% [markdown]
# ## Before and after
# Time a byte against the number of ranges in the configuration.

# %% role="show" grade_id="lookup_table_show"
from perflab import figures, timing

RANGES = (1, 2, 4, 8, 16, 32, 64)


def nanoseconds(function, name, ranges, out):
    """Return the best time a byte of four calls."""
    seconds = [
        timing.seconds_of(lambda: function(name, ranges, out))[0]
        for _ in range(4)
    ]
    return min(seconds) / name.size * 1e9


rng = np.random.default_rng()
times = {"branchy": [], "yours": []}
for count in RANGES:
    case = make_name(rng, 50_000, count)
    for label, function in (("branchy", escape_branchy), ("yours", escape)):
        times[label].append(nanoseconds(function, *case))
fig, ax = figures.subplots()
for label, values in times.items():
    ax.plot(RANGES, values, marker="o", label=label)
ax.set(xscale="log", xlabel="ranges", ylabel="ns a byte", ylim=(0, None))
ax.set_xticks(RANGES, [str(count) for count in RANGES])
ax.minorticks_off()
ax.legend()
branchy, yours = times["branchy"], times["yours"]
figures.show(
    fig,
    "Time a byte against the number of ranges. The branchy loop takes "
    f"{branchy[0]:.1f} ns with one and {branchy[-1]:.1f} ns with "
    f"{RANGES[-1]}; yours takes {min(yours):.1f} to {max(yours):.1f} ns.",
)
check.predicted(guess, "lookup_table_accesses")

# %% [markdown]
# The table turns ten ranges or a hundred into the same work for each byte. That is what scanners, regular expressions
# over bytes and packet filters do with a configuration: they compile it into tables once.
#
# A table of a kilobyte stays in the nearest cache, and a load from there takes about five cycles. That is harmless:
# the next byte does not wait for it. All that the next byte waits for is `end`, one addition.
#
# A table is no cure for everything. One of 64 KB, for pairs of bytes, would push out of the cache what the rest of
# the program needs; a benchmark of the loop alone would never show it. And where the processor has an instruction
# for the question, such as counting the bits of a word, take that.
#
# **Next bottleneck.** Three writes a byte, of which most are overwritten at once. Vector instructions classify 32
# bytes at a time; a later chapter goes on there.

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
#
# Nothing for "both are tables, so both take constant time".
# ### END MARK SCHEME
