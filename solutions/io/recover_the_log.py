# ---
# perflab:
#   title: Recover the log
#   covers: [io/batching/write-coalescing]
#   lever: believe a record only after every check that it can fail, and stop at the first bad one
#   stars: 2
#   minutes: 25
#   chapter: io/batching
# ---

# %% [markdown]
# # Recover the log
# The settings service of `group_commit` starts again after a loss of power. All that it knows lies in its log. What
# was synced is there. What was written behind the last sync is there in part, in sectors of 16 bytes: some hold
# what was written, some read as zeros, and some hold whatever lay on the disk before.
#
# The first version of recovery believes what it reads. It has passed every test that anybody wrote with
# `kill -9`, because the page cache survives that, and so a log is never damaged. This exercise damages it.

# %% role="given" grade_id="recover_the_log_given"
import struct
import zlib

import numpy as np

from perflab import check

SECTOR = 16  # bytes that survive together, or not at all
HEAD = struct.Struct("<II")  # length and checksum


def frame(transaction):
    """Return one record of the log: length, checksum, and the transaction."""
    head = HEAD.pack(len(transaction), zlib.crc32(transaction))
    return head + transaction


class Log:
    """What a loss of power has left of a log.

    log("size")               returns how many bytes it has.
    log("read", place, size)  returns `size` bytes from `place` on, or as many
                              as there are. As with `os.pread`, memory for
                              all `size` bytes is taken first.
    """

    def __init__(self, sent, image):
        self.sent, self.image = sent, bytes(image)
        self.asked = 0

    def __call__(self, verb, place=0, size=0):
        if verb == "size":
            return len(self.image)
        if verb != "read":
            raise ValueError(f"the verbs are size and read; not {verb!r}")
        if place < 0 or size < 0:
            raise ValueError(f"read: {size} bytes from {place}")
        self.asked += size
        return self.image[place : place + size]


def transactions(rng, count=12, large=0):
    """Return what clients sent: none is empty, the last ends in zeros.

    The first has `large` bytes more.
    """
    sizes = rng.integers(1, 600, count)
    sizes[:1] += large
    sent = [rng.bytes(int(size)) for size in sizes]
    sent[-1:] = [last + bytes(5) for last in sent[-1:]]
    return sent


def make_log(rng, count=12, cut=0, zeros=0, large=0):
    """Arguments of one recovery: a log that was cut, or has zeros behind it."""
    sent = transactions(rng, count, large)
    image = b"".join(map(frame, sent))
    image = image[: len(image) - cut] + bytes(zeros)
    return (check.oracle(Log(sent, image)),)


def recover_trusting(log):
    """Return the transactions of a log; believe whatever it says."""
    found, place = [], 0
    while place < log("size"):
        size, _ = HEAD.unpack(log("read", place, HEAD.size))
        found.append(log("read", place + HEAD.size, size))
        place += HEAD.size + size
    return found


# %% [markdown]
# ## Predict
# A head that was damaged may say any length of up to 4 GiB. Let it say 2 to 3 MiB, in the middle of a log of twelve
# records of about 300 bytes each. How many times as many bytes does `recover_trusting` ask for as a recovery that
# notices?

# %% role="predict" grade_id="recover_the_log_guess"
guess = None  # your number


# %% [markdown]
# ## Your turn
# `recover(log)` returns a list of the transactions in a log, from the first on: all that are whole, up to the first
# that is not. What lies behind that one was never acknowledged, and may depend on what is missing, so none of it
# counts. A transaction may have any size from one byte on, as far as the log reaches.
#
# Each kind of damage has a cell of its own below.
#
# <details><summary>Hint 1</summary>
#
# Write down what has to be true of a whole record: of its head, of its body, of both together. Which of these does
# the damage break?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Ask what you can know before you read. Is a whole head left? Are there as many bytes behind it as it says? Only
# then read the body, and compare its checksum. Whatever fails ends the recovery.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Take eight zeros for a head. Which length do they say, and what does `zlib.crc32(b"")` return? Such a record fits
# its own checksum, and nobody ever sent it.
#
# </details>


