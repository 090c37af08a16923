"""What the threads of a program do between two operations, learned once.

What a thread does next depends on where it stands and on its live variables alone. So each such local state gets
a number, and what follows from it, given the value that its operation brought, is computed once and then looked
up. A generator cannot be copied; where one is needed again, its thread runs again from the start, fed with the
same values.
"""

import inspect
import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType, GeneratorType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from perflab.models import arithmetic
from perflab.models.interleaving.meetings import is_own
from perflab.models.interleaving.memory import Cell, Memory, Shared
from perflab.models.interleaving.operations import EFFECTS, Kind, Operation, of_atomics
from perflab.models.interleaving.rewrite import CALL, LOAD, Rewritten, Stop, rewrite
from perflab.models.interleaving.running import UnrewritableError, restart_turns

MOST_FRAMES = 200
# Primitives of which only the value matters here, by name.
HINTS: dict[str, Callable[..., Any]] = {
    "likely": bool,
    "unlikely": bool,
    "prefetch": lambda *_: None,
    "empty": lambda n, dtype=np.float64, alignment=64: np.zeros(n, dtype),
}
OUTSIDE = ("store_nontemporal", "cycles")  # no memory model covers them


@dataclass(slots=True)
class _Frame:
    """A function that has begun: where it stopped last, and the name of the call if histories record it."""

    code: Rewritten
    generator: GeneratorType
    stop: int = -1
    records: str | None = None


class Threads:
    """The threads of a program and their local states.

    Parameters
    ----------
    calls : sequence of tuple
        ``(fn, args)``, one for each thread.
    memory : Memory
        Receives the shared arrays.
    recorded : set of str
        Names of functions whose calls histories record.

    Attributes
    ----------
    operations : list of Operation
        What each local state waits for.
    stops : list of Stop or None
        Where it waits.
    first : list of int
        The local state of each thread at the start.
    """

    def __init__(self, calls: Sequence[tuple], memory: Memory, recorded: frozenset[str] = frozenset()) -> None:
        self.operations: list[Operation] = []
        self.stops: list[Stop | None] = []
        self.names: list[str] = []
        self._recorded = recorded
        self._rewritten: dict[FunctionType, Rewritten] = {}
        self._next: list[dict[Any, int]] = []
        self._from: list[tuple[int, Any]] = []  # the local state before, and the value brought there
        self._thread: list[int] = []
        self._numbers: dict[Any, int] = {}
        self._parked: dict[int, list[_Frame]] = {}
        self._starts: list[tuple[Rewritten, tuple]] = []
        for fn, args in calls:
            code = self._code(fn)
            named = dict(enumerate(code.parameters))
            shared = tuple(memory.share(value, named.get(i, f"argument {i}")) for i, value in enumerate(args))
            try:
                inspect.signature(code.start).bind(*shared)
            except TypeError as error:
                raise TypeError(f"{code.name}: {error}") from None
            self._starts.append((code, shared))
            self.names.append(code.name)
        self.first = [self._begin(thread) for thread in range(len(self._starts))]

    def after(self, state: int, value: Any) -> int:
        """Return the local state that follows when the operation of `state` brings `value`."""
        following = self._next[state]
        number = following.get(value)
        if number is None:
            frames = self._parked.pop(state, None) or self._again(state)
            number = following[value] = self._number(self._thread[state], frames, value, (state, value))
        return number

    def _begin(self, thread: int) -> int:
        code, args = self._starts[thread]
        return self._number(thread, [_Frame(code, code.start(*args))], None, (-1, None))

    def _again(self, state: int) -> list[_Frame]:
        """Return a thread's frames at a local state: it runs again from the start with the same values."""
        values = []
        thread = self._thread[state]
        while state >= 0:
            state, value = self._from[state]
            values.append((state, value))
        code, args = self._starts[thread]
        frames = [_Frame(code, code.start(*args))]
        for before, value in reversed(values):
            self._run(frames, self._sent(before, value))
        return frames

    def _sent(self, state: int, value: Any) -> Any:
        """Return what to send into the code: what has no effect brings the value that it noted."""
        if state < 0:
            return value
        operation = self.operations[state]
        if operation.kind in (Kind.RESPOND, Kind.NOTHING):
            return operation.operands[0]
        return operation.cells[0].loaded(value) if operation.cells else value

    def _number(self, thread: int, frames: list[_Frame], value: Any, origin: tuple[int, Any]) -> int:
        operation = self._run(frames, self._sent(origin[0], value))
        key = (thread, _frozen_operation(operation), tuple(map(_frozen_frame, frames)))
        number = self._numbers.setdefault(key, len(self.operations))
        if number == len(self.operations):
            self.operations.append(operation)
            self.stops.append(self._where(frames, operation, origin[0]))
            self._next.append({})
            self._from.append(origin)
            self._thread.append(thread)
            self._parked[number] = frames
        return number

    def _where(self, frames: list[_Frame], operation: Operation, before: int) -> Stop | None:
        """Return where a local state stands in the code; what ended stands where it was before."""
        if operation.kind in (Kind.DONE, Kind.RAISED, Kind.RESPOND):
            return self.stops[before] if before >= 0 else None
        standing = [frame for frame in frames if frame.stop >= 0]
        return standing[-1].code.stops[standing[-1].stop] if standing else None

    # Running

    def _run(self, frames: list[_Frame], value: Any) -> Operation:
        """Run a thread to its next operation."""
        restart_turns()
        try:
            while frames:
                frame = frames[-1]
                try:
                    number, kind, *operands = frame.generator.send(value)
                except StopIteration as end:
                    frames.pop()
                    value = end.value
                    if frame.records is not None:
                        return Operation(Kind.RESPOND, frame.records, (), (value,))
                    continue
                frame.stop = number
                if kind != CALL:
                    return _access(kind, *operands)
                answer = self._called(frames, *operands)
                if isinstance(answer, Operation):
                    return answer
                # Either a frame was pushed, which starts with None, or this is the value of the call.
                value = answer
        except (UnrewritableError, RecursionError):
            raise
        except Exception as error:
            said = f"{error}{_place_of(error, frames)}"
            frames.clear()
            return Operation(Kind.RAISED, type(error).__name__, (), (said.strip(),))
        return Operation(Kind.DONE, "done", (), (_handed_back(value),))

    def _called(self, frames: list[_Frame], fn: Any, args: tuple, keywords: dict[str, Any]) -> Any:
        """Begin a call: an operation, a new frame, or at once its value."""
        home, name = getattr(fn, "__module__", None) or "", getattr(fn, "__name__", type(fn).__name__)
        if home.startswith("perflab.atomics") and (name in EFFECTS or name in ("load", "fence")):
            return of_atomics(name, args, keywords)
        if home.startswith("perflab.hints"):
            if name in OUTSIDE:
                raise UnrewritableError(f"hints.{name} is outside the memory models: leave it out of the program")
            if name in HINTS:
                return HINTS[name](*args, **keywords)
            # A back-off returns its argument: a count of tries would make each try another state.
            return Operation(Kind.NOTHING, name, (), (args[0] if args else None,))
        if isinstance(fn, Dispatcher) or is_own(fn):
            if len(frames) >= MOST_FRAMES:
                raise UnrewritableError(f"{name} calls itself more than {MOST_FRAMES} times deep: use a loop")
            code = self._code(fn)
            records = name if name in self._recorded else None
            frames.append(_Frame(code, code.start(*args, **keywords), -1, records))
            if records is None:
                return None
            plain = tuple(_handed_back(arg) for arg in args if not _is_memory(arg))
            return Operation(Kind.INVOKE, name, (), plain)
        if fn is np.empty or fn is np.empty_like:
            fn = np.zeros if fn is np.empty else np.zeros_like
        return arithmetic.standing(fn(*args, **keywords)) if keywords else arithmetic.called(fn, args)

    def _code(self, fn: Any) -> Rewritten:
        plain = fn.py_func if isinstance(fn, Dispatcher) else fn
        if not isinstance(plain, FunctionType):
            raise UnrewritableError(f"{plain!r} is no Python function: pass functions defined with def")
        if plain not in self._rewritten:
            self._rewritten[plain] = rewrite(plain)
        return self._rewritten[plain]


