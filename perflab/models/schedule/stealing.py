"""Work stealing: each worker has a deque of its own, and one that has nothing takes from another.

A worker puts the tasks that its task spawns, when that is done, at the back of its deque in their order, and takes
the next one from the back: the youngest, whose data is warm. A thief takes from the front: the oldest, which in a
tree of tasks is likely the largest. The victim is drawn at random among all others [1]_.

Times of one moment come in the order of the workers' numbers. A steal takes its time whether it finds something or
not, and looks at the victim's deque at its end. A worker stops looking once every task has begun.

References
----------
.. [1] R. D. Blumofe and C. E. Leiserson, Scheduling multithreaded computations by work stealing, Journal of the
   ACM 46, 1999.
"""

import heapq
from collections import deque
from collections.abc import Iterator

import numpy as np

from perflab.models.schedule.sharing import blocks
from perflab.models.schedule.tasks import require_owner, require_parents, require_tasks
from perflab.models.schedule.timeline import STEAL, TASK, Schedule, Span

OLDEST, YOUNGEST = "oldest", "youngest"
_WORD = (1 << 64) - 1


def stealing(
    durations: np.ndarray,
    workers: int,
    *,
    parents: np.ndarray | None = None,
    owner: np.ndarray | None = None,
    cost: float = 1,
    seed: int = 0,
    loot: str = OLDEST,
) -> Schedule:
    """Schedule tasks by work stealing.

    Parameters
    ----------
    durations : array of numbers
        Of the tasks, 0 or more. Integers give exact results.
    workers : int
    parents : array of int, optional
        The task that spawns each task, which has a lower number; -1 for those that are there from the start, as
        all are by default.
    owner : array of int, optional
        Who has each task at the start; equal runs by default. What it says of spawned tasks counts for nothing.
    cost : float
        Time of a steal, above 0.
    seed : int
        Of the victims.
    loot : {"oldest", "youngest"}
        Which task of its victim a thief gets.

    Returns
    -------
    Schedule
        The same for the same input, always.
    """
    durations = require_tasks(durations, workers)
    parents = require_parents(parents, durations.size)
    if not isinstance(cost, int | float | np.number) or not 0 < cost < np.inf:
        raise ValueError(f"cost: a time above 0, or a thief would look for ever at no expense; got {cost!r}")
    if loot not in (OLDEST, YOUNGEST):
        raise ValueError(f"loot: {OLDEST!r} or {YOUNGEST!r}, got {loot!r}")
    roots = np.flatnonzero(parents < 0)
    if owner is None:
        at_first = blocks(roots.size, workers)
    else:
        at_first = require_owner(owner, durations.size, workers)[roots]
    deques: list[deque[int]] = [deque() for _ in range(workers)]
    for task, worker in zip(roots.tolist(), at_first.tolist(), strict=True):
        deques[worker].appendleft(task)  # so that the owner begins with the lowest number
    children: list[list[int]] = [[] for _ in range(durations.size)]
    for task, parent in enumerate(parents.tolist()):
        if parent >= 0:
            children[parent].append(task)

    lasting = durations.tolist()
    victims = victim_stream(seed)
    spans: list[Span] = []
    begun = 0
    # What each worker is doing until then: (end, worker, task done, victim looked at).
    doing: list[tuple[float, int, int, int]] = [(0, worker, -1, -1) for worker in range(workers)]
    heapq.heapify(doing)
    while doing:
        now, me, done, victim = heapq.heappop(doing)
        if done >= 0:
            deques[me].extend(children[done])
        task = -1
        if victim >= 0:
            take = deques[victim].popleft if loot == OLDEST else deques[victim].pop
            task = take() if deques[victim] else -1
            spans.append(Span(me, now - cost, now, STEAL, task, victim))
        elif deques[me]:
            task = deques[me].pop()
        if task >= 0:
            begun += 1
            spans.append(Span(me, now, now + lasting[task], TASK, task))
            heapq.heappush(doing, (now + lasting[task], me, task, -1))
        elif begun < len(lasting) and workers > 1:
            heapq.heappush(doing, (now + cost, me, -1, (me + 1 + next(victims) % (workers - 1)) % workers))
    spans.sort(key=lambda span: (span.start, span.worker, span.end))
    return Schedule("work stealing", durations, workers, tuple(spans), parents)


def victim_stream(seed: int) -> Iterator[int]:
    """Yield random words of 64 bits: SplitMix64, whose stream no library's next version changes [1]_.

    References
    ----------
    .. [1] G. L. Steele, D. Lea and C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    state = seed & _WORD
    while True:
        state = (state + 0x9E3779B97F4A7C15) & _WORD
        word = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
        yield word ^ (word >> 31)
