# ---
# perflab:
#   title: Group commit
#   covers: [io/batching/write-coalescing]
#   lever: let one sync serve all who wait for it, and promise nothing before it has ended
#   stars: 2
#   minutes: 20
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
PAUSE = 100.0  # milliseconds between two bursts of a busy day
SECTOR = 16  # bytes that survive together, or not at all
HEAD = struct.Struct("<II")  # length and checksum


def frame(transaction):
    """Return one record of the log: length, checksum, and the transaction."""
    head = HEAD.pack(len(transaction), zlib.crc32(transaction))
    return head + transaction


class Disk:
    """A modeled disk, and the clients of the service.

    disk("wait")                returns the next transaction; if none is there
                                it waits for one. None: no more will come.
    disk("poll")                returns the next transaction, or None if none
                                is there now; does not wait.
    disk("write", data)         appends bytes to the log; 0.01 ms.
    disk("sync")                makes all that was written durable; 4 ms.
    disk("acknowledge", count)  promises that the first `count` transactions
                                of the day are durable.
    """

    def __init__(self, rng, count, gap, pauses=()):
        self.transactions = [
            rng.bytes(int(size)) for size in rng.integers(10, 60, count)
        ]
        times = rng.exponential(gap, count).cumsum()
        times *= count * gap / times[-1:]
        for first in pauses:
            times[first:] += PAUSE
        self.arrivals = times.tolist()
        self.clock, self.given, self.promised = 0.0, 0, 0
        self.log, self.synced, self.syncs = bytearray(), 0, 0
        # Where the power may go: bytes written, and durable, and promises.
        self.cuts = []
        self.waits = []

    def __call__(self, verb, value=None):
        verbs = {
            "wait": self.wait,
            "poll": self.poll,
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
        if self.given < len(self.transactions):
            self.clock = max(self.clock, self.arrivals[self.given])
        return self.poll()

    def poll(self):
        if self.given == len(self.transactions):
            return None
        if self.arrivals[self.given] > self.clock:
            return None
        self.given += 1
        return self.transactions[self.given - 1]

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
                f"acknowledge: {count} transactions; it takes from "
                f"{self.promised} to {self.given}"
            )
        self.waits += [
            self.clock - time for time in self.arrivals[self.promised : count]
        ]
        self.promised = count


def make_day(rng, count=200, gap=0.5):
    """Arguments of a busy day: a transaction each half millisecond."""
    return (check.oracle(Disk(rng, count, gap)),)


def serve_each(disk):
    """Write, sync and acknowledge one transaction after the other."""
    done = 0
    while (transaction := disk("wait")) is not None:
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
# How many syncs do a hundred transactions need if nobody waits longer than about two syncs?

# %% role="predict" grade_id="group_commit_guess"
guess = None  # your number


# %% [markdown]
# ## Your turn
# `serve(disk)` takes transactions until no more come, writes a `frame` of each to the log, in their order, makes
# them durable and acknowledges them. It returns how many.
#
# Two days are waiting for it. On the busy one transactions come in bursts, a transaction each half millisecond, with
# pauses of 100 ms between them. There it has to do with at most 20 syncs for a hundred transactions, and the longest
# wait may be 9 ms. Beyond 40 ms the syncs do not count. On the calm one nobody may wait for company.
#
# <details><summary>Hint 1</summary>
#
# While a sync runs, eight more transactions arrive. What do they have in common when it ends?
#
# </details>
# <details><summary>Hint 2</summary>
#
# A group needs no size and no timer. Who is there when the disk is free again? `poll` tells without waiting.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Two loops, one in the other. The outer one waits for a first transaction, ends its group with one sync, and
# acknowledges all of it with one call. The inner one collects whoever has come as well, until nobody is left.
# When is each `frame` written?
#
# </details>


# %% role="answer" grade_id="group_commit_answer"
def serve(disk):
    """Serve a day; promise nothing that is not durable; return how many."""
    ### BEGIN SOLUTION
    done = 0
    while (transaction := disk("wait")) is not None:
        while transaction is not None:
            disk("write", frame(transaction))
            done += 1
            transaction = disk("poll")
        disk("sync")
        disk("acknowledge", done)
    return done
    ### END SOLUTION


# %% [markdown]
# ### Does everybody get an answer?

# %% role="tests" grade_id="group_commit_served" points=1 hints=[1, 3]
served = lambda disk: len(disk.transactions)
days = [lambda rng, n=n: make_day(rng, n) for n in (0, 1, 2, 50)]
### BEGIN HIDDEN TESTS
days += [
    lambda rng: make_day(rng, 30, gap=9.0),
    lambda rng: make_day(rng, 120, gap=0.1),
]
### END HIDDEN TESTS
check.correct(serve, against=served, on=days, points=1)

