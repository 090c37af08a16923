# ---
# perflab:
#   title: A deque for thieves
#   covers: [concurrency/work-stealing/task-queue-design, concurrency/work-stealing/work-stealing-algorithms]
#   lever: owner and thieves use different ends, and agree by a fence, and by one exchange for the last task
#   stars: 3
#   minutes: 75
#   chapter: concurrency/work-stealing
# ---

# %% [markdown]
# # A deque for thieves
# The thread pool of a UI framework: each worker has a deque of tasks. Its owner pushes what a task spawns, and
# takes the youngest task back. A worker that has run dry steals the oldest task of another one.
#
# Nearly all operations are the owner's, and nearly always nobody else is there. Yet in the version below the owner
# locks its own deque twice a task, in case a thief comes by. Chase and Lev showed in 2005 that it need not lock at
# all, until the last task.
#
# A lock has another price, too. If the system stops a thread that holds it, all others wait until that one goes on.
#
# ## The deque
# Tasks are numbers from 1 up. The deque is two arrays:
#
# | place | what it holds |
# | --- | --- |
# | `ring[p & (ring.size - 1)]` | the task at position `p`; `ring.size` is a power of two |
# | `ends[TOP]` | the position of the oldest task; thieves steal it here |
# | `ends[BOTTOM]` | the position behind the youngest task; the owner works here |
#
# Positions count up for ever, so the deque is empty if TOP and BOTTOM are equal, and `BOTTOM - TOP` tasks are in
# it. The two ends lie on cache lines of their own.

# %% role="given" grade_id="work_stealing_given"
import numpy as np
from numba import njit

from perflab import atomics, check, hints

LINE = 8  # int64 from one cache line to the next
TOP, BOTTOM, DONE, LOCK = 0, LINE, 2 * LINE, 3 * LINE
EMPTY, LOST = 0, -1


@njit
def lock(ends):
    """Wait until the deque is mine."""
    while not atomics.compare_exchange(ends, LOCK, 0, 1):
        hints.pause()


@njit
def push_locked(ends, ring, task):
    """Put a task at the bottom; return whether there was space."""
    lock(ends)
    space = ends[BOTTOM] - ends[TOP] < ring.size
    if space:
        ring[ends[BOTTOM] & (ring.size - 1)] = task
        ends[BOTTOM] += 1
    atomics.store(ends, LOCK, 0, "release")
    return space


@njit
def take_locked(ends, ring):
    """Return the youngest task, or EMPTY."""
    lock(ends)
    task = EMPTY
    if ends[TOP] < ends[BOTTOM]:
        ends[BOTTOM] -= 1
        task = ring[ends[BOTTOM] & (ring.size - 1)]
    atomics.store(ends, LOCK, 0, "release")
    return task


@njit
def steal_locked(ends, ring):
    """Return the oldest task, or EMPTY."""
    lock(ends)
    task = EMPTY
    if ends[TOP] < ends[BOTTOM]:
        task = ring[ends[TOP] & (ring.size - 1)]
        ends[TOP] += 1
    atomics.store(ends, LOCK, 0, "release")
    return task


# %% [markdown]
# The course's own threads call what you write: one operation each, to begin with, and later an owner and a thief
# at full speed.


# %% role="given" grade_id="work_stealing_threads"
@njit
def pushing(me, ends, ring, task):
    """Run one thread: push once."""
    return push(ends, ring, task)


@njit
def taking(me, ends, ring, task):
    """Run one thread: take once."""
    return take(ends, ring)


@njit
def stealing(me, ends, ring, task):
    """Run one thread: steal once."""
    return steal(ends, ring)


@njit
def own(me, ends, ring, tasks, kept, stolen, batch, tries):
    """Push all tasks, `batch` at a time, and take back what is left; return
    how many those are."""
    count = 0
    for first in range(0, tasks.size, batch):
        for k in range(first, first + batch):
            push(ends, ring, tasks[k])
        for _ in range(batch):
            task = take(ends, ring)
            if task > EMPTY and count < kept.size:
                kept[count] = task
                count += 1
    atomics.store(ends, DONE, 1, "release")
    return count


@njit
def rob(me, ends, ring, tasks, kept, stolen, batch, tries):
    """Try to steal, until the owner is done or `tries` are used up; return
    how many tasks that gave."""
    count = 0
    while tries > 0 and atomics.load(ends, DONE, "acquire") == 0:
        task = steal(ends, ring)
        if task > EMPTY and count < stolen.size:
            stolen[count] = task
            count += 1
        tries -= 1
    return count


