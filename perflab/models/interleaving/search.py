"""All schedules of a program: every state that some schedule reaches, each once, in the order of distance.

Breadth first, so that the schedule which first fails is a shortest one. A state from which no schedule comes to an
end is a deadlock, found after all states are known. States stand for schedules without number: two schedules that
lead to the same state have the same future.
"""

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perflab.models.interleaving import report
from perflab.models.interleaving.graph import Graph, Move, tidied
from perflab.models.interleaving.histories import IMPOSSIBLE, Monitor, recorded
from perflab.models.interleaving.machine import Learned, Machine, State, Step
from perflab.models.interleaving.memory import Memory
from perflab.models.interleaving.threads import Threads

REHEARSALS = 4  # random schedules, from which most of what is shared is learned
MOST_STEPS = 200  # of a rehearsal
Memories = Literal["tso", "sc"]


class TooManySchedulesError(RuntimeError):
    """A program with more states than allowed; the text says how to shrink it."""


@dataclass(frozen=True)
class Violation:
    """A schedule that fails.

    Attributes
    ----------
    kind : str
        "check", "always", "raised", "deadlock" or "history".
    message : str
    steps : list of Step
    names : tuple of str
        Of the functions that the threads run.
    cells : tuple of Cell
        What `Step.memory` and the buffers name by place.
    memory : {"tso", "sc"}
        The memory model that it needs: "tso" if no schedule fails without store buffers.
    """

    kind: str
    message: str
    steps: list[Step]
    names: tuple[str, ...]
    cells: tuple
    memory: Memories


@dataclass(frozen=True)
class Exploration:
    """What all schedules of a program do.

    Attributes
    ----------
    memory : {"tso", "sc"}
    states, moves : int
        How many were seen.
    schedules : int or None
        How many ways lead from the start to an end, up to the order of what other threads cannot see. None if
        spinning makes them infinitely many, or a violation ended the search.
    seconds : float
    violation : Violation or None
    """

    memory: Memories
    states: int
    moves: int
    schedules: int | None
    seconds: float
    violation: Violation | None = None

    @property
    def passed(self) -> bool:
        """Whether no schedule fails."""
        return self.violation is None

    def __repr__(self) -> str:
        return report.text(self)

    def _repr_html_(self) -> str:
        return report.as_html(self)


