# ---
# perflab:
#   title: A cache of your own
#   covers: [memory/locality/memory-access-patterns]
#   lever: keep what the cache would hold now, set by set, in place of looking back through the history
#   stars: 2
#   minutes: 30
#   chapter: memory/locality
#   forbids: [perflab.models.cache, perflab.models.coherence]
# ---

# %% [markdown]
# # A cache of your own
# The list of a UI toolkit got slower last week, and nobody saw it in review. You want a test that fails when a
# change makes the list miss the cache more often. Counters of the processor will not do: the test machines are
# virtual and hide theirs, and what a shared cache counts has the neighbors in it. So the toolkit records the
# addresses that a frame touches, and you write the cache.
#
# ## The cache
# It keeps **lines**: address `a` is in line number `a // line`. The lines are spread over **sets**: line
# number `k` belongs to set `k % sets`, and to no other. A set has room for `ways` lines. If it is full and
# another one comes, the line goes that was **used least recently**, LRU for short. In the beginning all sets
# are empty.
#
# | sets | ways | is called |
# | --- | --- | --- |
# | many | 1 | direct-mapped |
# | many | a few | set-associative, like every cache of your processor |
# | 1 | many | fully associative, like a cache of decoded images in a list |
#
# There is another way to say the same, without any cache: an access hits if its line was used before, and
# *fewer than `ways` other lines of its set* were used since. The slow code below takes that definition at its
# word, and looks back through the history for each access.

# %% role="given" grade_id="cache_simulator_given"
import numpy as np
from numba import njit

from perflab import check


@njit
def look_back(addresses, line, sets, ways):
    """Return for each access whether it misses, by the definition."""
    numbers = np.empty(addresses.size, np.int64)
    homes = np.empty(addresses.size, np.int64)
    missed = np.ones(addresses.size, np.bool_)
    others = np.empty(ways, np.int64)
    for now in range(addresses.size):
        numbers[now] = addresses[now] // line
        homes[now] = numbers[now] % sets
        count = 0
        for before in range(now - 1, -1, -1):
            if numbers[before] == numbers[now]:
                missed[now] = False
                break
            if homes[before] != homes[now]:
                continue
            known = False
            for k in range(count):
                known |= others[k] == numbers[before]
            if not known:
                others[count] = numbers[before]
                count += 1
                if count == ways:
                    break
    return missed


def rows_of(count, pitch, rounds=10):
    """Addresses of a column: `count` words, `pitch` bytes apart."""
    return np.tile(np.arange(count) * pitch, rounds)


def make_frame(rng, n=20_000, line=64, sets=64, ways=8):
    """Arguments: accesses to rows on screen and all over the heap; a cache."""
    screen = rng.integers(0, 256, n) * 64
    heap = (1 << 20) + rng.integers(0, 1 << 22, n)
    return np.where(rng.random(n) < 0.5, screen, heap), line, sets, ways


def make_scroll(rng, n=2_000):
    """Arguments: accesses to 640 lines that come again and again; a cache."""
    return rng.integers(0, 640 * 64, n), 64, 8, 8


# %% role="given" grade_id="cache_simulator_example"
for count, pitch in ((8, 4096), (9, 4096), (9, 4160), (512, 4160), (513, 4160)):
    misses = look_back(rows_of(count, pitch), 64, 64, 8).sum()
    print(f"{count:3} rows, {pitch} bytes apart, ten times each:", end=" ")
    print(f"{misses:5,} misses of {10 * count:5,}")

# %% [markdown]
# Eight rows of 4,096 bytes fit and nine do not: their lines all belong to one set. With rows of 4,160 bytes,
# each has the next set for its own, and 512 of them fit. One more, and one set of the 64 is short of one
# place.
#
# ## Predict
# `look_back` is compiled. How many times as fast is a compiled simulator that keeps the state of the cache?
# Write your guess.

