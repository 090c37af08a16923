# ---
# perflab:
#   title: Steal or share
#   covers: [concurrency/work-stealing/load-balancing-work-stealing, concurrency/work-stealing/steal-local-work]
#   lever: who runs dry fetches work, the oldest there is
#   stars: 2
#   minutes: 25
#   chapter: concurrency/work-stealing
# ---

# %% [markdown]
# # Steal or share
# After a system has started, it indexes the user's files: sixteen folders, each the root of a tree, on eight
# workers. Two folders a worker sounds fair. But one folder holds the photos, and nobody knows how large a tree is
# before somebody has walked it: a task spawns its subfolders when it is done.
#
# Most folders are small, so tasks are short: to fetch one from another worker takes as long as to run two.
#
# You write the scheduler. The pool is a model with a clock of its own, so what you get is exact and depends on no
# machine. At the end the same function drives real threads.

# %% role="given" grade_id="steal_or_share_given"
import heapq
import math

import numpy as np

from perflab import check
from perflab.models.schedule import Schedule, Span

COST = 40  # time of a steal or of a gift; tasks last 5 to 39
PATIENCE = 5  # steals a task: after so many the pool gives up


class Pool:
    """A modeled pool of workers, each with a deque of tasks.

    pool("next")                    the worker that has nothing to do now, or
                                    None once all tasks have begun
    pool("run", me, end)            it runs the task at that end of its deque;
                                    returns what the task is worth, or None if
                                    there is none. What the task spawns comes
                                    to the back when it is done.
    pool("steal", me, victim, end)  it moves a task of another worker, if there
                                    is one, to its own deque
    pool("give", me, other, end)    it moves a task of its own to another one
    pool("rest", me)                it waits until it is given something; its
                                    deque must be empty
    pool("size", me)                how many tasks its own deque holds; to ask
                                    costs nothing

    An end is "front", where the oldest task is, or "back". A steal and a gift
    take COST; both happen at the end of that time.
    """

    def __init__(self, durations, parents, owner, worth, workers):
        self.durations, self.parents, self.owner = durations, parents, owner
        self.worth, self.workers = worth, workers
        self.deques = [[] for _ in range(workers)]
        self.children = [[] for _ in durations]
        for task, parent in enumerate(parents.tolist()):
            if parent < 0:
                self.deques[owner[task]].append(task)
            else:
                self.children[parent].append(task)
        # Until when, who, what, and with which task, or from which end of
        # whose deque.
        self.doing = [
            (0, worker, "rest", None, None) for worker in range(workers)
        ]
        self.resting, self.spans = set(), []
        self.now = self.begun = self.moved = self.steals = self.gifts = 0
        self.free = None  # the worker that waits for a decision

    def __call__(self, verb, *args):
        if verb not in ("next", "run", "steal", "give", "rest", "size"):
            raise ValueError(
                "the verbs are next, run, steal, give, rest and size; "
                f"not {verb!r}"
            )
        if verb == "next":
            return self.next()
        if not args or args[0] != self.free:
            raise ValueError(
                f"{verb}: worker {self.free} is the one that is free; "
                "ask for the next one first"
            )
        return getattr(self, verb)(*args)

    def next(self):
        if self.free is not None:
            raise ValueError(
                f"next: worker {self.free} has nothing to do yet: "
                "let it run, steal, give or rest"
            )
        while self.doing:
            self.now, me, what, which, other = heapq.heappop(self.doing)
            if what == "run":
                self.deques[me] += self.children[which]
            elif what == "steal":
                self._arrive(me, other, me, which)
            elif what == "give":
                self._arrive(me, me, other, which)
            if self.begun < len(self.durations):
                self.free = me
                return me
        return None

    def run(self, me, end):
        task = self._pop(me, end)
        if task is not None:
            self.begun += 1
            self.spans.append(
                Span(
                    me,
                    self.now,
                    self.now + int(self.durations[task]),
                    "task",
                    task,
                )
            )
            self._do(me, "run", int(self.durations[task]), task)
            return int(self.worth[task])

    def steal(self, me, victim, end):
        self._other(me, victim)
        self.steals += 1
        if self.steals > PATIENCE * len(self.durations):
            raise ValueError(
                f"{self.steals} steals for {len(self.durations)} tasks: "
                "steal from those who have some"
            )
        self._do(me, "steal", COST, end, victim)

    def give(self, me, other, end):
        self._other(me, other)
        if not self.deques[me]:
            raise ValueError(f"give: worker {me} has no task")
        self.gifts += 1
        self._do(me, "give", COST, end, other)

    def rest(self, me):
        if self.deques[me]:
            raise ValueError(f"rest: worker {me} has tasks")
        self.resting.add(me)
        self.free = None

    def size(self, me):
        return len(self.deques[me])

    def schedule(self):
        """Return who did what when, as `perflab.models.schedule` has it."""
        spans = sorted(
            self.spans, key=lambda span: (span.start, span.worker, span.end)
        )
        return Schedule(
            "yours", self.durations, self.workers, tuple(spans), self.parents
        )

    def _do(self, me, what, lasts, which, other=None):
        heapq.heappush(self.doing, (self.now + lasts, me, what, which, other))
        self.free = None

    def _other(self, me, other):
        if other == me or other not in range(self.workers):
            raise ValueError(
                f"worker {other!r}: another one than {me}, "
                f"from 0 to {self.workers - 1}"
            )

    def _pop(self, worker, end):
        if end not in ("front", "back"):
            raise ValueError(f"an end is 'front' or 'back', not {end!r}")
        if self.deques[worker]:
            return self.deques[worker].pop(0 if end == "front" else -1)

    def _arrive(self, me, source, target, end):
        task = self._pop(source, end)
        found = -1 if task is None else task
        self.spans.append(
            Span(me, self.now - COST, self.now, "steal", found, source)
        )
        if task is not None:
            self.deques[target].append(task)
            self.moved += 1
            if target in self.resting:
                self.resting.remove(target)
                heapq.heappush(
                    self.doing, (self.now, target, "rest", None, None)
                )


