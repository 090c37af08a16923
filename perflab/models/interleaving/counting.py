"""How many locked operations and full fences a program executes, when its threads take turns."""

from collections.abc import Callable, Sequence
from typing import Any

from perflab.models.interleaving.machine import Machine, Step
from perflab.models.interleaving.memory import Memory
from perflab.models.interleaving.operations import Kind
from perflab.models.interleaving.running import EndlessError
from perflab.models.interleaving.threads import Threads

TURN = 100  # steps of a thread that waits, until it is another one's turn
MOST_TURNS = 10_000


def locked(calls: Sequence[tuple[Callable[..., Any], tuple]]) -> int:
    """Count what keeps other cores out or drains the store buffer.

    That is read-modify-writes, sequentially consistent stores, and full fences. The threads run one after the
    other, each to its end or until it only waits; so the count is exact.

    Parameters
    ----------
    calls : sequence of (function, arguments)
        See `perflab.models.interleaving.explore`.

    Raises
    ------
    EndlessError
        If the threads do not come to an end.
    """
    memory = Memory()
    # Every cell counts as shared: what is counted must not depend on who else uses it.
    machine = Machine(Threads(calls, memory), memory, tso=False, capacity=1, monitor=None, watched=True)
    log: list[Step] = []
    state = machine.start()
    try:
        for turn in range(MOST_TURNS):
            if machine.ended(state) or machine.error(state):
                break
            thread = turn % len(calls)
            for _ in range(TURN):
                after = machine.step(state, thread, log)
                if after is None:
                    break
                state = after
        else:
            raise EndlessError("the threads do not come to an end when they take turns: some wait for each other")
    finally:
        memory.write_back({})
    return sum(step.operation.kind in (Kind.UPDATE, Kind.FENCE) for step in log if step.operation)
