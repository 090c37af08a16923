"""Compiled functions on threads that run at once, for as long as they may and no longer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, typeof
from numba.core.dispatcher import Dispatcher

from perflab.threads.barrier import arrive, barrier
from perflab.threads.clock import CLOCK, nanoseconds, new_clock, new_times, note_time
from perflab.threads.cores import allowed, halves, spread
from perflab.threads.fork import run_in_fork
from perflab.threads.sharing import shared
from perflab.threads.team import Team

KEPT = 64  # kernels whose compiled frames are remembered
AT_ONCE = 0.5  # of the time from the first start to the last end
SECOND_CORE = 1.5  # cores that two threads have to get together, to have run at once


@dataclass(frozen=True)
class Run:
    """What became of some threads.

    Attributes
    ----------
    results : tuple
        What the kernels returned, in the order of the calls.
    seconds : tuple of float
        How long each ran, from the moment when all had arrived.
    shares : tuple of float
        The CPU time that each got, over its seconds: 1.0 is a core of its own, 0.5 half of one.
    overlap : float
        From 0 to 1: the time when all ran, over the time from the first start to the last end.
    cores : int
        How many cores the threads were spread over, as the system counts: two halves of one core are two.
    apart : bool
        Whether no two threads were on halves of one core, which share its caches.
    """

    results: tuple
    seconds: tuple[float, ...]
    shares: tuple[float, ...]
    overlap: float
    cores: int
    apart: bool = True

    @property
    def parallel(self) -> bool:
        """Whether at least two threads ran at the same time on cores of their own, for half of the time.

        If not, the threads took turns, and what needs two at once was hardly tried: say so, and run again.
        """
        return self.cores > 1 and self.overlap >= AT_ONCE and sum(self.shares) >= SECOND_CORE


def run(
    calls: Sequence[tuple[Dispatcher, tuple]], *, seconds: float = 10.0, duration: float = 0.1, pin: bool = True
) -> Run:
    """Run compiled functions at once, each on a thread of its own, and wait for all of them.

    They start together: every thread waits in compiled code until all have arrived. What runs is a fork of this
    process, so that nothing can hang or crash here. The arrays are shared with it, and what the threads leave in
    them is here afterwards, if all have ended well. Threads that print, print nothing.

    Parameters
    ----------
    calls : sequence of (function, arguments)
        Functions made by ``@njit`` and their tuples of arguments: arrays, numbers, and tuples of these. The same
        array in several calls is one array. `CLOCK` among the arguments stands for the clock of the run, an
        array that `go_on` reads: a kernel that loops while ``go_on(clock)`` runs for `duration`.
    seconds : float
        Budget, from the start of the threads: whoever has not returned by then is ended.
    duration : float
        Seconds until the clock runs out.
    pin : bool
        Whether each thread stays on a core, the next one in turn, halves of one core last.

    Returns
    -------
    Run
        Look at `Run.parallel`: there may have been no second core.

    Raises
    ------
    TypeError, ValueError
        If a call or a number makes no sense.
    TypingError
        If a kernel does not compile for its arguments.
    RuntimeError
        If a thread raises, with its exception as the cause, or crashes.
    TimeoutError
        If a thread does not return within the budget; the text says which.

    Examples
    --------
    ::

        @njit
        def count(clock, counter):
            done = 0
            while threads.go_on(clock):
                counter[0] += 1
                done += 1
            return done

        counter = np.zeros(1, np.int64)
        race = threads.run([(count, (threads.CLOCK, counter))] * 2)
        print(sum(race.results), "additions;", counter[0], "counted")
    """
    _check(calls, seconds, duration)
    n, clock = len(calls), new_clock()
    kernels = [kernel for kernel, _ in calls]
    cores = spread(allowed())
    given = tuple(tuple(clock if arg is CLOCK else arg for arg in args) for _, args in calls)
    (gate, clock, times, given), back = shared((barrier(n), clock, new_times(n), given), "calls")
    team = Team(
        gate=gate,
        clock=clock,
        times=times,
        frames=[_frame(kernel) for kernel in kernels],
        arguments=given,
        cores=[cores[i % len(cores)] for i in range(n)] if pin else None,
    )
    for frame, args in zip(team.frames, given, strict=True):
        # Before the fork, so that it need not be done again, and errors of types are raised here.
        frame.compile(tuple(map(typeof, (gate, times[0], args))))
    results = run_in_fork(team, [kernel.__name__ for kernel in kernels], seconds, duration)
    back()
    used = cores[:n]
    return Run(results, *_summary(times), len(used), len({halves(core) for core in used}) == n)


def _check(calls: Any, seconds: float, duration: float) -> None:
    if not calls:
        raise ValueError("calls: at least one function and its arguments")
    for call in calls:
        if not isinstance(call, tuple) or len(call) != 2 or not isinstance(call[1], tuple):
            raise TypeError(f"calls: pairs of a function and its tuple of arguments, got {call!r}")
        if not isinstance(call[0], Dispatcher):
            raise TypeError(f"calls: functions that Numba compiles, got a {type(call[0]).__name__}; use @njit")
        if call[0].targetoptions.get("parallel"):
            raise TypeError(f"{call[0].__name__}: parallel=True starts threads of its own; leave it out")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds: a budget above 0, got {seconds!r}")
    if not 0 < duration < seconds:
        raise ValueError(f"duration: above 0 and below seconds, which is {seconds!r}; got {duration!r}")


@lru_cache(KEPT)
def _frame(kernel: Dispatcher) -> Dispatcher:
    """Return a function that waits for the others, calls `kernel`, and notes when."""

    @njit(nogil=True)
    def frame(gate, times, args):
        arrive(gate)
        note_time(times[0])
        result = kernel(*args)
        note_time(times[1])
        return result

    return frame


def _summary(times: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return of each thread its seconds and its share of a core, and the overlap of all."""
    wall, cpu = np.moveaxis(nanoseconds(times), -1, 0)  # each of shape (threads, start and end)
    spent = np.maximum(np.diff(wall)[:, 0], 1)
    shares = np.diff(cpu)[:, 0] / spent
    common = wall[:, 1].min() - wall[:, 0].max()
    overlap = max(0, common) / max(1, wall[:, 1].max() - wall[:, 0].min())
    return tuple(map(float, spent * 1e-9)), tuple(map(float, shares)), float(overlap)
