# ---
# perflab:
#   title: Group commit
#   covers: [io/batching/write-coalescing]
#   lever: let one sync serve all who wait for it, and promise nothing before it has ended
#   stars: 3
#   minutes: 40
#   chapter: io/batching
# ---

# %% [markdown]
# # Group commit
# The settings service of a system takes transactions from many processes: an alarm moved, a window closed, a lamp
# switched off. Whoever sends one waits for an acknowledgment, and an acknowledgment is a promise: this survives a
# loss of power.
#
# `kill -9` does not test that promise, since the page cache survives the process. So the disk of this exercise is
# a model. It keeps a log of all that you do, and the tests cut that log as if the power had gone there. What was
# synced survives. Of the rest survive some sectors of 16 bytes, any of them, and the others read as zeros.

# %% role="given" grade_id="group_commit_given"
import math
import struct
import zlib

import numpy as np

from perflab import check

SYNC, WRITE = 4.0, 0.01  # milliseconds of a sync and of a write call
SECTOR = 16  # bytes that survive together, or not at all
HEAD = struct.Struct("<II")  # length and checksum


def frame(transaction):
    """Return the bytes of one record of the log: its length, its checksum, and the transaction itself."""
    return HEAD.pack(len(transaction), zlib.crc32(transaction)) + transaction


class Disk:
    """A modeled disk, and the clients of the service.

    disk("wait")                returns the transactions that have come since you last asked, in their order; if
                                there are none it waits for the next. An empty list: no more will come.
    disk("write", data)         appends bytes to the log; 0.01 ms.
    disk("sync")                makes all that was written durable; 4 ms.
    disk("acknowledge", count)  promises that the first `count` transactions of the day are durable.
    """

    def __init__(self, rng, count, gap):
        self.transactions = [
            rng.bytes(int(size)) for size in rng.integers(10, 60, count)
        ]
        self.arrivals = rng.exponential(gap, count).cumsum().tolist()
        self.clock, self.given, self.promised = 0.0, 0, 0
        self.log, self.synced, self.syncs = bytearray(), 0, 0
        self.cuts = []  # where the power may go: bytes that were written, and durable, and promised transactions
        self.waits = []

    def __call__(self, verb, value=None):
        verbs = {
            "wait": self.wait,
            "write": self.write,
            "sync": self.sync,
            "acknowledge": self.acknowledge,
        }
        if verb not in verbs:
            raise ValueError(f"the verbs are {', '.join(verbs)}; not {verb!r}")
        if len(self.cuts) == 10_000:
            raise ValueError("a day of ten thousand calls is over")
        answer = verbs[verb]() if value is None else verbs[verb](value)
        self.cuts.append((len(self.log), self.synced, self.promised))
        return answer

    def wait(self):
        if self.given == len(self.transactions):
            return []
        self.clock = max(self.clock, self.arrivals[self.given])
        first = self.given
        self.given = sum(time <= self.clock for time in self.arrivals)
        return self.transactions[first : self.given]

    def write(self, data):
        self.log += bytes(data)
        self.clock += WRITE

    def sync(self):
        self.synced = len(self.log)
        self.syncs += 1
        self.clock += SYNC

    def acknowledge(self, count):
        if not self.promised <= count <= self.given:
            raise ValueError(
                f"acknowledge: from {self.promised} to {self.given} transactions, not {count}"
            )
        self.waits += [
            self.clock - time for time in self.arrivals[self.promised : count]
        ]
        self.promised = count


def make_day(rng, count=200, gap=0.5):
    """Arguments of one day: `count` transactions, one each half millisecond on average."""
    return (check.oracle(Disk(rng, count, gap)),)


def serve_each(disk):
    """Write, sync and acknowledge one transaction after the other."""
    done = 0
    while waiting := disk("wait"):
        for transaction in waiting:
            disk("write", frame(transaction))
            disk("sync")
            done += 1
            disk("acknowledge", done)
    return done


# %% [markdown]
# `serve_each` keeps every promise. But a sync lasts 4 ms and a transaction comes each half millisecond, so the
# queue grows, and who comes late waits long.
#
# ## Predict
# How many syncs does a hundred transactions need, if nobody shall wait longer than two syncs?

# %% role="predict" grade_id="group_commit_guess"
guess = None  # your number


