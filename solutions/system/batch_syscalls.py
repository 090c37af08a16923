# ---
# perflab:
#   title: Batched system calls
#   covers: [system/syscalls/batching-system-calls, system/syscalls/avoiding-unnecessary-syscalls]
#   lever: one call for neighbors, and none for what you know already
#   stars: 2
#   minutes: 25
#   chapter: system/syscalls
# ---

# %% [markdown]
# # Batched system calls
# A contacts service keeps its records in a file, one of 64 bytes after the other. A list view asks for the rows
# that it is about to show. Sorted by name, they lie in small groups all over the file: a family here, a company
# there.
#
# The first version of the service takes two trips into the kernel for each row, one to say where and one to
# read. Each of them costs more than the 64 bytes that it brings.

# %% role="given" grade_id="batch_syscalls_given"
import os

import numpy as np

from perflab import check

RECORD = 64  # bytes


def make_rows(rng, groups=40, rows=15, records=60_000):
    """Arguments of one request: a file of records, and the rows that are wanted.

    They come in `groups` of about `rows` that lie close together, with gaps of a few records, in no order.
    """
    content = rng.bytes(records * RECORD)
    if groups == 0:
        return check.file(content), np.empty(0, np.int64)
    first = rng.choice(records // 1000, groups, replace=False) * 1000
    steps = rng.integers(1, 5, (groups, rows))
    wanted = (first[:, None] + steps.cumsum(1)).reshape(-1)
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
# ## Predict
# The rows lie in 40 groups of fifteen. How many times fewer system calls can you make, if you do not read much
# more than you need?

# %% role="predict" grade_id="batch_syscalls_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `fetch(file, rows)` returns the same array with few system calls. Do not read the whole file: it has 4 MB, you
# need 40 KB, and memory is not yours alone.
#
# <details><summary>Hint 1</summary>
#
# Half of the calls carry nothing. Which one says only where to read? `os.pread(table, size, place)` says both.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two rows that lie close together can come with one call, and so can the few records between them: 200 bytes more
# cost less than a second call. Sort the rows first; then neighbors are next to each other. Where does a group end?
#
# </details>
# <details><summary>Hint 3</summary>
#
# `order = np.argsort(rows)` and `wanted = rows[order]`. A group begins wherever `np.diff(wanted)` is larger than,
# say, 50. Read from the first to the last record of a group with one `os.pread`, turn the bytes into an array with
# a record a row, and pick `wanted[first:last] - wanted[first]` from it for the places `order[first:last]`.
#
# </details>


# %% role="answer" grade_id="batch_syscalls_answer"
def fetch(file, rows):
    """Return the wanted records, one a row, in the order of `rows`; few system calls, and few bytes too many.

    Parameters
    ----------
    file : path
    rows : ndarray of int64, shape (n,)

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
    cuts = [0, *(np.flatnonzero(np.diff(wanted) > 50) + 1).tolist(), rows.size]
    table = os.open(file, os.O_RDONLY)
    for first, last in zip(cuts, cuts[1:]):  # noqa: B905, RUF007
        low, high = int(wanted[first]), int(wanted[last - 1]) + 1
        block = np.frombuffer(
            os.pread(table, (high - low) * RECORD, low * RECORD), np.uint8
        )
        records[order[first:last]] = block.reshape(-1, RECORD)[
            wanted[first:last] - low
        ]
    os.close(table)
    return records
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# No row, one, some; rows that are asked for twice; rows that lie anywhere.


# %% role="tests" grade_id="batch_syscalls_correct" points=1
def small(rng, groups, rows):
    return make_rows(rng, groups, rows, records=10_000)


cases = [
    lambda rng: small(rng, 0, 0),
    lambda rng: small(rng, 1, 1),
    lambda rng: small(rng, 5, 6),
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: small(rng, 10, 15),
    lambda rng: small(rng, 1, 200),
    lambda rng: small(rng, 8, 1),
]
cases += [lambda rng: (small(rng, 1, 1)[0], rng.integers(0, 10_000, 200))]
cases += [
    lambda rng: (small(rng, 1, 1)[0], np.array([9_999, 0, 9_999, 5, 5, 4]))
]
### END HIDDEN TESTS
check.correct(fetch, against=fetch_each, on=cases, points=1)

# %% [markdown]
# ### How many calls does it make?
# All system calls, counted from outside, against those of `fetch_each`.

# %% role="tests" grade_id="batch_syscalls_calls" points=4
check.counts(
    fetch,
    "syscalls",
    than=fetch_each,
    on=make_rows,
    zero=2.5,
    full=15,
    points=4,
)

# %% [markdown]
# ### How many bytes does it read?
# `fetch_each` reads what it needs and no more. Those bytes, as a share of yours. You may map the file in place of
# reading it: a mapping counts with all its bytes, since whatever you touch of them comes without a call.

# %% role="tests" grade_id="batch_syscalls_bytes" points=2 hints=[2, 3]
check.counts(
    fetch,
    "read_bytes",
    than=fetch_each,
    on=make_rows,
    zero=0.05,
    full=0.3,
    points=2,
)


# %% [markdown]
# ### Is it faster?
# On the wall clock, for 8,000 rows.


# %% role="tests" grade_id="batch_syscalls_speed" points=2
def make_many(rng):
    return make_rows(rng, rows=200)


check.faster(
    fetch,
    than=fetch_each,
    on=make_many,
    clock="wall",
    zero=2.5,
    full=4,
    points=2,
)

# %% [markdown]
# ## Before and after
# How large may a gap be that you read rather than skip? Here are all choices, from none to the whole file: what
# the calls cost and what the bytes cost pull in opposite directions, and between them is a wide valley.

# %% role="show" grade_id="batch_syscalls_show"
import tempfile
import time

from perflab import figures

_, rows = make_rows(np.random.default_rng(1))
wanted = np.sort(rows)
GAPS = [1, 2, 4, 10, 50, 500, 2_000, 60_000]
milliseconds, calls = [], []
with tempfile.TemporaryFile(buffering=0) as table:
    table.write(np.random.default_rng(2).bytes(60_000 * RECORD))
    for gap in GAPS:
        edges = [
            0,
            *(np.flatnonzero(np.diff(wanted) > gap) + 1).tolist(),
            wanted.size,
        ]
        spans = [
            (int(wanted[edges[k]]), int(wanted[edges[k + 1] - 1]) + 1)
            for k in range(len(edges) - 1)
        ]
        runs = []
        for _ in range(7):
            start = time.perf_counter()
            for low, high in spans:
                os.pread(table.fileno(), (high - low) * RECORD, low * RECORD)
            runs.append(time.perf_counter() - start)
        milliseconds.append(min(runs) * 1e3)
        calls.append(len(spans))
fig, ax = figures.subplots()
ax.plot(GAPS, milliseconds, marker="o")
for gap, took, number in zip(GAPS, milliseconds, calls, strict=True):
    ax.annotate(
        f"{number}",
        (gap, took),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
ax.set(
    xscale="log",
    yscale="log",
    xlabel="largest gap that is read, in records",
    ylabel="ms for 600 rows",
)
ax.set_title("Too many calls, or too many bytes")
ax.margins(y=0.2)
ax.grid(True)
best = int(np.argmin(milliseconds))
figures.show(
    fig,
    f"Time for 600 rows against the largest gap that is read: {milliseconds[0]:.2g} ms with {calls[0]} calls, "
    f"{milliseconds[best]:.2g} ms with {calls[best]} calls, {milliseconds[-1]:.2g} ms with {calls[-1]}.",
)
check.predicted(guess, "batch_syscalls_calls")

# %% [markdown]
# **Next bottleneck.** The rows of a view are known at once, so a batch makes nobody wait. An event that has to be
# stamped cannot wait for company. There the call itself has to become cheap: `cheap_clock`.

# %% [markdown] role="explain" grade_id="batch_syscalls_explain" points=2
# ## Interview question
# Your service merges requests whose gap is below 50 records. Where does the number come from, and what would you
# choose for a disk that spins, and for a file that is mapped into memory?
#
# ### BEGIN MARK SCHEME
# One point: the gap is worth reading as long as its bytes cost less than another call. Break-even is the price of
# a call divided by the price of a byte, both measured (some hundred ns over some hundredths of a ns a byte: KBs).
#
# One point for both others: where a separate request costs milliseconds (a seek, a network), the same formula
# gives gaps of hundreds of KB and more, as long as memory lasts; with a mapping there is no call a row at all,
# and the unit is the page: sort by page, fault once, say what will be needed (madvise).
# ### END MARK SCHEME