# %% role="predict" grade_id="cache_simulator_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `simulate`, which returns what `look_back` returns and never looks back. What has to be kept between two
# accesses, and how much of it does one access have to look at?
#
# | what the tests ask | nothing | full points |
# | --- | --- | --- |
# | elements that yours reads and writes, for 2,000 accesses | 105,000 | 65,000 |
# | how many times as fast yours is | 2.5 | 8 |
#
# That it is right earns two points of eight. The other six are for the lever. A history for each set looks at less
# than `look_back` does, but repeats cost: keep each line once, and move it to the front.
#
# <details><summary>Hint 1</summary>
#
# `look_back` asks the past what the cache would hold. Keep what it holds in place of that: for each set the
# numbers of its lines. An access is concerned with one set alone.
#
# </details>
# <details><summary>Hint 2</summary>
#
# An array `kept` of shape `(sets, ways)`, full of -1 at first, is all you need, if each row is in the order
# of use: the line used last in front, the one that has to go at the end. No clock, no ages.
#
# </details>
# <details><summary>Hint 3</summary>
#
# For each access find the place of its line in the row of its set; if it is not there, take the last place,
# which is the one to be lost. Then move everything before that place one further, from the back to the front,
# and put the line in front. A hit and a miss do the same.
#
# </details>


# %% role="answer" grade_id="cache_simulator_answer"
@njit
def simulate(addresses, line, sets, ways):
    """Return for each access whether it misses a cache that is empty at first.

    Parameters
    ----------
    addresses : ndarray of int64, shape (n,)
        In bytes, none negative, in the order of the accesses; each touches
        one line.
    line : int
        Bytes of a line.
    sets, ways : int
        How many sets there are, a power of two, and how many lines one of
        them keeps.

    Returns
    -------
    ndarray of bool, shape (n,)
        True is a miss.
    """
    ### BEGIN SOLUTION
    kept = np.full((sets, ways), -1, np.int64)
    missed = np.empty(addresses.size, np.bool_)
    for i in range(addresses.size):
        number = addresses[i] // line
        row = kept[number % sets]
        place = 0
        while place < ways - 1 and row[place] != number:
            place += 1
        missed[i] = row[place] != number
        for k in range(place, 0, -1):
            row[k] = row[k - 1]
        row[0] = number
    return missed
    ### END SOLUTION


# %% [markdown]
# ### Does it find the set?
# Direct-mapped caches: a set holds one line, so that nobody has to choose which one goes. A line has 64 bytes in
# most cases, 16, 32 or 128 in others. The caches of this course (`perflab.models.cache`, which your answer must not
# use: no check takes it then) are asked about the same accesses, one at a time.


# %% role="tests" grade_id="cache_simulator_direct" points=1
def course_cache(addresses, line, sets, ways):
    """What to compare with: the course's own simulator."""
    from perflab.models import cache, hooks

    level = cache.Level("L1", line * sets * ways, ways, line)
    one_byte_read = np.full(addresses.size, hooks.encode(0, 1, 0), np.int64)
    return (
        cache.Simulation(cache.Hierarchy((level,))).feed(
            addresses, one_byte_read
        )
        > 0
    )


cases = [lambda rng: (np.zeros(0, np.int64), 64, 4, 1)]  # nobody came
cases += [lambda rng: (np.array([0, 63, 64, 0, 128, 127]), 64, 2, 1)]
cases += [
    lambda rng: (np.arange(0, 800, 8), 64, 1, 1)
]  # one line is all there is
cases += [
    lambda rng, pitch=pitch: (rows_of(5, pitch), 64, 4, 1)
    for pitch in (64, 256, 320)
]
cases += [
    lambda rng, line=line: (np.arange(0, 800, 8), line, 2, 1)
    for line in (32, 128)
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, line=line: (rng.integers(0, 5_000, 300), line, 16, 1)
    for line in (16, 64, 128)
]
### END HIDDEN TESTS
check.correct(simulate, against=course_cache, on=cases, points=1)

# %% [markdown]
# ### Does the right line go?
# Several lines a set: fully associative caches, and such as a processor has, with accesses in sequence, with
# strides, and at random.

# %% role="tests" grade_id="cache_simulator_lru" points=1
cases = [
    lambda rng: (np.array([0, 64, 0, 128, 0, 64]), 64, 1, 2)
]  # what was used stays
cases += [
    lambda rng, ways=ways: (rng.integers(0, 1_500, 200), 64, 1, ways)
    for ways in (2, 3, 16)
]
cases += [lambda rng: (np.tile(np.arange(0, 4_096, 8), 2), 64, 8, 4)]
cases += [
    lambda rng, count=count: (rows_of(count, 512), 64, 8, 4) for count in (4, 5)
]
cases += [
    lambda rng, line=line: (rng.integers(0, 1_500, 200), line, 2, 3)
    for line in (32, 128)
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, sets=sets: make_frame(rng, 3_000, 64, sets, 8)
    for sets in (64, 64, 16)
]
cases += [
    lambda rng: make_frame(rng, 3_000, 32, 128, 12),
    lambda rng: (rows_of(33, 4_096), 64, 64, 32),
]
### END HIDDEN TESTS
check.correct(simulate, against=course_cache, on=cases, points=1)

