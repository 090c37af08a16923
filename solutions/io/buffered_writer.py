# ---
# perflab:
#   title: A buffered writer
#   covers: [io/batching/batch-i-o-operations, io/batching/buffer-sizing-strategies]
#   lever: gather small records in a buffer, and write when it is full
#   stars: 1
#   minutes: 20
#   chapter: io/batching
# ---

# %% [markdown]
# # A buffered writer
# A framework logs what it does: each frame, each message between processes, each sensor that wakes it up. A record
# has 64 bytes, and there are thousands in a second. The first version of the logger hands each record to the
# system as it comes.
#
# Nothing is slow about the disk here. The system only copies the bytes into its page cache; the disk gets them
# later. What costs is the trip into the kernel and back, once a record.

# %% role="given" grade_id="buffered_writer_given"
import os

import numpy as np

from perflab import check

RECORD = 64  # bytes
BUFFER = 1 << 16  # bytes that the logger may hold back


def make_log(rng, n=6_000):
    """Arguments of one run: an empty file, and `n` records, one a row."""
    return check.file(), rng.integers(0, 256, (n, RECORD), dtype=np.uint8)


def log_each(file, records):
    """Append each record to the file by a call of its own."""
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    for record in records:
        os.write(log, record)
    os.close(log)


# %% [markdown]
# `os.write` is the system call itself: one trip a record.
#
# ## Predict
# How many times faster does a logger get that makes one trip for a thousand records?

# %% role="predict" grade_id="buffered_writer_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `log_buffered(file, records)` writes the same bytes with few calls. It may hold back at most `BUFFER` bytes of
# records: what a logger holds back is lost when its process dies.
#
# The file is there and empty. Open it with `os.open(file, flags)` or `open(file, mode)`, and write to it; do not
# put another one in its place.
#
# <details><summary>Hint 1</summary>
#
# Count the calls of `log_each` for 6,000 records. How many would it be if each one carried 65,536 bytes?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Python has a buffer for you: `open(file, "ab", buffering=BUFFER)` writes when it is full. That saves the trips. A
# call of Python's for each record is left.
#
# </details>
# <details><summary>Hint 3</summary>
#
# The records lie side by side in `records`, so the array is the buffer: `os.write(log, records[first:last])` hands
# over as many rows as you like. How many fit into `BUFFER` bytes?
#
# </details>


# %% role="answer" grade_id="buffered_writer_answer"
def log_buffered(file, records):
    """Append the records to the file, in order, with few calls; hold back at most `BUFFER` bytes."""
    ### BEGIN SOLUTION
    log = os.open(file, os.O_WRONLY | os.O_APPEND)
    for first in range(0, len(records), BUFFER // RECORD):
        os.write(log, records[first : first + BUFFER // RECORD])
    os.close(log)
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# The files are compared byte by byte: no record, one, and many.

# %% role="tests" grade_id="buffered_writer_correct" points=3
cases = [lambda rng, n=n: make_log(rng, n) for n in (0, 1, 3000)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_log(rng, n) for n in (1023, 1024, 1025, 2049)]
cases += [
    lambda rng: (check.file(b"from the last run\n"), make_log(rng, 1500)[1])
]
### END HIDDEN TESTS
check.correct(log_buffered, against=log_each, on=cases, returns=0, points=3)

# %% [markdown]
# ### How many calls does it make?
# Write calls, counted by the kernel, against those of `log_each`.

# %% role="tests" grade_id="buffered_writer_calls" points=3 hints=[1, 2]
check.counts(
    log_buffered,
    "writes",
    than=log_each,
    on=make_log,
    zero=3,
    full=900,
    points=3,
)

# %% [markdown]
# ### Is it faster?
# On the wall clock, since a trip into the kernel is more than the time of your process.

# %% role="tests" grade_id="buffered_writer_speed" points=2 hints=[2, 3]
check.faster(
    log_buffered,
    than=log_each,
    on=make_log,
    returns=0,
    clock="wall",
    zero=1.5,
    full=10,
    points=2,
)

# %% [markdown]
# ## Before and after
# The same records with buffers of many sizes. The first kilobytes gain nearly everything: a buffer of 64 records
# has paid 98 % of the trips. A larger one only has more to lose.

# %% role="show" grade_id="buffered_writer_show"
import tempfile
import time

from perflab import figures

_, records = make_log(np.random.default_rng(1))
SIZES = [1 << k for k in range(6, 19)]
seconds = []
for size in SIZES:
    runs = []
    for _ in range(3):
        with tempfile.NamedTemporaryFile() as target:
            start = time.perf_counter()
            with open(target.name, "ab", buffering=0) as log:
                for first in range(0, len(records), size // RECORD):
                    log.write(records[first : first + size // RECORD])
            runs.append(time.perf_counter() - start)
    seconds.append(min(runs))
fig, ax = figures.subplots()
ax.plot(SIZES, np.array(seconds) * 1e3, marker="o")
ax.axvline(BUFFER, linestyle=":", color="gray")
ax.set(
    xscale="log",
    xlabel="bytes of the buffer",
    ylabel="ms for 6,000 records",
    ylim=(0, None),
)
ax.set_title("A buffer needs not be large")
ax.grid(True)
figures.show(
    fig,
    f"Time against size of the buffer: {seconds[0] * 1e3:.1f} ms with {SIZES[0]} bytes, falling to "
    f"{min(seconds) * 1e3:.1f} ms; from some kilobytes on the curve is flat.",
)
check.predicted(guess, "buffered_writer_speed")

# %% [markdown]
# **Next bottleneck.** The bytes are in the page cache now. There they are safe from a crash of the program, not
# from a loss of power. For that you have to ask the disk, and that costs far more than a trip into the kernel:
# `group_commit`.

# %% [markdown] role="explain" grade_id="buffered_writer_explain" points=2
# ## Interview question
# Your logger buffers 64 KiB. The program crashes, and the last records, those that would say why, are missing.
# What do you change, and what does it cost?
#
# ### BEGIN MARK SCHEME
# One point for a way that keeps records when the process dies: flush at each record of level error and above, or
# by a timer; or keep the buffer in shared memory or a mapped file, from which another process or the next start
# reads it; a handler of fatal signals that writes what is left.
#
# One point for the cost, named for the way chosen: a trip for each flushed record; a bound on what is lost
# (records a second times the period); a mapped buffer survives the process, not the machine.
# ### END MARK SCHEME