def make_deque(rng, count, size=4):
    """Arguments of one operation: a deque that holds some tasks, with old ones
    in its other places, and one more task."""
    ends = np.zeros(4 * LINE, np.int64)
    ends[TOP] = rng.integers(1, 100)
    ends[BOTTOM] = ends[TOP] + count
    *ring, task = (rng.permutation(8)[: size + 1] + 1).tolist()
    return ends, np.array(ring, np.int64), task


def make_threads(rng, count, batch=2, tries=2, size=16, held=0):
    """Arguments of an owner and a thief: a deque that holds some tasks, and
    `count` more in any order."""
    ends, ring = np.zeros(4 * LINE, np.int64), np.zeros(size, np.int64)
    tasks = rng.permutation(count + held) + 1
    ends[BOTTOM], ring[:held] = held, tasks[count:]
    return (
        ends,
        ring,
        tasks[:count],
        np.zeros(count + held + 2, np.int64),
        np.zeros(count + held + 2, np.int64),
        batch,
        tries,
    )


# %% [markdown]
# ## What has to hold
# `allowed` says what may come out when some threads do one operation each. Every schedule is tried.


# %% role="given" grade_id="work_stealing_rules"
def allowed(*operations):
    """Return the judge of one operation a thread."""

    def holds(results, before, after):
        (ends, ring, task), (ends_after, ring_after, _) = before, after
        held = [
            int(ring[p % ring.size]) for p in range(ends[TOP], ends[BOTTOM])
        ]
        got = [
            int(r) if name != "push" and r > EMPTY else None
            for name, r in zip(operations, results, strict=True)
        ]
        out = [one for one in got if one is not None]
        ever = held + [task] * (
            "push" in operations and bool(results[operations.index("push")])
        )
        for one in out:
            assert one in ever, (
                f"task {one} was handed out, and nobody had pushed it"
            )
            assert out.count(one) == 1, f"task {one} was handed out twice"
        stolen = {
            one
            for name, one in zip(operations, got, strict=True)
            if name == "steal" and one is not None
        }
        full = len(held) == ring.size and len(ever) > ring.size
        assert stolen == set(ever[: len(stolen)]), (
            f"{stolen} was stolen, and not the oldest of {ever}"
            + ("; the deque was full: was there space to push?" if full else "")
        )
        for name, result, one in zip(operations, results, got, strict=True):
            others = len(out) - (one is not None)
            if name == "push":
                assert result or len(held) == ring.size, (
                    "push found no space, and there was some"
                )
            elif name == "take" and one is not None:
                assert one == held[-1], (
                    f"take returned {one}, and the youngest task was {held[-1]}"
                )
            elif one is None:
                assert result in (EMPTY, LOST)[: 1 + (name == "steal")], (
                    f"{name} returned {result}"
                )
                assert result == EMPTY or others, "a thief lost, and nobody won"
                assert result == LOST or others >= len(held), (
                    f"{name} found nothing, and {held} was there"
                )
        size = int(ends_after[BOTTOM] - ends_after[TOP])
        rest = [one for one in ever if one not in out]
        assert size == len(rest), (
            f"in the end BOTTOM - TOP is {size}, and {len(rest)} tasks "
            "should be there"
        )
        left = [
            int(ring_after[p % ring.size])
            for p in range(ends_after[TOP], ends_after[BOTTOM])
        ]
        assert left == rest, (
            f"in the end the deque holds {left}, and should hold {rest}"
        )
        assert ends_after[TOP] >= ends[TOP], (
            "TOP has gone back, and a thief that is late will be fooled"
        )

    return holds


def each_once(results, before, after):
    """Judge what an owner and a thief brought home, and what is left: each
    task exactly once."""
    (ends, ring, tasks), (ends_after, ring_after) = before[:3], after[:2]
    top, bottom = ends_after[TOP], ends_after[BOTTOM]
    assert 0 <= bottom - top <= ring.size, (
        f"in the end BOTTOM - TOP is {bottom - top}"
    )
    found = [
        mine[:count] for mine, count in zip(after[3:5], results, strict=True)
    ]
    found.append(ring_after[np.arange(top, bottom) & (ring.size - 1)])
    count = tasks.size + ends[BOTTOM] - ends[TOP]
    times = np.bincount(np.concatenate(found), minlength=count + 1)
    assert len(times) == count + 1, "there is a task that nobody had pushed"
    assert times[0] == 0, "EMPTY was handed out as a task"
    assert times[1:].max() < 2, (
        f"task {times.argmax()} was handed out {times.max()} times"
    )
    assert times[1:].min() > 0, f"task {times[1:].argmin() + 1} was lost"


