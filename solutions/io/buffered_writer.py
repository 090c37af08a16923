# ---
# perflab:
#   title: A buffered writer
#   covers: [io/batching/batch-i-o-operations, io/batching/buffer-sizing-strategies]
#   lever: hold records back until they fill a buffer, within a bound, and let go when a record is urgent
#   stars: 1
#   minutes: 15
#   chapter: io/batching
# ---

# %% [markdown]
# # A buffered writer
# A framework logs what it does: each frame, each message between processes, each sensor that wakes it up. The first
# version of its logger makes a system call for each record. The disk is not involved; the kernel copies the bytes
# into its page cache. What is expensive is the call itself.
#
# A real logger cannot see its future. It gets one record, does something, and gets the next. So does yours. The
# program that logs and the file below it are a model here, so that every call is counted exactly and every promise
# is checked. At the end your code writes a real file.

# %% role="given" grade_id="buffered_writer_given"
import os

import numpy as np

from perflab import check

BUFFER = 4096  # bytes: of the buffer, and of the largest write


class Program:
    """A modeled program that logs, and its log file.

    program("next")         returns the next record, as (bytes, urgent), or
                            None: the program ends.
    program("write", data)  is one write call. The file takes at most BUFFER
                            bytes of `data`, and only half of that by each
                            fifth call; returns how many.
    program("close")        closes the file, and returns what it holds.
    """

    def __init__(self, rng, count, urgent=0.0, traces=0.0, first=5):
        sizes = rng.integers(40, 91, count)
        long = rng.random(count) < traces  # stack traces
        sizes[long] = rng.integers(3_000, 12_000, count)[long]
        self.records = [rng.bytes(int(size)) for size in sizes]
        self.urgent = (rng.permutation(count) < urgent * count).tolist()
        self.given = self.given_bytes = self.writes = 0
        self.file, self.first = bytearray(), first

    def __call__(self, verb, data=b""):
        if verb == "next":
            return self.next()
        if verb == "write":
            return self.write(data)
        if verb == "close":
            return bytes(self.file)
        raise ValueError(f"the verbs are next, write and close; not {verb!r}")

    def next(self):
        held = self.given_bytes - len(self.file)
        if held > BUFFER:
            raise ValueError(
                f"next: you hold {held:,} bytes back; at most {BUFFER:,}"
            )
        if held > 0 and self.urgent[self.given - 1]:
            raise ValueError(
                f"next: record {self.given - 1} is urgent and not in the file"
            )
        if self.given == len(self.records):
            return None
        record, urgent = self.records[self.given], self.urgent[self.given]
        self.given += 1
        self.given_bytes += len(record)
        return record, urgent

    def write(self, data):
        taken = bytes(data)[:BUFFER]
        self.writes += 1
        if self.writes % 5 == self.first % 5:  # a short write
            taken = taken[: (len(taken) + 1) // 2]
        self.file += taken
        return len(taken)


def make_program(rng, count=1_500, **more):
    """Arguments of one run: a program that logs `count` records."""
    return (check.oracle(Program(rng, count, **more)),)


def log_each(program):
    """Write each record by calls of its own."""
    while event := program("next"):
        record, _ = event
        while record:
            record = record[program("write", record) :]
    return program("close")


# %% [markdown]
# The inner loop is no pedantry: `write` says how many bytes it has taken, and that may be fewer than you gave. Here
# each fifth call is such a **short write**. The real one makes them, too: on a disk that gets full, or in a pipe that
# does not block. A logger that ignores the count passes all tests that meet neither.
#
# ## Predict
# A record has 65 bytes on average. With a buffer of 4,096 bytes, how many times fewer write calls do you make than
# `log_each`? It pays for short writes, too.

# %% role="predict" grade_id="buffered_writer_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# `log_buffered(program)` writes the same bytes with few calls, and returns what `program("close")` returns. Two
# promises bound what a crash of the program can take along, and each `program("next")` checks both:
#
# - at most `BUFFER` bytes of the records that you were given are missing in the file;
# - after an **urgent** record, such as an error, nothing is missing.
#
# You need nearly `BUFFER` bytes a call for all points. Whoever knows `io.BufferedWriter` may use it, around a raw
# file that calls `program`.
#
# <details><summary>Hint 1</summary>
#
# Where are the records that have come and are not in the file? Give that place a name. When must it be emptied,
# and how far?
#
# </details>
# <details><summary>Hint 2</summary>
#
# There are three reasons to write: one more record would not fit, the record is urgent, the program ends. What is
# left in the buffer after the last record?
#
# </details>
# <details><summary>Hint 3</summary>
#
# The buffer may be one `bytes` object. Add the new record at its end. While it holds more than `BUFFER` bytes, or
# while the record is urgent and it holds any, write it and keep what the call has not taken. A stack trace of
# 10,000 bytes is no special case then.
#
# </details>


# %% role="answer" grade_id="buffered_writer_answer"
def log_buffered(program):
    """Log all records, in order, by few write calls.

    Hold back at most `BUFFER` bytes, and nothing after an urgent record.
    """
    ### BEGIN SOLUTION
    held = b""
    while event := program("next"):
        record, urgent = event
        held += record
        while len(held) > BUFFER or (urgent and held):
            held = held[program("write", held) :]
    while held:
        held = held[program("write", held) :]
    return program("close")
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# What you return is compared byte by byte with all records: none, one, many, stack traces that are larger than the
# buffer, and urgent records. In some cases the first call is short already. Where an urgent record or too much is
# missing in the file, `program("next")` says so. Whether the file itself is whole, the next two cells check.


# %% role="tests" grade_id="buffered_writer_correct" points=2 hints=[1, 3]
def logged(program):
    """Return what the file has to hold."""
    return b"".join(program.records)


cases = [lambda rng, n=n: make_program(rng, n) for n in (0, 1, 200)]
cases += [lambda rng: make_program(rng, 100, traces=0.1)]
cases += [lambda rng: make_program(rng, 100, urgent=0.1)]
cases += [lambda rng: make_program(rng, 40, first=1)]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_program(rng, n) for n in (2, 62, 64, 333)]
cases += [lambda rng: make_program(rng, 1, traces=1.0)]
cases += [lambda rng: make_program(rng, 20, traces=0.9)]
cases += [lambda rng: make_program(rng, 1, urgent=1.0)]
cases += [
    lambda rng, k=k: make_program(rng, 60, urgent=0.5, traces=0.3, first=k)
    for k in range(1, 6)
]
### END HIDDEN TESTS
check.correct(log_buffered, against=logged, on=cases, points=2)

