# ---
# perflab:
#   title: Padded counters
#   covers: [concurrency/false-sharing]
#   lever: what one thread writes shares no line with what another one touches
#   stars: 2
#   minutes: 20
#   chapter: concurrency/false-sharing
# ---

# %% [markdown]
# # Padded counters
# The message bus of a framework has one worker a core. Each worker counts what it does: messages delivered,
# messages dropped since they were too large, bytes delivered. A monitor in another process maps the same block of
# shared memory; every second it takes each counter and puts 0 in its place. So the additions have to be atomic: what is
# added between its read and its write must not get lost.
#
# No worker ever touches the counters of another one. And yet the bus got slower with each core that was added, and
# the profile points at the additions.
#
# The block is an array of words of 8 bytes and begins on a cache line. Its first words are a header, which others
# own. One word of it, `block[LIMIT]`, is the largest size that is delivered; every worker reads it for every
# message, and nobody writes it. The counters begin at word `first`, or wherever you put them behind it.

# %% role="given" grade_id="padded_counters_given"
import numpy as np
from numba import njit

from perflab import atomics, check
from perflab.models import coherence

LIMIT = 0  # the word of the header that all workers read
DELIVERED, DROPPED, BYTES = range(3)  # a worker's counters, a word each


def make_bus(rng, workers, messages, first, line=8):
    """Arguments behind `me`: the block, its first free word, words of a line,
    sizes of messages."""
    # Lines of the header, and one for each worker: there is no more space.
    lines = -(-first // line) + workers
    block = rng.integers(1, 1_000, lines * line)
    block[LIMIT] = rng.integers(60, 100)
    return block, first, line, rng.integers(1, 121, (workers, messages))


@njit
def count_packed(me, block, first, line, sizes):
    """Count the messages of worker `me`; return the word where it counts."""
    at = first + 3 * me
    for i in range(sizes.shape[1]):
        size = sizes[me, i]
        if size > block[LIMIT]:
            atomics.fetch_add(block, at + DROPPED, 1)
        else:
            atomics.fetch_add(block, at + DELIVERED, 1)
            atomics.fetch_add(block, at + BYTES, size)
    return at


# %% [markdown]
# The course's own threads call what you write: workers, and for the correctness test a monitor that looks where your
# `place` says.


# %% role="given" grade_id="padded_counters_threads"
@njit
def working(me, block, first, line, sizes, taken):
    """Run one worker."""
    return count(me, block, first, line, sizes)


@njit
def monitoring(me, block, first, line, sizes, taken):
    """Run the monitor: take all counters, once for every two messages of a
    worker; return where those of the last worker begin."""
    at = 0
    for _ in range(sizes.shape[1] // 2):
        for worker in range(sizes.shape[0]):
            at = place(worker, first, line)
            for k in range(3):
                taken[worker, k] += atomics.exchange(block, at + k, 0)
    return at


def make_watched(rng, messages, first, line=8):
    """Arguments of two workers and a monitor: a bus, and what was taken."""
    bus = make_bus(rng, 2, messages, first, line)
    return *bus, np.zeros((2, 3), np.int64)


# %% [markdown]
# What do four workers do to each other? `coherence.simulate` lets them take turns, one access each, and follows
# which core has which line. Turns so short are the worst case, and the same on every run.

# %% role="given" grade_id="padded_counters_example"
bus = make_bus(np.random.default_rng(1), workers=4, messages=100, first=8)
print(coherence.simulate(count_packed, [(me, *bus) for me in range(4)]))

# %% [markdown]
# Invalidations are copies of a line that a core has lost since another one wrote to it. All misses are *false*
# sharing: nobody needed what was written.
#
# ## Predict
# You will give each worker a line of its own, and rely on one thing: the block begins on a cache line. Suppose that
# an allocator hands you a block of the same size that begins 48 bytes into one. How many invalidations will the four
# workers above have with *your* answer then? What they have side by side is printed above. Write a number.

# %% role="predict" grade_id="padded_counters_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `place`, which says where the three counters of a worker begin, and `count`, which counts there. The three
# stay side by side, and the monitor finds them by your `place`. All other words keep their values.
#
# A header may fill more than one line. The block has space for one line a worker behind the header's lines, not
# more. A line has 8 words here, and 16 on some processors; `line` says how many.
#
# The tests let 16 workers count four messages each, and count invalidations: once with a header that fills its
# line, and once with one that does not. Points begin below 10 invalidations, and full points are for not a single one.
# The last test has lines of 16 words.
#
# <details><summary>Hint 1</summary>
#
# Draw the block as rows of 8 words, and write into each word who touches it. How many names stand in a row?
#
# </details>
# <details><summary>Hint 2</summary>
#
# Two workers are a whole line apart if the second begins `line` words behind the first. But with `first = 6`, in
# which line do the three words of worker 0 lie, and who else is there?
#
# </details>
# <details><summary>Hint 3</summary>
#
# The first worker begins at the first multiple of `line` that is not below `first`. A division of integers rounds
# down; to round up, add a little less than a whole `line` before you divide. Each further worker is one line on.
#
# </details>


# %% role="answer" grade_id="padded_counters_answer"
@njit
def place(me, first, line):
    """Return the word at which the counters of worker `me` begin.

    Parameters
    ----------
    me : int
        Number of the worker, from 0.
    first : int
        The first word behind the header; word 0 begins a line.
    line : int
        Words of a cache line.
    """
    ### BEGIN SOLUTION
    aligned = (first + line - 1) // line * line
    return aligned + line * me
    ### END SOLUTION


@njit
def count(me, block, first, line, sizes):
    """Count the messages `sizes[me]` atomically; return the worker's place."""
    ### BEGIN SOLUTION
    mine = place(me, first, line)
    for size in sizes[me]:
        if size > block[LIMIT]:
            atomics.fetch_add(block, mine + DROPPED, 1)
        else:
            atomics.fetch_add(block, mine + DELIVERED, 1)
            atomics.fetch_add(block, mine + BYTES, size)
    return mine
    ### END SOLUTION


# %% [markdown]
# ### Is it correct?
# Two workers and the monitor, every schedule of a few messages; then real threads and many.


# %% role="tests" grade_id="padded_counters_correct" points=2
def counted(results, before, after):
    """Say what is wrong with a block after the workers have counted."""
    expected, sizes = before[0].copy(), before[3]
    places, found = results[: len(sizes)], after[0].copy()
    for me, at in enumerate(places):
        assert isinstance(at, int | np.integer), (
            f"count returned {at!r} for worker {me}, and not a word"
        )
        assert before[1] <= at <= expected.size - 3, (
            f"the counters of worker {me} begin at {at}, outside of the block"
        )
        assert all(abs(at - other) >= 3 for other in places[:me]), (
            f"counters of two workers overlap: they begin at {places}"
        )
        fits = sizes[me] <= expected[LIMIT]
        expected[at : at + 3] += (
            fits.sum(),
            (~fits).sum(),
            sizes[me][fits].sum(),
        )
        if len(after) > 4:  # what the monitor has taken counts as well
            found[at : at + 3] += after[4][me]
    assert len(after) < 5 or results[-1] == places[-1], (
        f"worker {len(places) - 1} counts at {places[-1]}, and place sends the "
        f"monitor to {results[-1]}"
    )
    for word in np.flatnonzero(found != expected)[:1]:
        raise AssertionError(
            f"word {word} of the block comes to {found[word]}, and should "
            f"come to {expected[word]}"
        )


few = [
    lambda rng, f=f, line=line: make_watched(rng, 2, f, line)
    for f, line in ((8, 8), (17, 8))
]
### BEGIN HIDDEN TESTS
few += [
    lambda rng, f=f, line=line: make_watched(rng, 2, f, line)
    for f, line in ((7, 8), (9, 16), (32, 16))
]
### END HIDDEN TESTS
check.correct(
    (place, count),
    against=counted,
    on=few,
    threads=(working, working, monitoring),
    stress=lambda rng: make_watched(rng, 50_000, first=6),
    points=2,
)

# %% [markdown]
# ### Does each worker have lines of its own?
# The header fills its line. Each line that two workers share costs points.

# %% role="tests" grade_id="padded_counters_apart" points=2 hints=[1, 2]
check.counts(
    count,
    "invalidations",
    on=lambda rng: make_bus(rng, 16, 4, first=8),
    threads=16,
    zero=10,
    full=0,
    points=2,
)

# %% [markdown]
# ### Wherever the header ends?
# The header ends in the middle of a line, and all workers read that line for each message.

# %% role="tests" grade_id="padded_counters_aligned" points=2 hints=[2, 3]
check.counts(
    count,
    "invalidations",
    on=lambda rng: make_bus(rng, 16, 4, first=6),
    threads=16,
    zero=10,
    full=0,
    points=2,
)

# %% [markdown]
# ### And where lines are longer?
# A line of 16 words, as some processors have it. No worker may share one with another worker or with the header.


# %% role="tests" grade_id="padded_counters_longer" points=2 hints=[2, 3]
def on_own_lines(places, before, after):
    """Say which line a worker shares, and with whom."""
    counted(places, before, after)
    first, line = before[1:3]
    owner = {word // line: "the header" for word in range(first)}
    for me, at in enumerate(places):
        for word in range(at, at + 3):
            other = owner.setdefault(word // line, f"worker {me}")
            assert other == f"worker {me}", (
                f"lines have {line} words here, and worker {me} counts on "
                f"that of {other}, at word {word}"
            )


longer = [lambda rng, f=f: make_bus(rng, 3, 1, f, 16) for f in (16, 33)]
### BEGIN HIDDEN TESTS
longer += [lambda rng, f=f: make_bus(rng, 3, 1, f, 16) for f in (24, 31)]
### END HIDDEN TESTS
check.correct(count, against=on_own_lines, on=longer, threads=3, points=2)

# %% [markdown]
# ## Before and after
# The block of four workers whose header has six words. Each row is a cache line, each cell a word; a color is a
# worker. Then your answer on a block that begins in the middle of a line. Last, two threads count on your machine.
# Their time earns no points: it needs two free cores, and it depends on how far apart these are.

# %% role="show" grade_id="padded_counters_show"
from perflab import figures, hints, timing

bus = make_bus(np.random.default_rng(1), workers=4, messages=1, first=6)
fig, axes = figures.subplots(1, 2, size=(7, 2.6))
colors = [
    figures.COLORS[name] for name in ("blue", "vermilion", "green", "purple")
]
for ax, title, counter in zip(
    axes, ("before", "after: your place"), (count_packed, count), strict=True
):
    owner = dict.fromkeys(range(6), "header") | {LIMIT: "limit"}
    for me in range(4):
        at = counter(me, *bus)
        owner |= {at + k: me for k in range(3)}
    for word in range(bus[0].size):
        who = owner.get(word, "")
        color = colors[who] if isinstance(who, int) else figures.COLORS["gray"]
        row, column = divmod(word, 8)
        ax.barh(
            row,
            0.92,
            height=0.8,
            left=column,
            align="edge",
            color=color,
            alpha=0.45 if who != "" else 0.1,
        )
        ax.text(
            column + 0.46,
            row + 0.4,
            str(who),
            ha="center",
            va="center",
            fontsize=6,
        )
    ax.set(xlim=(0, 8), ylim=(5, -0.1), title=title)
    ax.axis("off")
figures.show(
    fig,
    "Before, four workers lie on two lines. After, they lie where place() "
    "put them.",
)

shifted, first, line, sizes = make_bus(np.random.default_rng(1), 4, 100, 8)
whole = hints.empty(shifted.size + line, np.int64)  # begins on a cache line
late = whole[6 : 6 + shifted.size]  # and this 48 bytes behind it
late[:] = shifted
misplaced = coherence.simulate(
    count, [(me, late, first, line, sizes) for me in range(4)]
)

block = hints.empty(24, np.int64)
block[:] = 0
block[LIMIT] = 100
sizes = np.random.default_rng(2).integers(1, 121, (2, 40_000))
yours, packed = (
    [(counter, (me, block, 6, 8, sizes)) for me in range(2)]
    for counter in (count, count_packed)
)
raced = timing.compare_threads(yours, packed, budget=5)
print(f"Two threads, yours against side by side: {raced}")
print(*raced.disturbances)
check.predicted(
    guess,
    measured=misplaced.invalidations,
    of="invalidations with a block 48 bytes into a line",
)

# %% [markdown]
# Nothing is left, since nothing was needed: every miss was false sharing. But your place counts words from the
# beginning of the block. On a block that begins 48 bytes into a line, each worker's last counter lies on the next
# worker's line, and most of the invalidations are back. So whoever pads also asks for an aligned block, and checks it.
#
# There is another way to the same end. Count in registers and write now and then: fewer writes take fewer lines,
# even side by side. But the monitor sees old numbers then, and few is not none.
#
# **Next bottleneck.** A line for each worker costs memory: 64 bytes for 24. With eight counters a worker it costs
# nothing. With thousands of objects it fills a cache, so you pad only what several threads write all the time.

# %% [markdown] role="explain" grade_id="padded_counters_explain" points=2
# ## Interview question
# A service keeps `requests[thread]`, an array of counters with one element a thread, each written by its own
# thread only. Throughput falls when threads are added. How do you show that false sharing is the cause, and what
# do you change?
#
# ### BEGIN MARK SCHEME
# One point for the evidence: the threads write no common data, only a common line (addresses divided by 64 agree);
# a profile by events (`perf c2c`, loads that hit a modified line elsewhere), or an experiment that changes nothing
# but the distance of the counters and makes the time fall at 64 bytes. (Half a point for "the profile shows the
# increment".)
#
# One point for the remedy: pad and align each counter to a line (128 bytes where neighbors are fetched together),
# or keep it in a place of the thread's own and add up when somebody reads; and for naming what that costs.
#
# No point for a lock around the counters, or for atomics: nobody else writes them, so there is nothing to protect.
# ### END MARK SCHEME