# %% [markdown]
# ## Predict
# An owner pushes eight tasks and takes them back; no thief comes by. With a lock that takes 16 locked operations,
# one for each push and each take. How many locked operations and full fences does it take without a lock?

# %% role="predict" grade_id="work_stealing_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write the three operations, without a lock: no operation waits for another thread, so wherever the system stops a
# thread, all others still come to their ends. Only the owner calls `push` and `take`; any number of thieves call
# `steal`. What several threads touch, read and write with `atomics`:
#
# - `atomics.load(ends, TOP, "relaxed")`, or "acquire", or "seq_cst"
# - `atomics.store(ends, BOTTOM, value, "relaxed")`, or "release", or "seq_cst"
# - `atomics.compare_exchange(ends, TOP, expected, desired)` writes `desired` if `expected` stands there, and says
#   whether it did
# - `atomics.fence("seq_cst")` lets all earlier stores out before any later load
#
# Remember that a plain store waits in a buffer, and that later loads overtake it.
#
# **What the tests can see.** They run every schedule on a model of x86's memory, total store order (TSO). Then they stop
# each thread at each of its steps, and the others go on alone. At last real threads run on your processor. On x86 a
# release store and an acquire load are plain instructions, so these tests cannot tell whether you asked for them. Ask
# anyway: C11 and Armv8 promise nothing without. "No schedule fails" is about x86, and never "it is right". The last
# test counts the locked operations and full fences of an owner that nobody disturbs, for eight pushes and eight takes:
# points begin below 16, those of the lock, and full points are for 9. On x86 a seq_cst store is a locked instruction
# and counts as one; a release store does not.
#
# <details><summary>Hint 1</summary>
#
# Begin with the thieves. Two of them may want the same task, so one of them must win: whoever moves TOP on. A
# thief has to read the task before that, since afterwards its place may be used again.
#
# And a thief that sees the new BOTTOM has to see the task as well. So the store of BOTTOM in `push` is a release, and
# the thief's load of it an acquire. (A later store of BOTTOM by the owner hides that release since C++20, unless
# it is one, too.)
#
# </details>
# <details><summary>Hint 2</summary>
#
# The owner takes in three steps: say that you want the youngest task, by moving BOTTOM back; then read TOP; then
# decide. The first step must be visible to thieves before the second happens. No release and no acquire does that:
# they order a store after what comes before it, and a load before what comes after it. What does?
#
# </details>
# <details><summary>Hint 3</summary>
#
# Once you have read TOP there are three cases. More than one task was left: the youngest is yours, no thief can
# reach it. None was left: put BOTTOM back where it was. Exactly one: a thief may be at it right now, so do as a
# thief does, move TOP on by compare-and-exchange; won or lost, the deque is empty then and BOTTOM goes back.
#
# </details>


# %% role="answer" grade_id="work_stealing_answer"
@njit
def push(ends, ring, task):
    """Put a task at the bottom; return whether there was space.

    Only the owner calls this.
    """
    ### BEGIN SOLUTION
    bottom = atomics.load(ends, BOTTOM, "relaxed")
    if bottom - atomics.load(ends, TOP, "acquire") >= ring.size:
        return False
    atomics.store(ring, bottom & (ring.size - 1), task, "relaxed")
    # A thief that sees this sees the task.
    atomics.store(ends, BOTTOM, bottom + 1, "release")
    return True
    ### END SOLUTION


@njit
def take(ends, ring):
    """Return the youngest task, or EMPTY if there is none.

    Only the owner calls this.
    """
    ### BEGIN SOLUTION
    mine = atomics.load(ends, BOTTOM, "relaxed") - 1
    # All stores of BOTTOM release: a thief may see this one, not push's.
    atomics.store(ends, BOTTOM, mine, "release")
    atomics.fence("seq_cst")  # thieves must see this claim before TOP is read
    oldest = atomics.load(ends, TOP, "relaxed")
    if oldest < mine:
        return atomics.load(ring, mine & (ring.size - 1), "relaxed")
    won = oldest == mine and atomics.compare_exchange(
        ends, TOP, oldest, oldest + 1
    )
    atomics.store(ends, BOTTOM, mine + 1, "release")
    if not won:
        return EMPTY
    return atomics.load(ring, mine & (ring.size - 1), "relaxed")
    ### END SOLUTION