def explore(
    calls: Sequence[tuple[Callable[..., Any], tuple]],
    *,
    check: Callable[..., Any] | None = None,
    always: Callable[[], Any] | None = None,
    against: Callable[[], Any] | None = None,
    memory: Memories = "tso",
    states: int = 200_000,
    buffer: int = 16,
) -> Exploration:
    """Run all schedules of a small program.

    The functions are those that run on real threads: plain ones or Numba's. Where they use `perflab.atomics`, and
    where they read or write an element of an array that is among the arguments, another thread may come between;
    functions that they call are followed. Loops that spin are no problem: a state that was seen is not gone
    through again. Numbers have the types that they have in compiled code: what an array holds, and what Numba
    makes of it, so that unsigned ones wrap around. A variable has the type of what was assigned to it last.

    Parameters
    ----------
    calls : sequence of (function, arguments)
        One for each thread, as for `perflab.threads.run`. Arrays of numbers among the arguments are shared, in
        tuples too. They are as before when this returns.
    check : callable, optional
        Called at the end of each schedule with what the threads returned, while the arrays hold what they hold
        then. The schedule fails if it raises AssertionError or returns False.
    always : callable, optional
        An invariant: called without arguments after every step, while the arrays hold what they hold then.
    against : callable, optional
        Makes a sequential object, e.g. a class. Calls of functions named like its methods are recorded, without
        their arrays, and each history has to be linearizable: explained by the methods, called one at a time. A
        call lasts until its last store has left the store buffer.
    memory : {"tso", "sc"}
        The memory model: total store order (x86) or sequential consistency.
    states : int
        How many states to see before giving up.
    buffer : int
        Stores that a store buffer holds.

    Returns
    -------
    Exploration

    Raises
    ------
    UnrewritableError
        If a function cannot be taken apart; the text names the line and the way out.
    TooManySchedulesError
        If the program has more states than `states`.
    TypeError, ValueError
        If an argument is none that threads can share.

    Examples
    --------
    >>> def add(counter):
    ...     counter[0] += 1
    >>> counter = np.zeros(1, np.int64)
    >>> found = explore([(add, (counter,))] * 2, check=lambda *_: counter[0] == 2)
    >>> found.violation.kind
    'check'
    """
    calls = list(calls)
    if not calls or not all(_is_call(call) for call in calls):
        raise TypeError(
            "calls: a pair (function, tuple of arguments) for each thread, e.g. [(add, (counter,))] * 2"
        )
    if memory not in ("tso", "sc"):
        raise ValueError(f"memory: 'tso' or 'sc', got {memory!r}")
    if states < 1 or buffer < 1:
        raise ValueError(f"states and buffer: at least 1, got {states} and {buffer}")
    began = time.perf_counter()
    search, found = _searched(calls, check, always, against, memory, buffer, states)
    if found is not None and memory == "tso":
        with contextlib.suppress(TooManySchedulesError):
            # A failure that needs no store buffers has a simpler schedule.
            found = _searched(calls, check, always, against, "sc", buffer, states)[1] or found
    graph = search.graph
    return Exploration(
        memory,
        len(graph.states),
        sum(map(len, graph.following)),
        graph.count() if found is None else None,
        time.perf_counter() - began,
        found,
    )


def _is_call(call: Any) -> bool:
    return isinstance(call, tuple) and len(call) == 2 and callable(call[0]) and isinstance(call[1], tuple)


def _searched(
    calls: Sequence[tuple], check: Any, always: Any, against: Any, memory: Memories, buffer: int, states: int
) -> tuple["_Search", Violation | None]:
    shared = Memory()
    try:
        threads = Threads(calls, shared, recorded(against) if against else frozenset())
        monitor = Monitor(against, len(calls)) if against else None
        machine = Machine(threads, shared, memory == "tso", buffer, monitor, always is not None)
        search = _Search(machine, check, always, states)
        found = search.run()
        return search, found and search.shown(*found)
    finally:
        shared.write_back({})


