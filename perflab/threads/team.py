"""The threads themselves: started together, stopped by a clock, and not waited for where one has failed."""

import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TICK = 1e-3  # seconds between two looks whether all have arrived
GRACE = 0.2  # seconds for the others to stop when one has raised


@dataclass(frozen=True)
class Team:
    """Everything that some threads need; the arrays are in shared memory.

    Attributes
    ----------
    gate, clock : array of int64
        Their barrier and their clock.
    times : array of int64, shape (threads, 2, 2, 2)
        See `perflab.threads.clock.new_times`.
    frames, arguments
        A compiled function, and its tuple of arguments, for each.
    cores : list of int, optional
        Where each is pinned.
    """

    gate: np.ndarray
    clock: np.ndarray
    times: np.ndarray
    frames: list[Callable]
    arguments: tuple[tuple, ...]
    cores: list[int] | None


@dataclass(frozen=True)
class Failure:
    """A thread that raised."""

    thread: int
    error: Exception


def work(team: Team, duration: float) -> tuple | Failure:
    """Run the threads; return their results, or what one of them raised.

    It may not return, as a thread may not, and after a failure it leaves threads behind: call it in a process that
    ends soon.
    """
    ended: queue.SimpleQueue = queue.SimpleQueue()
    n = len(team.frames)
    for me in range(n):
        threading.Thread(target=_one, args=(team, me, ended), daemon=True).start()
    while team.gate[0] < n and ended.empty():
        time.sleep(TICK)
    results: list = [None] * n
    limit = time.monotonic() + duration
    failure, left = None, n
    while left:
        running_out = failure is not None or team.clock[0] == 0
        try:
            me, result = ended.get(timeout=max(0.0, limit - time.monotonic()) if running_out else None)
        except queue.Empty:
            if failure:
                break
            team.clock[0] = 1
            continue
        left -= 1
        results[me] = result
        if isinstance(result, Failure) and failure is None:
            failure, limit = result, time.monotonic() + GRACE
            team.clock[0] = 1
    return failure or tuple(results)


def _one(team: Team, me: int, ended: queue.SimpleQueue) -> None:
    try:
        if team.cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {team.cores[me]})  # 0: this thread alone
        ended.put((me, team.frames[me](team.gate, team.times[me], team.arguments[me])))
    except Exception as error:
        ended.put((me, Failure(me, error)))