@njit
def steal(ends, ring):
    """Return the oldest task; EMPTY if there is none, LOST if another thief
    or the owner was faster. Thieves call this."""
    ### BEGIN SOLUTION
    oldest = atomics.load(ends, TOP, "acquire")
    # The other half of take's fence: C11 wants both. x86 does without.
    atomics.fence("seq_cst")
    if oldest >= atomics.load(ends, BOTTOM, "acquire"):
        return EMPTY
    loot = atomics.load(ring, oldest & (ring.size - 1), "relaxed")
    if atomics.compare_exchange(ends, TOP, oldest, oldest + 1):
        return loot
    return LOST
    ### END SOLUTION


# %% [markdown]
# ### A push and two thieves
# The deque is empty, holds something, or is full.

# %% role="tests" grade_id="work_stealing_thieves" points=1 hints=[1, 1]
cases = [lambda rng, n=n: make_deque(rng, n) for n in (0, 1, 2, 4)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, n=n, size=size: make_deque(rng, n, size)
    for n, size in ((1, 1), (1, 2), (2, 2))
]
### END HIDDEN TESTS
check.correct(
    (push, steal),
    threads=(pushing, stealing, stealing),
    against=allowed("push", "steal", "steal"),
    on=cases,
    nonblocking=True,
    points=1,
)

# %% [markdown]
# ### The last task
# The owner takes while a thief steals. With one task in the deque exactly one of them may get it, and the deque
# must be in order afterwards.

# %% role="tests" grade_id="work_stealing_last" points=2 hints=[2, 3]
cases = [lambda rng, n=n: make_deque(rng, n) for n in (1, 0, 2)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_deque(rng, 3),
    lambda rng: make_deque(rng, 1, size=1),
]
### END HIDDEN TESTS
check.correct(
    (take, steal),
    threads=(taking, stealing),
    against=allowed("take", "steal"),
    on=cases,
    nonblocking=True,
    points=2,
)

# %% [markdown]
# ### The store that waits
# Now with two thieves. If the owner's claim still waits in its store buffer while it reads TOP, the second thief does
# not see it.

# %% role="tests" grade_id="work_stealing_fence" points=2 hints=[2, 2]
cases = [lambda rng, n=n: make_deque(rng, n) for n in (2, 3)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_deque(rng, 1),
    lambda rng: make_deque(rng, 2, size=2),
]
### END HIDDEN TESTS
check.correct(
    (take, steal),
    threads=(taking, stealing, stealing),
    against=allowed("take", "steal", "steal"),
    on=cases,
    nonblocking=True,
    points=2,
)

# %% [markdown]
# ### An owner and a thief, at full speed
# First all schedules of two to four pushes, as many takes and two steals. Then the owner takes once from a full deque,
# while a thief steals all of it. At last half a million tasks on real threads, three times. A machine with one free
# core says so; it costs you nothing.


# %% role="tests" grade_id="work_stealing_threads_agree" points=2
def many(rng):
    return make_threads(rng, 500_000, tries=1 << 40)


cases = [
    lambda rng, n=n, size=size: make_threads(rng, n, size=size)
    for n, size in ((2, 16), (4, 2))
]
cases += [lambda rng: make_threads(rng, 1, batch=1, tries=16, held=15)]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_threads(rng, 4, tries=3, size=4),
    lambda rng: make_threads(
        rng, 1, batch=1, tries=16, held=int(rng.integers(4, 15))
    ),
]
### END HIDDEN TESTS
check.correct(
    (push, take, steal),
    threads=(own, rob),
    against=each_once,
    on=cases,
    nonblocking=True,
    stress=many,
    points=2,
)

# %% [markdown]
# ### How often does the owner lock?
# Eight pushes and eight takes, and no thief in sight.


# %% role="tests" grade_id="work_stealing_locked" points=2
def alone(rng):
    return make_threads(rng, 8, batch=8, tries=0)


check.counts(
    (push, take, steal),
    "locked",
    threads=(own, rob),
    on=alone,
    zero=16,
    full=9,
    points=2,
)

# %% [markdown]
# ## Before and after
# One task is in the deque. A thief is stopped for ever before one of its steps, and the owner wants to take. Each box
# is a step of the thief. Below: what a push and a take cost an owner that nobody disturbs, locked and yours, in turns on
# one thread. Then both real threads once more, and who got how many tasks.

# %% role="show" grade_id="work_stealing_show"
from perflab import figures, threads, timing
from perflab.models import interleaving

ROUNDS = 200_000


@njit
def taking_locked(me, ends, ring, task):
    """Run one thread: take once, with the lock."""
    return take_locked(ends, ring)


@njit
def stealing_locked(me, ends, ring, task):
    """Run one thread: steal once, with the lock."""
    return steal_locked(ends, ring)