class _Search:
    """One search; `graph` is what it saw."""

    def __init__(self, machine: Machine, check: Any, always: Any, limit: int) -> None:
        self.machine, self._check, self._always, self._limit = machine, check, always, limit
        self._kept: dict[Any, str | None] = {}
        self.graph = Graph()

    def run(self) -> tuple[str, str, list[Move]] | None:
        """Return kind, message and schedule of the first failure, or None."""
        self._rehearse()
        while True:
            self.graph = Graph()
            try:
                return self._all()
            except Learned:
                continue

    def _rehearse(self) -> None:
        """Run a few schedules at random: a search begins anew whenever a cell turns out to be shared."""
        for seed in range(REHEARSALS):
            rng = random.Random(seed)
            try:
                state = self.machine.initial()
                for _ in range(MOST_STEPS):
                    following = list(self._following(state))
                    if not following or self.machine.error(state) or state[3] == IMPOSSIBLE:
                        break
                    state = rng.choice(following)[1]
            except Learned:
                continue

    def _following(self, state: State) -> list[tuple[Move, State]]:
        machine = self.machine
        found = []
        for thread in range(len(state[0])):
            after = machine.run(state, thread)
            if after is not None:
                found.append((2 * thread, after))
            if state[2][thread]:
                found.append((2 * thread + 1, machine.flush(state, thread)))
        return found

    def _all(self) -> tuple[str, str, list[Move]] | None:
        machine, graph = self.machine, self.graph
        first = machine.initial()
        graph.add(first, -1, -1)
        if failure := self._failure(first):
            return *failure, []
        for number, state in enumerate(graph.states):  # the list grows meanwhile
            following = []
            for move, after in self._following(state):
                other = graph.numbers.get(after)
                if other is None:
                    other = graph.add(after, number, move)
                    if failure := self._failure(after):
                        return *failure, graph.schedule(other)
                following.append(other)
            graph.following.append(tuple(following))
            if not following and machine.ended(state):
                graph.ends.append(number)
            if len(graph.states) > self._limit:
                raise TooManySchedulesError(self._advice(number))
        graph.find_stuck()
        if not graph.stuck:
            return None
        stuck = graph.trap()
        return "deadlock", self._waiting(graph.states[stuck]), graph.schedule(stuck)

    def _failure(self, state: State) -> tuple[str, str] | None:
        """Return what is wrong with a state: kind and message."""
        machine = self.machine
        if raised := machine.error(state):
            thread, kind, text = raised
            message = f"thread {thread} ({machine.threads.names[thread]}) raised {kind}: {text}"
            return "raised", message.removesuffix(": ")
        if state[3] == IMPOSSIBLE:
            return "history", "no order of the calls, one at a time, explains what they returned"
        if self._always and (wrong := self._asked(self._always, state, ())):
            return "always", wrong
        if (
            self._check
            and machine.ended(state)
            and (wrong := self._asked(self._check, state, machine.results(state)))
        ):
            return "check", wrong
        return None

    def _asked(self, check: Callable[..., Any], state: State, args: tuple) -> str | None:
        """Return what a check has against a state, or None."""
        key = (check, state[1], args)
        if key not in self._kept:
            self.machine.memory.write_back(self.machine.values(state))
            try:
                passed = check(*args)
                self._kept[key] = "the check returned False" if passed is not None and not passed else None
            except AssertionError as error:
                self._kept[key] = str(error) or "an assertion of the check failed"
        return self._kept[key]

    def _waiting(self, state: State) -> str:
        """Say where the threads stand that never come to an end."""
        threads = self.machine.threads
        places = []
        for thread, local in enumerate(state[0]):
            stop = threads.stops[local]
            if threads.operations[local].kind.name != "DONE" and stop is not None:
                places.append(f"thread {thread} in {stop.function}, line {stop.line} ({stop.text})")
        return f"no schedule comes to an end from here: {'; '.join(places)}"

    def _advice(self, done: int) -> str:
        open_ = len(self.graph.states) - done
        return (
            f"{len(self.graph.states):,} states seen and {open_:,} of them still open after {done:,}: too many "
            "schedules. Make the program smaller: fewer threads, fewer turns of their loops, smaller arrays. "
            "Leave out counters that grow while a loop spins. Or allow more with states="
        )

    def shown(self, kind: str, message: str, schedule: list[Move]) -> Violation:
        """Return a failure with its steps."""
        schedule = tidied(schedule, lambda moves: self._fails(moves, kind))
        steps = self.machine.replay((move // 2, bool(move % 2)) for move in schedule)
        machine = self.machine
        model: Memories = "tso" if machine.tso else "sc"
        return Violation(kind, message, steps, tuple(machine.threads.names), tuple(machine.cells), model)

    def _fails(self, schedule: list[Move], kind: str) -> bool:
        """Tell whether a schedule fails in the same way."""
        state = self._after(schedule)
        if state is None:
            return False
        if kind == "deadlock":
            return self.graph.numbers.get(state) in self.graph.stuck
        failure = self._failure(state)
        return failure is not None and failure[0] == kind

    def _after(self, schedule: list[Move]) -> State | None:
        """Return the state after a schedule, or None if one of its moves cannot be made."""
        machine = self.machine
        state: State | None = machine.initial()
        for move in schedule:
            state = (machine.flush if move % 2 else machine.run)(state, move // 2)
            if state is None:
                return None
        return state