# %% role="answer" grade_id="recover_the_log_answer"
def recover(log):
    """Return the transactions of a log up to the first that is not whole."""
    ### BEGIN SOLUTION
    found, place, end = [], 0, log("size")
    while place + HEAD.size <= end:
        size, checksum = HEAD.unpack(log("read", place, HEAD.size))
        place += HEAD.size
        if size == 0 or size > end - place:
            break
        transaction = log("read", place, size)
        if zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
        place += size
    return found
    ### END SOLUTION


# %% [markdown]
# ### A log that ends too early
# Clean logs, one of them with a transaction of 4 MiB, an empty log, and logs that end within a head or within a
# body.


# %% role="tests" grade_id="recover_the_log_torn" points=1 hints=[1, 2]
def survived(log):
    """Return what has to be found. The judge knows what was sent."""
    found, place = [], 0
    for transaction in log.sent:
        record = frame(transaction)
        if log.image[place : place + len(record)] != record:
            break
        found.append(transaction)
        place += len(record)
    return found


logs = [lambda rng, n=n: make_log(rng, n) for n in (0, 1, 12)]
logs += [
    lambda rng: make_log(rng, 1, cut=3),
    lambda rng: make_log(rng, 5, cut=90),
    lambda rng: make_log(rng, 3, large=1 << 22),
]
### BEGIN HIDDEN TESTS
logs += [lambda rng, k=k: make_log(rng, 8, cut=k) for k in range(0, 300, 3)]
### END HIDDEN TESTS
check.correct(recover, against=survived, on=logs, points=1)


# %% [markdown]
# ### A sector of the last record is lost
# It reads as zeros, or as what lay there before. Or no more than the length of a record is wrong: too small or too
# large by a little, or in one of its four bytes.


# %% role="tests" grade_id="recover_the_log_lost" points=2 hints=[1, 2]
def make_hole(rng, number=-1, old=False):
    """Damage one sector near the end of one record."""
    sent = transactions(rng)
    image = bytearray(b"".join(map(frame, sent)))
    end = len(b"".join(map(frame, sent[: number % len(sent) + 1])))
    start = max(end - SECTOR, 0) // SECTOR * SECTOR
    image[start : start + SECTOR] = rng.bytes(SECTOR) if old else bytes(SECTOR)
    return (check.oracle(Log(sent, image)),)


def make_length(rng, wrong, number=-1):
    """Make the length of one record wrong, and nothing else."""
    sent = transactions(rng)
    image = bytearray(b"".join(map(frame, sent)))
    number %= len(sent)
    start = len(b"".join(map(frame, sent[:number])))
    size, checksum = HEAD.unpack_from(image, start)
    HEAD.pack_into(image, start, max(size + wrong, 1), checksum)
    return (check.oracle(Log(sent, image)),)


holes = [make_hole, lambda rng: make_hole(rng, old=True)]
holes += [lambda rng, wrong=w: make_length(rng, wrong) for w in (3, -3, 1 << 8)]
### BEGIN HIDDEN TESTS
holes += [
    lambda rng, wrong=w, k=k: make_length(rng, wrong, k)
    for w in (5, -1, 1 << 16, 1 << 24)
    for k in (-1, 5)
]
holes += 8 * [make_hole, lambda rng: make_hole(rng, old=True)]
### END HIDDEN TESTS
check.correct(recover, against=survived, on=holes, points=2)

# %% [markdown]
# ### Whole records behind a bad one
# A sector of the first record, or of any other, is lost, and all records behind it are whole.

# %% role="tests" grade_id="recover_the_log_behind" points=2 hints=[1, 2]
middles = [
    lambda rng: make_hole(rng, 0),
    lambda rng: make_hole(rng, 4, old=True),
]
### BEGIN HIDDEN TESTS
middles += [
    lambda rng, k=k, old=old: make_hole(rng, k, old)
    for k in range(11)
    for old in (False, True)
]
### END HIDDEN TESTS
check.correct(recover, against=survived, on=middles, points=2)

# %% [markdown]
# ### Zeros behind the last record
# The service had reserved space for its log, or nothing of what followed survived.

# %% role="tests" grade_id="recover_the_log_zeros" points=2 hints=[3, 3]
reserved = [
    lambda rng: make_log(rng, 3, zeros=8),
    lambda rng: make_log(rng, 12, zeros=160),
]
### BEGIN HIDDEN TESTS
reserved += [
    lambda rng, n=n, zeros=zeros: make_log(rng, n, zeros=zeros)
    for n in range(4)
    for zeros in (4, 7, 9, 15, 16, 17, 40)
]
### END HIDDEN TESTS
check.correct(recover, against=survived, on=reserved, points=2)