# %% [markdown]
# ## Your turn
# Write both halves of the promise.
#
# `serve(disk)` takes transactions until no more come, writes a `frame` of each to the log, in their order, makes
# them durable and acknowledges them. It returns how many.
#
# `recover(log)` gets the bytes that a loss of power has left and returns the transactions in them, from the first
# on: all that are whole, up to the first that is not.
#
# <details><summary>Hint 1</summary>
#
# While a sync runs, eight more transactions arrive. `disk("wait")` hands you all of them at once. What do they
# have in common?
#
# </details>
# <details><summary>Hint 2</summary>
#
# For each list that `wait` returns: write every frame, sync once, acknowledge all of them with one call. In
# `recover`, check three things before you believe a record: its head is there, its body is there, its checksum
# fits.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Sectors that did not survive read as zeros. Eight zeros are a head: length 0, and the checksum of nothing is 0.
# It looks whole, and nobody ever sent it: no transaction is empty.
#
# </details>


# %% role="answer" grade_id="group_commit_answer"
def serve(disk):
    """Serve all transactions of a day, and promise nothing that is not durable; return how many."""
    ### BEGIN SOLUTION
    done = 0
    while waiting := disk("wait"):
        for transaction in waiting:
            disk("write", frame(transaction))
        disk("sync")
        done += len(waiting)
        disk("acknowledge", done)
    return done
    ### END SOLUTION


def recover(log):
    """Return the transactions at the beginning of a log that a loss of power has left, up to the first bad one."""
    ### BEGIN SOLUTION
    found, place = [], 0
    while place + HEAD.size <= len(log):
        size, checksum = HEAD.unpack_from(log, place)
        transaction = log[place + HEAD.size : place + HEAD.size + size]
        if (
            size == 0
            or len(transaction) < size
            or zlib.crc32(transaction) != checksum
        ):
            break
        found.append(transaction)
        place += HEAD.size + size
    return found
    ### END SOLUTION


# %% [markdown]
# ### Does everybody get an answer?

# %% role="tests" grade_id="group_commit_served" points=1 hints=[1, 2]
served = lambda disk: len(disk.transactions)
days = [lambda rng, n=n: make_day(rng, n) for n in (1, 2, 50)]
### BEGIN HIDDEN TESTS
days += [
    lambda rng: make_day(rng, 30, gap=9.0),
    lambda rng: make_day(rng, 120, gap=0.1),
]
### END HIDDEN TESTS
check.correct(serve, against=served, on=days, points=1)

# %% [markdown]
# ### Does recovery find what is there, and nothing else?
# Logs are cut behind each of their records. What was synced is there. Of the rest some sectors are, any of them.


# %% role="tests" grade_id="group_commit_recovered" points=2 hints=[2, 3]
def left(rng, log, durable, share):
    """Return what a loss of power leaves: the durable bytes, and of the rest a random share of its sectors."""
    found = bytearray(log)
    for start in range(durable, len(log), SECTOR):
        if rng.random() >= share:
            found[start : start + SECTOR] = bytes(
                len(found[start : start + SECTOR])
            )
    return bytes(found)


def crash(rng, written=12, share=0.8):
    """Return what is left of a log that was cut behind `written` records, of which the first were durable."""
    records = [
        frame(rng.bytes(int(size))) for size in rng.integers(10, 60, written)
    ]
    durable = sum(map(len, records[: rng.integers(written + 1)]))
    return (left(rng, b"".join(records), durable, share),)


def whole(log):
    """Return the transactions of a log up to the first that is not whole: what yours has to find."""
    found, rest = [], log
    while len(rest) >= HEAD.size:
        size, checksum = HEAD.unpack_from(rest)
        body, rest = rest[HEAD.size :][:size], rest[HEAD.size + size :]
        if not body or len(body) != size or zlib.crc32(body) != checksum:
            break
        found.append(body)
    return found


logs = [lambda rng: (b"",), lambda rng: crash(rng, share=1.0), crash]
### BEGIN HIDDEN TESTS
logs += [
    lambda rng, n=n, s=s: crash(rng, n, s)
    for n in range(1, 13)
    for s in (0.0, 0.5, 0.9, 1.0)
]
logs += [lambda rng: (crash(rng, share=1.0)[0] + bytes(40),)]
logs += [
    lambda rng, cut=cut: (crash(rng, share=1.0)[0][:-cut],)
    for cut in (1, 5, 64)
]
### END HIDDEN TESTS
check.correct(recover, against=whole, on=logs, points=2)

