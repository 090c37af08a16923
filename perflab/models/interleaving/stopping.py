"""Who waits for a thread that the system has stopped, and never lets go on.

Where nobody has to, whatever the step at which it stands, the program is non-blocking. A lock blocks: who holds it
may be stopped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from perflab.models.interleaving.machine import Machine, State
from perflab.models.interleaving.memory import Memory
from perflab.models.interleaving.rewrite import Stop
from perflab.models.interleaving.threads import Threads

MOST_STEPS = 20_000  # of one thread alone


@dataclass(frozen=True)
class Stopped:
    """A thread that is stopped for ever, before one of its steps.

    Attributes
    ----------
    thread : int
    step : int
        How many steps it has done.
    stop : Stop or None
        Where it stands.
    waiting : int or None
        The first other thread that never comes to its end now, if it runs alone from here.
    """

    thread: int
    step: int
    stop: Stop | None
    waiting: int | None


def stopped(calls: Sequence[tuple[Callable[..., Any], tuple]]) -> list[Stopped]:
    """Stop each thread before each of its steps, and let each other one run alone from there.

    The thread runs alone until it is stopped, and its stores have reached memory: a core empties its store buffer
    even then. What is found does happen; who has to wait in other schedules only is not found.

    Parameters
    ----------
    calls : sequence of (function, arguments)
        See `perflab.models.interleaving.explore`.

    Returns
    -------
    list of Stopped
        For each thread one for each of its steps.
    """
    memory = Memory()
    machine = Machine(Threads(calls, memory), memory, tso=False, capacity=1, monitor=None, watched=True)
    found = []
    try:
        for thread in range(len(calls)):
            state, step = machine.start(), 0
            seen: set[Any] = set()
            while (after := machine.step(state, thread, None)) is not None and step < MOST_STEPS:
                others = (other for other in range(len(calls)) if other != thread)
                waiting = next((other for other in others if not _ends(machine, state, other)), None)
                found.append(Stopped(thread, step, machine.threads.stops[state[0][thread]], waiting))
                if (standing := _standing(machine, after, thread)) in seen:
                    break  # it waits for another one itself
                seen.add(standing)
                state, step = after, step + 1
    finally:
        memory.write_back({})
    return found


def _ends(machine: Machine, state: State, thread: int) -> bool:
    """Tell whether a thread comes to its end alone: it waits where it stands again where it has stood."""
    seen = set()
    for _ in range(MOST_STEPS):
        after = machine.step(state, thread, None)
        if after is None:
            return True
        state = after
        if (standing := _standing(machine, state, thread)) in seen:
            return False
        seen.add(standing)
    return False


def _standing(machine: Machine, state: State, thread: int) -> tuple:
    return state[0][thread], tuple(machine.values(state).values())
