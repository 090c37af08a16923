# ---
# perflab:
#   title: Double buffering
#   covers: [io/batching/double-buffering]
#   lever: start the next read before you work on the block that has come
#   stars: 1
#   minutes: 10
#   chapter: io/batching
# ---

# %% [markdown]
# # Double buffering
# At start-up a system checks its images block by block: read a block from flash, compute its digest, read the
# next. While the processor computes, the flash chip sleeps. While the chip reads, the processor waits.
#
# Two buffers let both work at once. How well that goes is a matter of order alone, so the device of this exercise
# is a model with a clock of its own. At the end your order drives a slow device on the real clock.

# %% role="given" grade_id="double_buffering_given"
import math
import zlib

import numpy as np

from perflab import check

BUFFERS = 2


class Device:
    """A modeled device that reads block after block, and a processor beside it.

    device("start")        begins to read the next block into a free buffer;
                           returns at once.
    device("finish")       waits until the oldest block that was started has
                           come; returns its bytes.
    device("work", block)  computes the digest of a block that has come, and
                           frees its buffer.
    """

    def __init__(self, rng, count, read, work, jitter=0.0):
        def spread(mean):
            return (mean * rng.uniform(1 - jitter, 1 + jitter, count)).tolist()

        self.blocks = [rng.bytes(32) for _ in range(count)]
        self.reads, self.works = spread(read), spread(work)
        self.clock, self.free_at = 0.0, 0.0  # of the processor; of the device
        self.started = []  # times at which the blocks will have come
        self.finished = self.worked = 0
        self.spans = []  # (who, block, from, to), for the picture

    def __call__(self, verb, block=None):
        if verb == "start":
            return self.start()
        if verb == "finish":
            return self.finish()
        if verb == "work":
            return self.work(block)
        raise ValueError(f"the verbs are start, finish and work; not {verb!r}")

    def start(self):
        number = len(self.started)
        if number == len(self.blocks):
            raise ValueError("start: there is no further block")
        if number - self.worked == BUFFERS:
            raise ValueError(
                f"start: all {BUFFERS} buffers are taken; work on a block first"
            )
        begin = max(self.clock, self.free_at)
        self.free_at = begin + self.reads[number]
        self.started.append(self.free_at)
        self.spans.append(("device", number, begin, self.free_at))

    def finish(self):
        if self.finished == len(self.started):
            raise ValueError("finish: no read has been started")
        self.clock = max(self.clock, self.started[self.finished])
        self.finished += 1
        return self.blocks[self.finished - 1]

    def work(self, block):
        number = self.worked
        if number == self.finished or block != self.blocks[number]:
            raise ValueError(
                "work: on the oldest block that has come and was not worked on"
            )
        begin = self.clock
        self.clock += self.works[number]
        self.spans.append(("processor", number, begin, self.clock))
        self.worked += 1
        return zlib.crc32(block)


def make_device(rng, count=60, read=1.0, work=1.0, jitter=0.0):
    """Arguments of one run: a device, and how many blocks it has."""
    return check.oracle(Device(rng, count, read, work, jitter)), count


def digest_each(device, count):
    """Read a block, work on it, read the next."""
    digests = []
    for _ in range(count):
        device("start")
        block = device("finish")
        digests.append(device("work", block))
    return digests


# %% [markdown]
# ## Predict
# Reading a block takes as long as working on it. How many times faster can two buffers make the whole image? And
# if reading takes three times as long?

# %% role="predict" grade_id="double_buffering_guess"
guess = None  # your number, for the first question


# %% [markdown]
# ## Your turn
# `digest(device, count)` returns the digests of all blocks, in their order, like `digest_each`. It may have two
# blocks in hand: one that is read and one that is worked on. No thread is needed: `start` returns at once.
#
# <details><summary>Hint 1</summary>
#
# Draw two lines of time, one for the device and one for the processor. Where are the gaps with `digest_each`?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `start` returns at once. What could you start before you call `work`?
#
# </details>
# <details><summary>Hint 3</summary>
#
# When you call `work`, the device has to be busy already. So the next block starts between two calls that you have:
# which ones? Somebody has to start the first block, and nobody starts one after the last.
#
# </details>


# %% role="answer" grade_id="double_buffering_answer"
def digest(device, count):
    """Return the digests of all blocks, in order; read while you work."""
    ### BEGIN SOLUTION
    digests = []
    if count:
        device("start")
    for number in range(count):
        block = device("finish")
        if number + 1 < count:
            device("start")
        digests.append(device("work", block))
    return digests
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?


# %% role="tests" grade_id="double_buffering_correct" points=2
def digests_of(device, count):
    """Return what yours has to return."""
    return [zlib.crc32(block) for block in device.blocks]


cases = [lambda rng, n=n: make_device(rng, n) for n in (0, 1, 2, 7)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_device(rng, 33, jitter=0.5),
    lambda rng: make_device(rng, 20, read=3.0),
]
### END HIDDEN TESTS
check.correct(digest, against=digests_of, on=cases, points=2)

# %% [markdown]
# ### How long does it take?
# In the model's time, against `digest_each`. Reading and working take equally long.