def stopped_thief(owner, thief):
    """Return for each step of the thief whether the owner waits for ever if
    the thief is stopped there."""
    args = make_deque(np.random.default_rng(2), 1)
    calls = [(owner, (0, *args)), (thief, (1, *args))]
    return [
        one.waiting is not None
        for one in interleaving.stopped(calls)
        if one.thread == 1
    ]


@njit
def locked_rounds(rounds):
    """Push four tasks and take them back, with the lock, again and again;
    return the sum of what was taken."""
    ends, ring, total = np.zeros(4 * LINE, np.int64), np.zeros(16, np.int64), 0
    for task in range(1, rounds, 4):
        for k in range(4):
            push_locked(ends, ring, task + k)
        for _ in range(4):
            total += take_locked(ends, ring)
    return total


@njit
def free_rounds(rounds):
    """Do the same without a lock."""
    ends, ring, total = np.zeros(4 * LINE, np.int64), np.zeros(16, np.int64), 0
    for task in range(1, rounds, 4):
        for k in range(4):
            push(ends, ring, task + k)
        for _ in range(4):
            total += take(ends, ring)
    return total


compared = timing.compare(free_rounds, locked_rounds, lambda rng: (ROUNDS,))
before, after = (
    np.median(side) / ROUNDS * 1e9
    for side in (compared.pairs.baseline, compared.pairs.candidate)
)
waits = [
    stopped_thief(taking_locked, stealing_locked),
    stopped_thief(taking, stealing),
]
fig, (boxes, ax) = figures.subplots(2, 1, size=(5.6, 3.4))
for row, steps in enumerate(waits):
    for step, wait in enumerate(steps):
        color = figures.COLORS["vermilion" if wait else "green"]
        boxes.barh(
            1 - row, 0.9, left=step, height=0.7, align="edge", color=color
        )
        boxes.text(
            step + 0.45,
            1.35 - row,
            "waits" if wait else "goes on",
            ha="center",
            va="center",
            fontsize=6,
        )
boxes.set(
    yticks=[1.35, 0.35],
    yticklabels=["locked", "yours"],
    xticks=[],
    xlabel="the owner, if the thief is stopped before this step",
)
ax.barh(
    [1, 0],
    [before, after],
    color=[figures.COLORS["gray"], figures.COLORS["blue"]],
)
ax.set(
    yticks=[1, 0],
    yticklabels=["locked", "yours"],
    xlabel="ns for a push and a take",
)
figures.show(
    fig,
    f"With a lock the owner waits at {sum(waits[0])} of {len(waits[0])} steps "
    f"of the thief, with yours at {sum(waits[1])} of {len(waits[1])}. A push "
    f"and a take: {before:.1f} ns with a lock, {after:.1f} ns with yours.",
)
arguments = make_threads(np.random.default_rng(1), 500_000, tries=1 << 40)
race = threads.run([(own, (0, *arguments)), (rob, (1, *arguments))])
print(
    f"500,000 tasks: the owner took {race.results[0]:,}, "
    f"the thief {race.results[1]:,}."
)
print(
    "Both ran at once."
    if race.parallel
    else "No second core was free, so this says little."
)
check.predicted(guess, "work_stealing_locked")

# %% [markdown]
# On x86 the fence is a locked instruction, and so is the exchange of a lock. For a push and a take the lock has two of
# them, and yours has one. More important is what the boxes show, and no clock of one thread: nobody ever waits for a
# thief that the system has stopped while it held the lock.
#
# **Next bottleneck.** The deque is cheap. Who takes what, from which end and from whom, is the scheduler's
# decision: `steal_or_share`.

# %% [markdown] role="explain" grade_id="work_stealing_explain" points=2
# ## Interview question
# Your deque has passed on x86 for a year. On arm64 a task is executed twice, once a week. The compare-and-exchange
# is right. Where do you look, and why could x86 not show it?
#
# ### BEGIN MARK SCHEME
# One point for the place: the orders of the plain accesses. On x86 loads stay in order, and so do stores; only a
# store followed by a load may change places. On arm64 the task's store in push may become visible after BOTTOM if
# that is not released, and the thief may read BOTTOM before TOP, or the task before BOTTOM, if those loads do not
# acquire. (Half a point for "memory ordering" without naming accesses.)
#
# One point for what to do: release on the stores of BOTTOM, acquire on the thief's loads, full fences in take and, as
# C11 asks, in steal; then check it under the memory model in question, with a tool such as herd7, GenMC or Loom, or
# against the published proof for POWER and ARM (Le and others, 2013).
#
# No point for "the compare-and-exchange must be repeated", which the question excludes; for `volatile`; or for more
# hours of stress tests on x86, which cannot show it.
# ### END MARK SCHEME