def _place_of(error: Exception, frames: list[_Frame]) -> str:
    """Say at which line of the program an error arose."""
    code = frames[-1].code
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code.start.__code__]
    return f" in {code.name}, line {lines[-1]} ({code.source(lines[-1])})" if lines else ""


def _handed_back(value: Any) -> Any:
    """Return a result as a caller in Python gets it: one kind of integers, and one of floats."""
    if isinstance(value, tuple):
        parts = map(_handed_back, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value.item() if isinstance(value, np.generic) else value


def _is_memory(value: Any) -> bool:
    return isinstance(value, Shared | np.ndarray) or (isinstance(value, tuple) and any(map(_is_memory, value)))


def _access(kind: str, cell: Cell, value: Any = None) -> Operation:
    if kind == LOAD:
        return Operation(Kind.LOAD, "read", (cell,))
    if not cell.writeable:
        raise ValueError(f"{cell.name} belongs to a read-only array")
    return Operation(Kind.STORE, "write", (cell,), (cell.fit(value),))


# Local states as keys


def _frozen_frame(frame: _Frame) -> tuple:
    names = frame.code.parameters if frame.stop < 0 else frame.code.stops[frame.stop].live
    found = frame.generator.gi_frame.f_locals
    return id(frame.code), frame.stop, tuple(_frozen(found[name], name) for name in names if name in found)


def _frozen_operation(operation: Operation) -> tuple:
    cells = tuple(cell.number for cell in operation.cells)
    return operation.kind, operation.name, cells, _frozen(operation.operands, "an operand")


def _frozen(value: Any, name: str) -> Any:
    """Return something hashable that is equal for equal values only."""
    if value.__class__ is bool:
        return "bool", value
    if isinstance(value, np.generic):  # of another type it would compute something else
        return value.dtype.char, math.nan if value != value else value.tobytes()
    if isinstance(value, int | str) or value is None:
        return value
    if isinstance(value, float):
        return "float", math.nan if value != value else value.hex()
    if isinstance(value, tuple | list):
        return type(value).__name__, *(_frozen(part, name) for part in value)
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Shared):
        return "shared", value.name, value.places.tobytes()
    if isinstance(value, Cell):
        return "cell", value.number
    if isinstance(value, range) or callable(value):
        return value
    raise UnrewritableError(
        f"the variable {name} holds a {type(value).__name__}: threads keep numbers, arrays and tuples of these"
    )