def new_pool(rng, tasks=5_000, workers=8, skew=2.0, folders=16):
    """Make a pool whose first folders hold most of the files."""
    folders = min(folders, tasks)
    parents, trees = np.full(tasks, -1), [[root] for root in range(folders)]
    share = 1 / np.arange(1, folders + 1) ** skew
    for task in range(folders, tasks):
        tree = trees[rng.choice(folders, p=share / share.sum())]
        parents[task] = tree[rng.integers(len(tree))]
        tree.append(task)
    owner = np.arange(tasks) * workers // max(folders, 1)  # of the folders
    return Pool(
        rng.integers(5, 40, tasks),
        parents,
        owner,
        rng.integers(1, 1000, tasks),
        workers,
    )


def make_pool(rng, tasks=5_000, workers=8, skew=2.0):
    """Arguments of one run: a pool, and how many workers it has."""
    return check.oracle(new_pool(rng, tasks, workers, skew)), workers


def run_static(pool, workers):
    """Let each worker do its own, and rest."""
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is None:
            pool("rest", me)
        else:
            total += worth
    return total


def run_shared(pool, workers):
    """Let each worker that has more than one task give one to anybody before
    it runs the next."""
    rng = np.random.default_rng(1)
    total, gave = 0, [False] * workers
    while (me := pool("next")) is not None:
        gave[me] = workers > 1 and not gave[me] and pool("size", me) > 1
        if gave[me]:
            pool(
                "give",
                me,
                (me + int(rng.integers(1, workers))) % workers,
                "front",
            )
        elif (worth := pool("run", me, "back")) is not None:
            total += worth
        else:
            pool("rest", me)
    return total


# %% [markdown]
# `run_static` shows how the pool is used. `run_shared` is work *sharing*: whoever has tasks hands them out. It
# balances, and see who pays for it: those who have work to do.
#
# ## Predict
# How many times as fast as `run_static` can any scheduler be, with eight workers and this skew?

# %% role="predict" grade_id="steal_or_share_guess"
guess = None  # your number