# %% [markdown]
# ### How much does it read and write?
# On 2,000 accesses to 640 lines, each of which comes again and again, with 8 sets of 8 lines. Every element that is
# read or written is counted, of arrays and of lists; a question to a dictionary or to a set counts as one. Nothing is
# timed, so the count is the same on every machine. `look_back` comes to about 650,000.

# %% role="tests" grade_id="cache_simulator_steps" points=3
check.counts(
    simulate,
    "accesses",
    on=make_scroll,
    zero=105_000,
    full=65_000,
    points=3,
)

# %% [markdown]
# ### How much faster is it?
# Both on the same 20,000 accesses of a frame, with 64 sets of 8 lines.

# %% role="tests" grade_id="cache_simulator_speed" points=3
check.faster(
    simulate, than=look_back, on=make_frame, zero=2.5, full=8, points=3
)

# %% [markdown]
# ## Before and after
# What the test of the toolkit will say: a column of rows, read again and again, against the number of rows. Below,
# the time of both simulators against the number of sets.

# %% role="show" grade_id="cache_simulator_show"
from functools import partial

from perflab import figures, timing

fig, (top, bottom) = figures.subplots(2, 1, size=(6, 5))
COUNTS = np.unique(np.geomspace(1, 1_000, 60).astype(int))
for pitch in (4096, 4160):
    shares = [
        100 * simulate(rows_of(count, pitch), 64, 64, 8).mean()
        for count in COUNTS
    ]
    top.plot(COUNTS, shares, label=f"rows of {pitch:,} bytes")
top.set(xscale="log", xlabel="rows", ylabel="misses (%)", ylim=(-5, 105))
top.legend()
SETS = [1 << k for k in range(11)]
frame, *_ = make_frame(np.random.default_rng(), 4_000)
microseconds = {"look_back": [], "yours": []}
for name, fn in (("look_back", look_back), ("yours", simulate)):
    for sets in SETS:
        call = partial(fn, frame, 64, sets, 8)
        microseconds[name].append(
            min(timing.seconds_of(call, "wall")[0] for _ in range(3))
            / frame.size
            * 1e6
        )
for name, values in microseconds.items():
    bottom.plot(SETS, values, label=name)
bottom.set(
    xscale="log", yscale="log", xlabel="sets of 8 lines", ylabel="µs an access"
)
bottom.legend()
figures.show(
    fig,
    "Above, misses against rows: with rows of 4,096 bytes all accesses miss "
    "from nine rows on, with rows of 4,160 bytes from some 570 on. Below, time "
    "an access against the number of sets: yours takes "
    f"{min(microseconds['yours']):.3f} to {max(microseconds['yours']):.3f} "
    f"microseconds, look_back up to {max(microseconds['look_back']):.3f}.",
)
check.predicted(guess, "cache_simulator_speed")

# %% [markdown]
# The upper picture is a test that never flakes: a number of misses that is the same today, tomorrow, and on
# every machine, with a cliff that a change of the pitch can push you over. The lower one shows what state is
# worth. The larger the cache, the longer must the definition look back; your simulator looks at one row of
# eight numbers, which is one cache line itself.
#
# Hardware has the same idea for another reason. A cycle is enough to compare eight tags, not 512, so a line
# has to be in one of eight places or it is not there.
#
# **Next bottleneck.** You can tell now whose rows compete for a set. Make them stop in *Turn the picture*.

# %% [markdown] role="explain" grade_id="cache_simulator_explain" points=2
# ## Interview question
# Your simulator says that version A of a loop misses half as often as version B. On the machine, B is faster.
# Give two reasons why both may be right. What is the count good for nevertheless?
#
# ### BEGIN MARK SCHEME
# One point for two reasons (half a point for one): misses that do not depend on each other overlap, and a
# prefetcher hides those with a stride; a miss of the first level that the second one serves costs a few
# cycles; A runs more instructions, or no vector instructions; the real cache is not LRU, or indexes physical
# addresses, or is shared.
#
# One point for a use: it is exact, so a test can fail on one miss more; it names the line of code or the
# array that misses; it tells what another cache or pitch would do. Time is what counts in the end, and is
# measured beside it.
#
# Nothing for "the simulator is wrong" or "the measurement is noise" without a mechanism.
# ### END MARK SCHEME
