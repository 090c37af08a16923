"""The machine: shared memory, a store buffer for each thread, and what one step does to them.

Under "sc" (sequential consistency, Lamport 1979) each access reaches memory at once. Under "tso" (total store
order, x86: Sewell and others 2010) a store waits in the buffer of its thread, first in first out; a thread sees
its own waiting stores; a locked instruction or a full fence waits until the buffer is empty; and that a store
leaves its buffer is a step of its own, at any time.

To make fewer schedules of the same meaning, a step goes on over all that no other thread can see: a store into the
own buffer, a pause, cells that one thread alone uses or that nobody writes. Such operations commute with all that
others do, so one order of them stands for all (a partial-order reduction: Godefroid 1996). Which cells these are
is learned on the way; where the guess was wrong, `Learned` says that the search has to begin again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from perflab.models.interleaving.histories import IMPOSSIBLE, Monitor
from perflab.models.interleaving.memory import Cell, Memory
from perflab.models.interleaving.operations import Kind, Operation, effect_of
from perflab.models.interleaving.rewrite import Stop
from perflab.models.interleaving.running import UnrewritableError
from perflab.models.interleaving.threads import Threads

LOAD, STORE, UPDATE, FENCE, NOTHING, INVOKE, RESPOND, DONE, RAISED = Kind
MOST_UNSEEN = 10_000  # operations in a row that no other thread sees
FEW_UNSEEN = 20  # so many are looked at for circles

# Local states, memory, buffers, number of the history. A buffer holds (slot, value); the slot of the end of a
# recorded call is RETURN, and its value the result.
State = tuple[tuple[int, ...], tuple, tuple[tuple, ...], int]
RETURN = -1


class Learned(Exception):  # noqa: N818  no error: it restarts the search
    """A cell turned out to be shared."""


@dataclass(frozen=True)
class Step:
    """One operation of a schedule, for people.

    Attributes
    ----------
    thread : int
    stop : Stop or None
    operation : Operation or None
        None where a store leaves the buffer.
    cells : tuple of Cell
    value : object
        Read, written, or returned.
    written : bool
        Whether memory or the buffer got the value.
    buffers : tuple
        After the step, for each thread.
    memory : tuple
        After the step.
    """

    thread: int
    stop: Stop | None
    operation: Operation | None
    cells: tuple[Cell, ...]
    value: Any
    written: bool
    buffers: tuple
    memory: tuple


@dataclass
class Machine:
    """A program on a memory model.

    Attributes
    ----------
    threads : Threads
    memory : Memory
    tso : bool
    capacity : int
        Stores that a buffer holds.
    monitor : Monitor or None
    watched : bool
        Whether memory is looked at after every step: then every write is seen.
    slots : dict
        From the numbers of the cells that were used to their places in the memory of a state.
    """

    threads: Threads
    memory: Memory
    tso: bool
    capacity: int
    monitor: Monitor | None
    watched: bool
    slots: dict[int, int] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    _initial: tuple = ()
    _readers: list[int] = field(default_factory=list)  # sets of threads, as bits
    _writers: list[int] = field(default_factory=list)
    _shared: list[bool] = field(default_factory=list)

    def initial(self) -> State:
        """Return the state before the first move."""
        state = self.start()
        for thread in range(len(self.threads.first)):
            state = self._settle(state, thread, None)
        return state

    def start(self) -> State:
        """Return the state in which no thread has done anything."""
        count = len(self.threads.first)
        return tuple(self.threads.first), self._initial, ((),) * count, self.monitor.first if self.monitor else 0

    def replay(self, moves: Iterable[tuple[int, bool]]) -> list[Step]:
        """Return the steps of a schedule: pairs of a thread and whether a store leaves its buffer.

        What other threads cannot see comes as late as possible here, so that a thread's steps stand together.
        """
        log: list[Step] = []
        state = self.start()
        for thread, leaves in moves:
            state = self._settle(state, thread, log)
            state = self.flush(state, thread, log) if leaves else self.step(state, thread, log)
            ahead: list[Step] = []
            after = self._settle(state, thread, ahead)
            # A call returns as soon as it can.
            if any(step.operation.kind is RESPOND for step in ahead):
                state = after
                log += ahead
        for thread in range(len(state[0])):
            state = self._settle(state, thread, log)
        return log

    def ended(self, state: State) -> bool:
        """Tell whether all threads are done and all buffers empty."""
        operations = self.threads.operations
        return all(operations[local].kind is DONE for local in state[0]) and not any(state[2])

    def error(self, state: State) -> tuple[int, str, str] | None:
        """Return thread, kind and text of what a thread raised, or None."""
        for thread, local in enumerate(state[0]):
            operation = self.threads.operations[local]
            if operation.kind is RAISED:
                return thread, operation.name, operation.operands[0]
        return None

    def results(self, state: State) -> tuple:
        """Return what the threads returned, in an ended state."""
        return tuple(self.threads.operations[local].operands[0] for local in state[0])

    def values(self, state: State) -> dict[int, Any]:
        """Return what memory holds, by the numbers of the cells."""
        return {cell.number: value for cell, value in zip(self.cells, self._full(state[1]), strict=True)}

    def flush(self, state: State, thread: int, log: list[Step] | None = None) -> State | None:
        """Let the oldest store of a thread reach memory; return the state after it, or None if there is none."""
        locals_, memory, buffers, history = state
        buffer = buffers[thread]
        if not buffer:
            return None
        slot, value = buffer[0]
        memory = _put(self._full(memory), slot, value)
        state = (locals_, memory, _put(buffers, thread, buffer[1:]), history)
        if log is not None:
            log.append(Step(thread, None, None, (self.cells[slot],), value, True, state[2], memory))
        return self._answered(state, thread, log)

    def run(self, state: State, thread: int) -> State | None:
        """Let a thread do its next operation, and all after it that others cannot see.

        Returns
        -------
        State or None
            None if the thread is done, or has to wait for its buffer.
        """
        after = self.step(state, thread, None)
        return after and self._settle(after, thread, None)

    def step(self, state: State, thread: int, log: list[Step] | None) -> State | None:
        """Let a thread do its next operation, or return None if it cannot."""
        operation = self.threads.operations[state[0][thread]]
        if operation.kind is INVOKE:
            # A call begins as late as it can: with the first operation that others may see.
            state = self._invoke(state, thread, operation, log)
            operation = self.threads.operations[state[0][thread]]
            while operation.kind is NOTHING or self._is_private(operation, thread):
                state = self._do(state, thread, operation, log)
                operation = self.threads.operations[state[0][thread]]
            if operation.kind >= INVOKE:
                return state
        if operation.kind >= DONE or (state[2][thread] and self._waits(operation, state[2][thread])):
            return None
        return self._do(state, thread, operation, log)

    # One operation

    def _waits(self, operation: Operation, buffer: tuple) -> bool:
        """Tell whether an operation cannot be done before the next store of the buffer has left it."""
        return operation.kind in (UPDATE, FENCE) or (operation.kind is STORE and len(buffer) >= self.capacity)

    def _do(self, state: State, thread: int, operation: Operation, log: list[Step] | None) -> State:
        locals_, memory, buffers, history = state
        kind = operation.kind
        value, written = None, False
        if kind is LOAD:
            slot = self._slot(operation.cells[0], thread, False)
            value = self._full(memory)[slot]
            for waiting, stored in buffers[thread]:
                if waiting == slot:
                    value = stored
            after = self.threads.after(locals_[thread], value)
        elif kind is STORE:
            slot = self._slot(operation.cells[0], thread, True)
            value, written = operation.operands[0], True
            if self.tso and self._shared[slot]:
                buffers = _put(buffers, thread, (*buffers[thread], (slot, value)))
            else:
                memory = _put(self._full(memory), slot, value)
            after = self.threads.after(locals_[thread], None)
        elif kind is UPDATE:
            slots = [self._slot(cell, thread, True) for cell in operation.cells]
            memory = self._full(memory)
            new, value = effect_of(operation, tuple(memory[slot] for slot in slots))
            after = self.threads.after(locals_[thread], value)
            if new is not None:
                written = True
                for slot, stored in zip(slots, new, strict=True):
                    memory = _put(memory, slot, stored)
        else:
            after = self.threads.after(locals_[thread], None)
        if log is not None and kind is not NOTHING:
            stop = self.threads.stops[locals_[thread]]
            log.append(Step(thread, stop, operation, operation.cells, value, written, buffers, self._full(memory)))
        return _put(locals_, thread, after), memory, buffers, history

    def _settle(self, state: State, thread: int, log: list[Step] | None) -> State:
        """Let a thread do what no other can see; stop where it goes round in circles."""
        seen = set()
        for turn in range(MOST_UNSEEN):
            if turn > FEW_UNSEEN:
                standing = state[0][thread], state[1]
                if standing in seen:
                    return state
                seen.add(standing)
            operation = self.threads.operations[state[0][thread]]
            kind = operation.kind
            if kind is RESPOND:
                state = self._respond(state, thread, operation, log)
            elif (
                kind is NOTHING
                or self._is_private(operation, thread)
                or self._is_buffered(operation, state, thread)
            ):
                state = self._do(state, thread, operation, log)
            else:
                return state
        stop = self.threads.stops[state[0][thread]]
        where = f"{stop.function}, line {stop.line} ({stop.text})" if stop else f"thread {thread}"
        raise UnrewritableError(
            f"{where}: {MOST_UNSEEN:,} operations in a row that no other thread can see; make the loop shorter"
        )

    def _is_private(self, operation: Operation, thread: int) -> bool:
        """Tell whether an operation is on a cell that one thread alone uses, or that nobody writes."""
        kind = operation.kind
        return kind in (LOAD, STORE) and not self._shared[self._slot(operation.cells[0], thread, kind is STORE)]

    def _is_buffered(self, operation: Operation, state: State, thread: int) -> bool:
        """Tell whether an operation is a store that goes into the buffer."""
        return operation.kind is STORE and self.tso and len(state[2][thread]) < self.capacity

    def _move(self, state: State, thread: int, value: Any) -> State:
        return _put(state[0], thread, self.threads.after(state[0][thread], value)), *state[1:]

    # Histories

    def _invoke(self, state: State, thread: int, operation: Operation, log: list[Step] | None) -> State:
        if log is not None:
            stop = self.threads.stops[state[0][thread]]
            seen = state[2], self._full(state[1])
            log.append(Step(thread, stop, operation, (), operation.operands, False, *seen))
        history = self.monitor.invoked(state[3], thread, operation.name, operation.operands)
        return *self._move(state, thread, None)[:3], history

    def _respond(self, state: State, thread: int, operation: Operation, log: list[Step] | None) -> State:
        """End a call: at once, or with the last of its stores that wait."""
        if log is not None:
            stop = self.threads.stops[state[0][thread]]
            seen = state[2], self._full(state[1])
            log.append(Step(thread, stop, operation, (), operation.operands[0], False, *seen))
        result = operation.operands[0]
        locals_, memory, buffers, history = self._move(state, thread, None)
        buffers = _put(buffers, thread, (*buffers[thread], (RETURN, result)))
        return self._answered((locals_, memory, buffers, history), thread, log)

    def _answered(self, state: State, thread: int, log: list[Step] | None) -> State:
        """Note the ends of calls that have no store before them any more."""
        locals_, memory, buffers, history = state
        buffer = buffers[thread]
        while buffer and buffer[0][0] == RETURN:
            if history != IMPOSSIBLE:
                history = self.monitor.returned(history, thread, buffer[0][1])
            buffer = buffer[1:]
        return locals_, memory, _put(buffers, thread, buffer), history

    # Memory

    def _slot(self, cell: Cell, thread: int, writes: bool) -> int:
        """Return the place of a cell, and learn who uses it.

        Raises
        ------
        Learned
            If it was taken for a cell that others cannot tell apart, and is not.
        """
        slot = self.slots.get(cell.number)
        if slot is None:
            slot = self.slots[cell.number] = len(self.cells)
            self.cells.append(cell)
            self._initial += (self.memory.initial(cell.number),)
            self._readers.append(0)
            self._writers.append(0)
            self._shared.append(self.watched)
        users = self._writers if writes else self._readers
        if not users[slot] >> thread & 1:
            users[slot] |= 1 << thread
            everybody = self._readers[slot] | self._writers[slot]
            if self._writers[slot] and everybody & (everybody - 1) and not self._shared[slot]:
                self._shared[slot] = True
                raise Learned
        return slot

    def _full(self, memory: tuple) -> tuple:
        """Return a memory with the cells that were met since: they hold what they held at first."""
        return memory if len(memory) == len(self._initial) else memory + self._initial[len(memory) :]


def _put(values: tuple, place: int, value: Any) -> tuple:
    return (*values[:place], value, *values[place + 1 :])