# %% [markdown]
# ### Is every promise kept?
# The log of a day is cut behind every call: each write, each sync, each acknowledgment. What was durable at that
# moment survives, and none, half or all of the other sectors. Whatever is left has to hold every transaction that
# was acknowledged, and nothing that nobody sent.


# %% role="tests" grade_id="group_commit_promises" points=2 hints=[1, 2]
def broken(result, disk):
    """Return at how many points a loss of power would break a promise, and how many clients never got one."""
    sent, lost = disk.transactions, len(disk.transactions) - disk.promised
    rng = np.random.default_rng(len(disk.log))
    safe = place = (
        0  # transactions that are durable, and where they end in the log
    )
    for written, durable, promised in disk.cuts:
        found = whole(bytes(disk.log[place:durable]))
        known = found == sent[safe : safe + len(found)]
        safe += len(found) * known
        place += sum(HEAD.size + len(body) for body in found) * known
        for share in (0.0, 0.5, 1.0):
            found = whole(
                left(rng, disk.log[place:written], durable - place, share)
            )
            lost += (
                safe + len(found) < promised
                or found != sent[safe : safe + len(found)]
            )
    return lost


check.counts(serve, broken, on=make_day, zero=1, full=0, points=2)

# %% [markdown]
# ### How many syncs does it take?
# For a hundred transactions. Speed counts only where the promises hold.


# %% role="tests" grade_id="group_commit_syncs" points=2 hints=[1, 2]
def syncs(result, disk):
    """Return the syncs for a hundred transactions; a disk with broken promises needs endless ones."""
    return (
        math.inf
        if broken(result, disk)
        else 100 * disk.syncs / len(disk.transactions)
    )


check.counts(serve, syncs, on=make_day, zero=80, full=20, points=2)

# %% [markdown]
# ### And how long does a client wait?
# The longest wait of the day, in milliseconds. One sync for the whole day would be cheap, too.


# %% role="tests" grade_id="group_commit_wait" points=1 hints=[1, 2]
def longest(result, disk):
    """Return the longest wait in ms."""
    return math.inf if broken(result, disk) else max(disk.waits)


check.counts(serve, longest, on=make_day, zero=40, full=12, points=1)

# %% [markdown]
# ## Before and after
# Each dot is a transaction: when it came, and how long it waited for its promise.

# %% role="show" grade_id="group_commit_show"
from perflab import figures

fig, ax = figures.subplots()
for name, run in (("one sync each", serve_each), ("your serve", serve)):
    day = Disk(np.random.default_rng(3), 200, 0.5)
    run(day)
    ax.plot(
        day.arrivals[: len(day.waits)],
        day.waits,
        ".",
        label=f"{name}: {day.syncs} syncs",
    )
ax.set(
    xlabel="ms of the day",
    ylabel="ms until the promise",
    yscale="log",
    title="Who waits, and how long",
)
ax.legend()
ax.grid(True)
figures.show(
    fig,
    "With one sync each the wait grows from one transaction to the next. With groups it stays flat.",
)
check.predicted(guess, "group_commit_syncs")

# %% [markdown]
# Nobody tuned the size of a group. It is whatever came during the last sync: one when little happens, hundreds
# when much does. The load sets the batch, and the latency stays at about two syncs.
#
# **Next bottleneck.** All writing is batched now. Reading still makes the processor wait for the disk and then the
# disk for the processor: `double_buffering`.

# %% [markdown] role="explain" grade_id="group_commit_explain" points=2
# ## Interview question
# A colleague wants to add a timer: wait 5 ms before each sync, so that groups get larger. When is that right, and
# when does it only add latency?
#
# ### BEGIN MARK SCHEME
# One point: under load it adds little, since a group forms during the sync that runs anyway; with few clients each
# transaction waits 5 ms for company that does not come.
#
# One point for a case where it is right: a sync that costs far more than the delay or wears out the device (flash,
# battery), many clients that each wait for their own promise before they send the next, or a bound on syncs a
# second; better still, wait only if other transactions are known to be under way.
# ### END MARK SCHEME