# %% [markdown]
# ## Your turn
# Write `run_stealing(pool, workers)`: it runs all tasks and returns the sum of what they are worth, like
# `run_static`. No verb tells how long a task lasts, what it will spawn, or how full another one's deque is.
#
# Decide: when does a worker steal, from whom, and from which end? From which end does it take its own? All balance is
# by steals here: a run with a gift in it counts as one that never ends, even if the gift goes to a worker that rests.
# To know who rests, a worker with tasks would have to read a list that all workers write.
#
# Full points are for three times the speed of `run_static`, a makespan within 1.12 times the bound, and at most 4 % of
# the tasks moved to another worker.
#
# <details><summary>Hint 1</summary>
#
# Only a worker that has nothing to do has time to give away. So let it pay for balance.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A steal costs as much for a small task as for a large one. In a tree, which tasks have the largest subtrees still
# below them, the oldest or the youngest? Those are for thieves, and the others for the owner.
#
# </details>
# <details><summary>Hint 3</summary>
#
# Take `run_static` and replace the rest by a steal: the oldest task, for the owner has taken the youngest. Any victim
# will do, as long as thieves do not all go to the same one: `run_shared` draws its partner at random, and to go around
# the other workers in turn does as well.
#
# </details>


# %% role="answer" grade_id="steal_or_share_answer"
def run_stealing(pool, workers):
    """Run all tasks of a pool by work stealing; return the sum of what they
    are worth."""
    ### BEGIN SOLUTION
    dice = np.random.default_rng(1)
    total = 0
    while (me := pool("next")) is not None:
        worth = pool(
            "run", me, "back"
        )  # the youngest: small, and its data is warm
        if worth is not None:
            total += worth
        else:
            pool(
                "steal",
                me,
                (me + int(dice.integers(1, workers))) % workers,
                "front",
            )
    return total
    ### END SOLUTION


# %% [markdown]
# ### Is every task run, and once?


# %% role="tests" grade_id="steal_or_share_correct" points=2
def worth_of_all(pool, workers):
    """Return what yours has to return."""
    return int(pool.worth.sum())


cases = [
    lambda rng, n=n, w=w: make_pool(rng, n, w)
    for n, w in ((0, 2), (1, 2), (30, 2), (40, 4))
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng: make_pool(rng, 20, 1),
    lambda rng: make_pool(rng, 90, 8, skew=3.0),
]
### END HIDDEN TESTS
check.correct(run_stealing, against=worth_of_all, on=cases, points=2)

# %% [markdown]
# ### Against the static split
# The time until the last task is done, the *makespan*, in the model's time. A run counts as endless if a task was
# not run or one was given away (`give`).


# %% role="tests" grade_id="steal_or_share_static" points=1 hints=[1, 1]
def makespan(result, pool, workers):
    """Return when the last task was done; never, if one was not begun or
    was given away."""
    done = pool.begun == len(pool.durations) and pool.gifts == 0
    return pool.schedule().makespan if done else math.inf


check.counts(
    run_stealing,
    makespan,
    than=run_static,
    on=make_pool,
    zero=1.5,
    full=3,
    points=1,
)

# %% [markdown]
# ### Against the best there is
# No schedule is shorter than all work shared evenly, nor than the longest chain of folders in folders.


# %% role="tests" grade_id="steal_or_share_bound" points=3
def above_bound(result, pool, workers):
    """Return the makespan as a multiple of the lower bound."""
    return makespan(result, pool, workers) / pool.schedule().bound


check.counts(
    run_stealing, above_bound, on=make_pool, zero=1.18, full=1.12, points=3
)

# %% [markdown]
# ### How many tasks move?
# A task that moves leaves its data behind in another core's cache. The model does not charge for that; real
# machines do. Where little is balanced, all tasks count as moved: from 1.3 times the bound on.


# %% role="tests" grade_id="steal_or_share_moved" points=3 hints=[2, 3]
def share_moved(result, pool, workers):
    """Return the share of tasks that changed their worker; 1 where the
    makespan is 1.3 times the bound or more."""
    return (
        pool.moved / len(pool.durations)
        if above_bound(result, pool, workers) < 1.3
        else 1.0
    )


check.counts(
    run_stealing, share_moved, on=make_pool, zero=0.07, full=0.04, points=3
)

# %% [markdown]
# ## Before and after
# A smaller pool, the static split above and yours below. The dashed line is the bound. Then the same functions drive
# real threads, as many as there are cores for, with tasks that compute for a fraction of a millisecond. That takes a
# free core for each thread; on a busy machine, or on one with a single core, nothing is gained.

# %% role="show" grade_id="steal_or_share_show"
import os
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from numba import njit

from perflab import figures, pictures

WORKERS = min(
    4,
    len(os.sched_getaffinity(0))
    if hasattr(os, "sched_getaffinity")
    else os.cpu_count() or 1,
)


