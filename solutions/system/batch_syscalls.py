# ---
# perflab:
#   title: Batched system calls
#   covers: [system/syscalls/batching-system-calls, system/syscalls/avoiding-unnecessary-syscalls]
#   lever: one call for neighbors, as long as the bytes between them cost less than another call
#   stars: 2
#   minutes: 25
#   chapter: system/syscalls
# ---

# %% [markdown]
# # Batched system calls
# A contacts service keeps its records in a file, one of 64 bytes after the other. A list view asks for the rows
# that it is about to show. Sorted by name, they lie all over the file: a family close together, its cousins some
# dozens of records further, a company far away.
#
# The first version of the service makes two system calls for each row, one to say where and one to read. Each of
# them costs more than the 64 bytes that it brings. The other extreme is one call that reads the whole file: then the
# bytes cost more than the calls. Databases and storage engines look for the point between the two each time they
# merge reads.

# %% role="given" grade_id="batch_syscalls_given"
import os

import numpy as np

from perflab import check

RECORD = 64  # bytes
# How many records lie between one wanted row and the next.
NEAR = np.arange(360) % 4
MIDDLE = np.geomspace(8, 60, 160).astype(np.int64)
WIDE = np.append(np.geomspace(100, 160, 40), np.geomspace(160, 500, 30))
FAR = np.geomspace(1_000, 4_000, 9).astype(np.int64)
GAPS = np.concatenate([NEAR, MIDDLE, WIDE.astype(np.int64), FAR])


def make_rows(rng, gaps=GAPS, records=60_000):
    """A file of records, and the rows that are wanted, in no order.

    The same gaps each time, in an order of their own.
    """
    content = rng.bytes(records * RECORD)
    steps = rng.permutation(gaps) + 1
    first = rng.integers(records - steps.sum())
    wanted = first + np.append(0, steps.cumsum())
    return check.file(content), rng.permutation(wanted)


def fetch_each(file, rows):
    """Return the wanted records, one a row, in the order of `rows`."""
    records = np.empty((len(rows), RECORD), np.uint8)
    table = os.open(file, os.O_RDONLY)
    for i, row in enumerate(rows):
        os.lseek(table, int(row) * RECORD, os.SEEK_SET)
        records[i] = np.frombuffer(os.read(table, RECORD), np.uint8)
    os.close(table)
    return records


# %% [markdown]
# `os.lseek` and `os.read` are the system calls themselves.
#
# **The price.** Every system call costs 1, whatever it does: to open the file counts too, and `np.fromfile` and
# `mmap` make several calls each. Bytes that come into your memory cost 1 for each 4,096 of all of them together:
# three reads of 2,048 bytes cost 3 for the calls and 1.5 for the bytes. We set the price of a page to that of a
# call; on your machine a call may be worth more. So `fetch_each` pays some 1,200 for its calls, and 9 for its bytes.
# The whole file costs 940 in bytes alone.
#
# A mapping is paid for like a read of all its bytes, also one that you made before: what you touch of them comes
# without a call. Bytes that the kernel moves for you count like those that it brings, and so does what a thread or
# process of yours does.
#
# ## Predict
# Six hundred rows are wanted. Of the gaps between neighbors, 360 have at most three records, 160 have between 8 and
# 60, 70 have between 100 and 500, and nine have a thousand or more. How many times cheaper than `fetch_each` can you
# be?

# %% role="predict" grade_id="batch_syscalls_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `fetch(file, rows)` returns the same array for a lower price. `rows` may be empty, and may name a row twice. All
# points take a price 7 times lower than that of `fetch_each`.
#
# <details><summary>Hint 1</summary>
#
# Half of the calls carry nothing. Which one says only where to read? The chapter reads with a call that says both.
# That is a beginning; most of the price is still the calls.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two rows that lie close together can come with one call, and so can the few records between them. Compute from the
# price: how many records may lie between two rows before another call is cheaper? And in which order do you have to
# go through the rows, so that neighbors follow each other?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Go through the rows in ascending order, and remember where each of them belongs in the result. As long as the next
# row is nearer than your break-even, the group goes on. When it ends, read from its first record to its last one
# with a single call, view the bytes as an array with a record a row, and copy the wanted records to their places.
# Mind the last group, and a list of no rows.
#
# </details>


# %% role="answer" grade_id="batch_syscalls_answer"
def fetch(file, rows):
    """Return the wanted records, one a row, in the order of `rows`.

    Few system calls, and few bytes too many.

    Parameters
    ----------
    file : path
    rows : ndarray of int64, shape (n,)
        In no order; it may be empty.

    Returns
    -------
    ndarray of uint8, shape (n, RECORD)
    """
    ### BEGIN SOLUTION
    records = np.empty((rows.size, RECORD), np.uint8)
    if rows.size == 0:
        return records
    order = np.argsort(rows)
    wanted = rows[order]
    worth = 4096 // RECORD  # records that cost as much as a call
    ends = np.flatnonzero(np.diff(wanted) > worth) + 1
    table = os.open(file, os.O_RDONLY)
    for places in np.split(order, ends):
        low, high = int(rows[places[0]]), int(rows[places[-1]]) + 1
        block = os.pread(table, (high - low) * RECORD, low * RECORD)
        block = np.frombuffer(block, np.uint8).reshape(-1, RECORD)
        records[places] = block[rows[places] - low]
    os.close(table)
    return records
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# No row, one, some; rows that are asked for twice; rows that lie anywhere; the last row of the file.