# %% [markdown]
# ### A wild length
# The sector with a head holds what lay there before: another head, of a transaction of 2 to 3 MiB. The bytes that
# `recover_trusting` asks for, over yours. To read in blocks of
# some KiB costs no points.


# %% role="tests" grade_id="recover_the_log_wild" points=3 hints=[2, 2]
def make_wild(rng):
    """Put another head in place of that of the seventh transaction."""
    sent = transactions(rng)
    image = bytearray(b"".join(map(frame, sent)))
    start = len(b"".join(map(frame, sent[:6])))
    wild = int(rng.integers(2 << 20, 3 << 20)), int(rng.integers(1 << 32))
    HEAD.pack_into(image, start, *wild)
    return (check.oracle(Log(sent, image)),)


def asked(result, log):
    """Return how many bytes were asked for."""
    return max(log.asked, 1)


check.counts(
    recover,
    asked,
    than=recover_trusting,
    on=make_wild,
    zero=4,
    full=30,
    points=3,
)

# %% [markdown]
# ## Before and after
# Losses of power, as random as they are: a log of twelve records, some of them synced, and of the other sectors a
# share that survives. The others hold zeros or old bytes. How often is the recovery right?

# %% role="show" grade_id="recover_the_log_show"
from perflab import figures


def make_crash(rng, share):
    """Lose sectors behind the last sync; a share of them survives."""
    sent = transactions(rng)
    image = bytearray(b"".join(map(frame, sent)))
    durable = len(b"".join(map(frame, sent[: rng.integers(len(sent))])))
    old = rng.random() < 0.5
    for start in range(durable, len(image), SECTOR):
        if rng.random() >= share:
            size = len(image[start : start + SECTOR])
            lost = rng.bytes(size) if old else bytes(size)
            image[start : start + SECTOR] = lost
    return Log(sent, image)


def right(run, log):
    """Tell whether a recovery finds what survived, and no more."""
    try:
        return run(log) == survived(log)
    except struct.error:
        return False


rng = np.random.default_rng(5)
SHARES = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0]
days = [[make_crash(rng, share) for _ in range(100)] for share in SHARES]
fig, ax = figures.subplots()
said = []
for name, run in (("trusting", recover_trusting), ("yours", recover)):
    of = [sum(right(run, log) for log in logs) for logs in days]
    ax.plot(np.multiply(SHARES, 100), of, marker="o", label=name)
    said.append(f"{name} from {of[0]} to {of[-1]} of 100 logs")
ax.set(xlabel="% of the sectors that survive", ylim=(-3, 103))
ax.set(ylabel="% of logs recovered right", title="Which recovery is right")
ax.legend()
ax.grid(True)
figures.show(
    fig,
    f"Logs that were recovered right, as the share of sectors that survive "
    f"grows from {SHARES[0]:.0%} to {SHARES[-1]:.0%}: {', '.join(said)}.",
)
check.predicted(guess, "recover_the_log_wild")

# %% [markdown]
# A model of damage is only as good as its imagination. Real disks also lose whole blocks, write them in another
# order than you did, and return what lay there a year ago.
#
# **Next bottleneck.** All writing is batched now, and safe. Reading still makes the processor wait for the disk,
# and then the disk for the processor: `double_buffering`.

# %% [markdown] role="explain" grade_id="recover_the_log_explain" points=2
# ## Interview question
# To save space the service writes its log in a circle: the new records overwrite old ones, in the same file. After
# a loss of power an old record lies right behind the last new one, whole, with a checksum that fits. What happens,
# and what do you change in the format?
#
# ### BEGIN MARK SCHEME
# One point: recovery goes on into the old records and applies them again, over newer ones; nothing in a record says
# when it was written, and a checksum proves that bytes belong together, not that they are new.
#
# One point for a remedy that tells old from new: a sequence number in each record that has to follow the one
# before; or the number of the round (or a random salt, new for each round) in the head or in the checksum.
#
# Nothing for a stronger or longer checksum: the old record's is right, too. Nothing for "write zeros behind the
# last record": they can be lost like all that is not synced, and they double the syncs.
# ### END MARK SCHEME