def after(fn):
    """Return a small pool that a scheduler has run."""
    pool = new_pool(np.random.default_rng(3), tasks=80, workers=4, folders=8)
    fn(pool, 4)
    return pool.schedule()


runs = [after(fn) for fn in (run_static, run_stealing)]
fig, axes = figures.subplots(2, 1, size=(6, 4.4))
for run, ax in zip(runs, axes, strict=True):
    pictures.timeline(run, until=runs[0].makespan * 1.02, ax=ax)
spans = [run.makespan for run in runs]
figures.show(
    fig,
    f"Static: one worker is busy to the end, {spans[0]}. "
    f"Yours: all are, and done at {spans[1]}.",
)


@njit(nogil=True)
def compute(units):
    """Be busy for some time."""
    x = 0.0
    for _ in range(units * 4_000):
        x = x * 0.999 + 0.001
    return x


class RealPool(Pool):
    """The same verbs, and the tasks run on threads."""

    def open(self, executor):
        self.executor, self.idle, self.done, self.thief = (
            executor,
            SimpleQueue(),
            0,
            None,
        )
        for worker in range(self.workers):
            self.idle.put((worker, None))
        return self

    def next(self):
        while self.done < len(self.durations):
            me, task = (
                (self.thief, None)
                if self.thief is not None
                else self.idle.get()
            )
            self.thief = None
            if task is not None:
                self.done += 1
                self.deques[me] += self.children[task]
            if self.begun < len(self.durations):
                self.free = me
                return me

    def _do(self, me, what, lasts, which, other=None):
        self.free = None
        if what == "run":
            job = self.executor.submit(compute, lasts)
            job.add_done_callback(lambda _: self.idle.put((me, which)))
            return
        self.steals = (
            0  # a thief may try as often as it likes: here time passes
        )
        loot = self._pop(other, which) if what == "steal" else None
        if loot is None:
            time.sleep(20e-6)
            self.idle.put((me, None))
        else:
            self.deques[me].append(loot)
            self.thief = (
                me  # it runs at once, before somebody steals that from it
            )


def real_seconds(fn):
    """Return the seconds that a scheduler takes with real threads, the best
    of five."""
    best = math.inf
    with ThreadPoolExecutor(WORKERS) as executor:
        for _ in range(5):
            model = new_pool(
                np.random.default_rng(4), tasks=200, workers=WORKERS
            )
            pool = RealPool(
                model.durations,
                model.parents,
                model.owner,
                model.worth,
                WORKERS,
            ).open(executor)
            start = time.perf_counter()
            fn(pool, WORKERS)
            best = min(best, time.perf_counter() - start)
    return best


compute(1)
if WORKERS == 1:
    print(
        "One core: threads can only take turns here, so there is nothing to "
        "balance."
    )
else:
    static, stealing = real_seconds(run_static), real_seconds(run_stealing)
    print(
        f"{WORKERS} real threads: static {static * 1e3:.0f} ms, "
        f"yours {stealing * 1e3:.0f} ms"
    )
    if stealing >= static:
        print("If the cores were not free, this says little.")
check.predicted(guess, "steal_or_share_static")

# %% [markdown]
# The static split is limited by one worker. Yours is near the bound, and the steals cluster where work runs out:
# at the start, if it begins in few places, and at the end.
#
# **Next bottleneck.** Tasks themselves. Make them ten times smaller and the price of running one, of pushing and
# taking it, comes into view; ten times larger, and the last one is waited for. The chapter measures both sides.

# %% [markdown] role="explain" grade_id="steal_or_share_explain" points=2
# ## Interview question
# Your pool serves a UI: a frame's tasks come in a burst, and each worker's data is warm in its own cache. A
# colleague wants thieves to take half of a victim's deque at once. What would change, for the better and for the
# worse?
#
# ### BEGIN MARK SCHEME
# One point for the gain: fewer steals, since a thief is supplied for longer and can be stolen from at once, so a
# burst at one worker spreads in a number of steps that grows with the logarithm of the workers; it pays where
# tasks spawn nothing (a flat burst), and hardly in a tree, where the oldest task is half of the work already.
#
# One point for the price: more tasks leave their warm cache, and may be stolen back; a single exchange of TOP no
# longer suffices, since the owner could be among the tasks that are claimed, so the deque needs a lock or a second
# protocol.
#
# No point for "thieves find more work": one task at a time they find it as well; and none for "less contention"
# without saying for what.
# ### END MARK SCHEME