# %% role="tests" grade_id="double_buffering_time" points=3
def elapsed(result, device, count):
    """Return the modeled time until the last digest; endless without all."""
    return device.clock if device.worked == count else math.inf


check.counts(
    digest,
    elapsed,
    than=digest_each,
    on=make_device,
    zero=1.1,
    full=1.9,
    points=3,
)

# %% [markdown]
# ### And when the blocks differ?
# Some blocks are fast and some are slow, in reading and in working. What the busier side needs alone is no longer
# within reach: a slow block makes the other side wait, whatever the order. So your time is compared with the least
# that two buffers allow. A read may begin as soon as the device and a buffer are free, and the work on a block as
# soon as it has come and the processor is free.


# %% role="tests" grade_id="double_buffering_uneven" points=2
def make_uneven(rng):
    return make_device(rng, 200, read=1.2, work=1.0, jitter=0.5)


def least(device):
    """Return when the last block is done if nobody waits without need."""
    done, come = [0.0] * BUFFERS, 0.0
    for read, work in zip(device.reads, device.works, strict=True):
        come = max(come, done[-BUFFERS]) + read
        done.append(max(come, done[-1]) + work)
    return done[-1]


def above_least(result, device, count):
    """Return the time as a multiple of the least that is possible."""
    return elapsed(result, device, count) / least(device)


check.counts(digest, above_least, on=make_uneven, zero=1.5, full=1.02, points=2)

# %% [markdown]
# ## Before and after
# The first twelve blocks on the model's clock. Then your order on the real one: a thread plays a flash chip. It
# sleeps as long as a digest takes here, then hands over a block. Who sleeps needs no core, so the gain shows on a
# machine that others use, too. With eight blocks it can be at most 16/9: the first read and the last digest have
# nobody beside them.

# %% role="show" grade_id="double_buffering_show"
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

from perflab import figures, timing

fig, axes = figures.subplots(2, 1, size=(6, 3.4), sharex=True)
runs = {"before": digest_each, "after: your digest": digest}
for ax, (title, run) in zip(axes, runs.items(), strict=True):
    device = Device(np.random.default_rng(1), 12, 1.0, 1.0)
    run(device, 12)
    for who, number, begin, end in device.spans:
        color = figures.COLORS["blue" if who == "device" else "green"]
        shade = 0.4 + 0.3 * (number % 2)
        ax.barh(who, end - begin, left=begin, color=color, alpha=shade)
    ax.set_title(f"{title}: {device.clock:g} time units", fontsize=10)
axes[1].set_xlabel("time")
figures.show(
    fig,
    "Twelve blocks of the device above and the processor below. They take "
    f"24 time units in turns, and {device.clock:g} with your digest.",
)


class Flash:
    """The same three verbs on the real clock: a thread sleeps, then reads."""

    IMAGE = np.random.default_rng(2).bytes(1 << 22)

    def __init__(self, reader, sleep):
        self.reader, self.sleep, self.pending = reader, sleep, []

    def read(self):
        time.sleep(self.sleep)
        return self.IMAGE

    def __call__(self, verb, block=None):
        if verb == "work":
            return hashlib.sha256(block).hexdigest()
        if verb == "finish":
            return self.pending.pop(0).result()
        self.pending.append(self.reader.submit(self.read))


def once():
    return timing.seconds_of(lambda: Flash(None, 0)("work", Flash.IMAGE))[0]


takes = min(once() for _ in range(5))
with ThreadPoolExecutor(1) as reader:
    real = timing.compare(
        lambda: digest(Flash(reader, takes), 8),
        lambda: digest_each(Flash(reader, takes), 8),
        clock="wall",
        threshold=1.2,
        budget=8,
    )
print(f"Eight blocks of {takes * 1e3:.1f} ms each: {real}")
check.predicted(guess, "double_buffering_time")

# %% [markdown]
# With a file in place of the flash chip you would see nearly nothing: the kernel reads ahead by itself as long as
# you read in order. Two buffers of your own matter where nobody reads ahead for you: flash behind a driver, a
# socket, a camera, a GPU.
#
# **Next bottleneck.** Where blocks are alike, the busier side is the limit now. If that is the device, read fewer
# bytes; if it is the processor, use more cores, or compute less. Where blocks differ, both sides still wait for each
# other at times.

# %% [markdown] role="explain" grade_id="double_buffering_explain" points=2
# ## Interview question
# Blocks that are alike take nearly the time of the busier side with two buffers. When would you use three or more,
# and what do they cost?
#
# ### BEGIN MARK SCHEME
# One point: when times vary, a slow block on one side empties or fills two buffers at once and the other side
# waits; more buffers let the faster side run ahead and ride over it. With constant times a third gains nothing.
#
# One point for the cost: memory, latency (a block waits in the queue; with a camera or a microphone that is lag),
# caches (each buffer more is a block more that goes cold), more work thrown away when the stream is canceled.
#
# Nothing for "three buffers let the device read two blocks at once", and nothing for "more buffers are always at
# least as fast, so take many": the busier side is the limit whatever their number, and latency grows with each.
# ### END MARK SCHEME
