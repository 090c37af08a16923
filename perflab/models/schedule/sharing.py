"""Share a loop's iterations among workers: as planned beforehand, or as each asks for more.

The names are OpenMP's. Iterations, here tasks, are numbered; a chunk is a run of them.
"""

import heapq
from collections.abc import Callable

import numpy as np

from perflab.models.schedule.tasks import require_chunk, require_cost, require_owner, require_tasks
from perflab.models.schedule.timeline import QUEUE, TASK, Schedule, Span


def assigned(durations: np.ndarray, owner: np.ndarray, workers: int, *, policy: str = "assigned") -> Schedule:
    """Let each worker do its own tasks, in the order of their numbers.

    Parameters
    ----------
    durations : array of numbers
        Of the tasks, 0 or more. Integers give exact results.
    owner : array of int
        The worker of each task.
    workers : int
    policy : str
        How to call it.

    Returns
    -------
    Schedule
    """
    durations = require_tasks(durations, workers)
    owner = require_owner(owner, durations.size, workers)
    clock = [0] * workers
    spans = []
    for task, (duration, worker) in enumerate(zip(durations.tolist(), owner.tolist(), strict=True)):
        spans.append(Span(worker, clock[worker], clock[worker] + duration, TASK, task))
        clock[worker] += duration
    return Schedule(policy, durations, workers, _sorted(spans))


def block(durations: np.ndarray, workers: int) -> Schedule:
    """Give each worker one run of tasks; all runs are equally long, or the first ones longer by one task.

    Parameters, returns: see `assigned`.
    """
    durations = require_tasks(durations, workers)
    return assigned(durations, blocks(durations.size, workers), workers, policy="static, block")


def blocks(tasks: int, workers: int) -> np.ndarray:
    """Return the owner of each task, in equal runs (int64)."""
    short, longer = divmod(tasks, workers)
    return np.repeat(np.arange(workers), [short + (w < longer) for w in range(workers)])


def cyclic(durations: np.ndarray, workers: int, *, chunk: int = 1) -> Schedule:
    """Deal out chunks in turns, as cards.

    Parameters, returns: see `assigned`.
    """
    durations = require_tasks(durations, workers)
    require_chunk(chunk=chunk)
    owner = np.arange(durations.size) // chunk % workers
    return assigned(durations, owner, workers, policy=f"static, chunks of {chunk}")


def dynamic(durations: np.ndarray, workers: int, *, chunk: int = 1, cost: float = 0) -> Schedule:
    """Let each worker that has nothing to do take the next chunk from a common queue.

    Of several, the lowest number takes first.

    Parameters
    ----------
    durations, workers
        See `assigned`.
    chunk : int
        Tasks that are taken at once.
    cost : float
        Time that taking a chunk costs.

    Returns
    -------
    Schedule
    """
    require_chunk(chunk=chunk)
    return _queued(durations, workers, lambda left: chunk, cost, f"dynamic, chunks of {chunk}")


def guided(durations: np.ndarray, workers: int, *, least: int = 1, cost: float = 0) -> Schedule:
    """Like `dynamic`, but a chunk is a worker's share of what is left, so that they shrink [1]_.

    Parameters
    ----------
    durations, workers, cost
        See `dynamic`.
    least : int
        Tasks of the smallest chunk, unless fewer are left.

    References
    ----------
    .. [1] C. D. Polychronopoulos and D. J. Kuck, Guided self-scheduling, IEEE Transactions on Computers C-36,
       1987.
    """
    require_chunk(least=least)
    return _queued(
        durations, workers, lambda left: max(-(-left // workers), least), cost, f"guided, down to {least}"
    )


def _queued(durations: np.ndarray, workers: int, size: Callable[[int], int], cost: float, policy: str) -> Schedule:
    """Schedule from a common queue; `size` says how many of the tasks left are taken at once."""
    durations = require_tasks(durations, workers)
    require_cost(cost=cost)
    free = [(0, worker) for worker in range(workers)]  # a heap: when each worker is free
    spans = []
    lasting = durations.tolist()
    task = 0
    while task < len(lasting):
        now, worker = heapq.heappop(free)
        if cost:
            spans.append(Span(worker, now, now + cost, QUEUE))
            now += cost
        for number in range(task, min(task + size(len(lasting) - task), len(lasting))):
            spans.append(Span(worker, now, now + lasting[number], TASK, number))
            now += lasting[number]
            task = number + 1
        heapq.heappush(free, (now, worker))
    return Schedule(policy, durations, workers, _sorted(spans))


def _sorted(spans: list[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda span: (span.start, span.worker, span.end)))