# %% role="tests" grade_id="batch_syscalls_correct" points=2
def some(rng, number, far=False):
    """A file, and so many rows of it."""
    gaps = rng.choice(FAR if far else GAPS[: -FAR.size], max(number - 1, 0))
    file, rows = make_rows(rng, gaps, records=24_000)
    return file, rows[:number]


def twice(rng):
    file, rows = some(rng, 6)
    return file, np.concatenate([rows, rows[::-1], [23_999, 0, 23_999]])


cases = [
    lambda rng: some(rng, 0),
    lambda rng: some(rng, 1),
    lambda rng: some(rng, 30),
    twice,
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: some(rng, 150),
    lambda rng: some(rng, 250),
    lambda rng: some(rng, 5, far=True),
]
cases += [lambda rng: (some(rng, 1)[0], rng.integers(0, 24_000, 200))]
### END HIDDEN TESTS
check.correct(fetch, against=fetch_each, on=cases, points=2)

# %% [markdown]
# ### What does it cost?
# The price of `fetch_each` over yours: all system calls, and all bytes by 4,096, counted from outside.

# %% role="tests" grade_id="batch_syscalls_price" points=5
check.counts(
    fetch,
    "calls_and_pages",
    than=fetch_each,
    on=make_rows,
    zero=4,
    full=7,
    points=5,
)

# %% [markdown]
# ## Before and after
# How large may a gap be that you read rather than skip? Here are all choices, from nearly none to all of them, on the
# clock of this machine. What calls cost and what bytes cost pull in opposite directions. The dashed line is predicted
# from two measurements: what a call costs that reads one record, and what a byte costs in a call that reads a
# megabyte.

# %% role="show" grade_id="batch_syscalls_show"
import tempfile
import time

from perflab import figures

_, rows = make_rows(np.random.default_rng(1))
wanted = np.sort(rows)
LIMITS = [1, 2, 4, 16, 32, 64, 128, 256, 1_024, 4_096]


def spans_of(gap):
    """Return where the reads begin and end if gaps up to `gap` are read."""
    ends = np.flatnonzero(np.diff(wanted) > gap) + 1
    return [(part[0], part[-1] + 1) for part in np.split(wanted, ends)]


def milliseconds_of(spans):
    """Return the time of all reads: the best of nine runs."""
    spans = [(int(low), int(high)) for low, high in spans]
    runs = []
    for _ in range(9):
        start = time.perf_counter()
        for low, high in spans:
            os.pread(table.fileno(), (high - low) * RECORD, low * RECORD)
        runs.append(time.perf_counter() - start)
    return min(runs) * 1e3


calls = [len(spans_of(gap)) for gap in LIMITS]
with tempfile.TemporaryFile(buffering=0) as table:
    table.write(np.random.default_rng(2).bytes(60_000 * RECORD))
    took = [milliseconds_of(spans_of(gap)) for gap in LIMITS]
    a_call = milliseconds_of([(k, k + 1) for k in range(1_000)]) / 1_000
    a_record = milliseconds_of([(0, 16_384)]) / 16_384
predicted = a_call / a_record

fig, ax = figures.subplots()
ax.plot(LIMITS, took, marker="o")
for gap, ms, number in zip(LIMITS, took, calls, strict=True):
    ax.annotate(
        f"{number}",
        (gap, ms),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
ax.axvline(predicted, linestyle="--", color="gray")
ax.set(
    xscale="log",
    yscale="log",
    xlabel="largest gap that is read (records)",
    ylabel="time for 600 rows (ms)",
)
ax.set_title("Too many calls, or too many bytes")
ax.margins(y=0.2)
ax.grid(True)
best = int(np.argmin(took))
figures.show(
    fig,
    f"Time for 600 rows against the largest gap that is read: "
    f"{took[0]:.2g} ms with {calls[0]} calls, {took[best]:.2g} ms with "
    f"{calls[best]}, {took[-1]:.2g} ms with {calls[-1]}. "
    f"Predicted break-even: gaps of {predicted:.0f} records.",
)
check.predicted(guess, "batch_syscalls_price")

# %% [markdown]
# Near its lowest point the curve is flat: a gap near the break-even costs about as much either way, so a break-even
# need not be exact. What a wrong one costs depends on how many gaps lie between it and the right one.
#
# **Next bottleneck.** The rows of a view are known at once, so a batch makes nobody wait. An event that needs a time
# stamp cannot wait for others. There the call itself has to become cheap: see the exercise "A cheap clock".

# %% [markdown] role="explain" grade_id="batch_syscalls_explain" points=2
# ## Interview question
# Your service reads gaps of up to 64 records rather than to make another call. Where does such a number come from,
# and what would you choose for a disk that spins, and for a file that is mapped into memory?
#
# ### BEGIN MARK SCHEME
# One point: a gap is worth reading as long as its bytes cost less than another call. Break-even is the price of
# a call divided by the price of a byte, both measured (some hundred ns over some hundredths of a ns a byte: KBs).
#
# One point for both others: where a separate request costs milliseconds (a seek, a network), the same formula
# gives gaps of hundreds of KB and more, as long as memory lasts; with a mapping there is no call a row at all,
# and the unit is the page: sort by page, fault once, say what will be needed (madvise).
#
# Nothing for "as large as possible, since calls are expensive", nor for a number without a measurement behind it.
# ### END MARK SCHEME