# %% [markdown]
# ### Is every promise kept?
# The log of a day is cut behind every call: each write, each sync, each acknowledgment. What was durable at that
# moment survives, and none, half or all of the other sectors. The judge knows what was sent, so it can tell who
# has survived: a transaction whose bytes are all there, like those of everybody before it. Whoever was
# acknowledged has to be among them. What is counted is broken promises and transactions without an answer: one is
# too many, so no part of the point can be had.


# %% role="tests" grade_id="group_commit_promises" points=1 hints=[1, 3]
def left(rng, log, durable, share):
    """Return what a loss of power leaves of a log.

    The durable bytes, and of the rest a random share of its sectors.
    """
    found = bytearray(log)
    for start in range(durable, len(log), SECTOR):
        if rng.random() >= share:
            size = len(found[start : start + SECTOR])
            found[start : start + SECTOR] = bytes(size)
    return found


def broken(result, disk):
    """Return how many cuts break a promise, and clients have no answer."""
    frames = [frame(transaction) for transaction in disk.transactions]
    ends = np.cumsum([len(one) for one in frames])
    if disk.log != b"".join(frames):  # others, or in another order
        return len(frames)
    lost = len(frames) - disk.promised
    rng = np.random.default_rng(len(disk.log))
    for written, durable, promised in disk.cuts:
        if promised == 0:
            continue
        needed = int(ends[promised - 1])
        for share in (0.0, 0.5, 1.0):
            after = left(rng, disk.log[:written], durable, share)
            lost += after[:needed] != disk.log[:needed]
    return lost


check.counts(serve, broken, on=make_day, zero=1, full=0, points=1)

# %% [markdown]
# ### How many syncs does it take?
# For a hundred transactions of a busy day: 20 are good enough for full points. They count only where the promises
# hold and nobody has waited longer than 40 ms. Whoever holds a group back until it is large enough holds it through a
# pause.


# %% role="tests" grade_id="group_commit_syncs" points=3 hints=[1, 3]
def make_busy(rng):
    """Arguments of a busy day: five bursts, and a loner in a pause."""
    day = Disk(rng, count=200, gap=0.5, pauses=(37, 78, 119, 120, 163))
    return (check.oracle(day),)


def syncs(result, disk):
    """Return the syncs for a hundred transactions.

    Infinite if a transaction is lost, or has waited longer than 40 ms.
    """
    if broken(result, disk) or max(disk.waits) > 40:
        return math.inf
    return 100 * disk.syncs / len(disk.transactions)


check.counts(serve, syncs, on=make_busy, zero=80, full=20, points=3)

# %% [markdown]
# ### And how long does a client wait?
# The longest wait of a busy day, in milliseconds: 9 are good enough for full points, 11 earn nothing.


# %% role="tests" grade_id="group_commit_wait" points=2 hints=[1, 3]
def longest(result, disk):
    """Return the longest wait in ms; infinite if a transaction is lost."""
    return math.inf if broken(result, disk) else max(disk.waits)


check.counts(serve, longest, on=make_busy, zero=11, full=9, points=2)

# %% [markdown]
# ### And on a calm day?
# A transaction comes 20 to 60 ms after the one before: nobody else is there to share a sync with. The mean wait, in
# milliseconds: 4.1 are good enough, 4.5 earn nothing.


# %% role="tests" grade_id="group_commit_calm" points=1 hints=[2, 3]
def make_calm(rng):
    day = Disk(rng, count=40, gap=40.0)
    day.arrivals = rng.uniform(20, 60, 40).cumsum().tolist()
    return (check.oracle(day),)


def mean(result, disk):
    """Return the mean wait in ms; infinite if a transaction is lost."""
    return math.inf if broken(result, disk) else float(np.mean(disk.waits))


check.counts(serve, mean, on=make_calm, zero=4.5, full=4.1, points=1)

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
    "With one sync each the wait grows from one transaction to the next. "
    f"Your serve took {day.syncs} syncs, and its longest wait was "
    f"{max(day.waits):.1f} ms.",
)
check.predicted(guess, "group_commit_syncs")

# %% [markdown]
# Nobody tuned the size of a group. It is whatever came during the last sync: one when little happens, many when
# much does. The load sets the batch, and the latency stays at about two syncs, as long as a group can be written
# much faster than it is synced.
#
# **Next bottleneck.** A promise is worth what recovery makes of it. After a loss of power somebody has to read
# that log, zeros and torn records and all: `recover_the_log`.

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
#
# Nothing for "larger groups are always more efficient", and nothing for acknowledging before the sync and calling
# the timer a bound on what is lost: that breaks the promise.
# ### END MARK SCHEME