# %% [markdown]
# ### How many calls does it make?
# The write calls of `log_each` over yours. They count only if all bytes came into the file, and came by `write`.


# %% role="tests" grade_id="buffered_writer_calls" points=3 hints=[1, 3]
def writes(result, program):
    """Return the write calls; far too many if the file is wrong."""
    return program.writes if program.file == logged(program) else 1e9


check.counts(
    log_buffered,
    writes,
    than=log_each,
    on=make_program,
    zero=20,
    full=50,
    points=3,
)

# %% [markdown]
# ### And with urgent records?
# One record in thirty is urgent. It has to be in the file at once, and takes along what was held back: in one
# call.


# %% role="tests" grade_id="buffered_writer_urgent" points=3 hints=[2, 3]
def make_urgent(rng):
    return make_program(rng, urgent=1 / 30)


check.counts(
    log_buffered,
    writes,
    than=log_each,
    on=make_urgent,
    zero=10,
    full=24,
    points=3,
)

# %% [markdown]
# ## Before and after
# Your code, a real file, and the clock: the same verbs, where `write` is the system call. Each dot is a buffer of
# another size, and the time that your code spends in its write calls.

# %% role="show" grade_id="buffered_writer_show"
import tempfile
import time

from perflab import figures


class RealFile(Program):
    """The same program over a file of this system, with a stopwatch."""

    def __init__(self, log):
        super().__init__(np.random.default_rng(1), 4_000)
        self.log, self.seconds = log, 0.0

    def write(self, data):
        start = time.perf_counter()
        taken = os.write(self.log, data[:BUFFER])
        self.seconds += time.perf_counter() - start
        self.file += data[:taken]  # for the promises
        return taken


def milliseconds(run):
    """Return the least time in write calls, of three runs."""
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryFile(buffering=0) as log:
            program = RealFile(log.fileno())
            run(program)
            seconds.append(program.seconds)
    return min(seconds) * 1e3


each = milliseconds(log_each)
SIZES, yours = [1 << k for k in range(7, 17)], []
for size in SIZES:
    BUFFER = size
    yours.append(milliseconds(log_buffered))
BUFFER = 4096
fig, ax = figures.subplots()
ax.plot(SIZES, yours, marker="o", label="log_buffered")
ax.axhline(each, linestyle=":", color="gray", label="log_each")
ax.set(xscale="log", yscale="log", xlabel="bytes of the buffer")
ax.set_ylabel("ms in write calls")
ax.set_title("4,000 records on a real file")
ax.legend()
ax.grid(True)
figures.show(
    fig,
    f"Time in write calls against the size of the buffer: {yours[0]:.2g} ms "
    f"with {SIZES[0]} bytes, {yours[-1]:.2g} ms with {SIZES[-1]:,}; log_each "
    f"spends {each:.2g} ms.",
)
check.predicted(guess, "buffered_writer_calls")

# %% [markdown]
# Where the curve gets flat, a larger buffer gains little and has more to lose. The rest of a run is Python's own time
# for each record, and no buffer takes that away.
#
# **Next bottleneck.** The bytes are in the page cache now. There they are safe from a crash of the program, not
# from a loss of power. For that you have to ask the disk, and that is far more expensive than a write call:
# `group_commit`.

# %% [markdown] role="explain" grade_id="buffered_writer_explain" points=2
# ## Interview question
# Your logger buffers 64 KiB. Its service is killed by a signal that no handler can catch, and the last records,
# those that would say why, are missing. What do you change, and what does it cost?
#
# ### BEGIN MARK SCHEME
# One point for a way that keeps records when the process is killed: write at each record of level error and above,
# and after a bounded time; or keep the buffer in shared memory or a mapped file, from which another process or the
# next start reads it.
#
# One point for the cost, named for the way chosen: a system call for each such record; a bound on what is lost
# (records a second times the period); a mapped buffer survives the process, not the machine.
#
# Nothing for "fsync after each record": the bytes were lost in the process, before the page cache. Nothing for a
# signal handler or `atexit`: SIGKILL runs neither.
# ### END MARK SCHEME
