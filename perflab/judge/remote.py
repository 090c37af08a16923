"""A student's function as the judge sees it: a handle, whose bench speaks to a sandbox."""

import math
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perflab.check import values
from perflab.check.bench import (
    METRICS,
    ForbiddenError,
    FunctionFailedError,
    Team,
    hands_back,
    is_metric,
    is_outside,
)
from perflab.check.files import File, Pipe, read
from perflab.check.oracles import Oracle
from perflab.check.teams import Explored, Raced
from perflab.counters import AbsentError
from perflab.counters.syscalls import CALLS_AND_PAGES, PAGE, members
from perflab.guest.codec import CodecError, Decoder, Layout, encode, nbytes
from perflab.judge.outputs import plain
from perflab.judge.outside import UncountedError
from perflab.judge.sandbox import DiedError, Sandbox, SandboxError
from perflab.timing import Clock

LEAST = 1e-6  # seconds: nothing is faster, whatever the clocks say
WRITTEN = "pwrite64"  # the call by which a worker writes an array of its answer
ARRAYS = 256 << 20  # bytes of arrays in one answer: the judge holds those of some calls at once


@dataclass
class RemoteCall:
    """One staged call."""

    args: tuple
    result: Any = None
    after: tuple = ()
    oracles: list[Oracle] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    pipes: set[str] = field(default_factory=set)  # the names of those files that are some
    ran: bool = False
    left: tuple[Sandbox, dict] | None = None  # what still lies there, until the sandbox is asked something else


@dataclass(frozen=True)
class RemoteBench:
    """Calls a function in a sandbox; see `perflab.check.bench.Bench`.

    Attributes
    ----------
    sandbox : callable
        Returns the sandbox where the function lives, a fresh one if the last has died.
    name : str
        Of the function there.
    seed : int
        Secret; all inputs of this run come from it.
    types : dict
        Namedtuples and dataclasses that may cross, by name.
    overhead : callable
        ``overhead(args)`` returns the seconds of CPU of a call that does nothing with such arguments.
    clean : callable
        Returns the same sandbox, if instruments may run in it; see `perflab.judge.rooms`.
    idle : callable
        ``idle(metric)`` returns what is counted from outside of a call that does nothing.
    turn : callable
        Returns a context for runs whose time counts; see `Bench.turn`.
    spread : callable
        Lets threads in the sandbox run on all cores at once.
    watched : callable
        ``watched(metric)`` returns another sandbox with the same code, for counts from outside: nothing starts in
        it that would not be seen.
    ours : bool
        Whether the function is the course's: then a failure of its sandbox is no student's fault.
    """

    sandbox: Callable[[], Sandbox]
    name: str
    seed: int
    types: dict[str, type]
    overhead: Callable[[tuple], float]
    clean: Callable[[], Sandbox]
    watched: Callable[[str], Sandbox]
    idle: Callable[[str], float]
    turn: Callable[[], AbstractContextManager] = nullcontext
    spread: Callable[[], None] = lambda: None
    ours: bool = False

    def stage(self, args: tuple) -> RemoteCall:
        """See `Bench.stage`. Nothing reaches the sandbox before `run`: it would have time to look at it."""
        # What crosses is a copy in any case; oracles must be fresh ones.
        return RemoteCall(values.copy(args) if values.oracles(args) else args)

    def run(self, staged: RemoteCall, clock: Clock) -> float:
        """See `Bench.run`."""
        if staged.ran:
            raise RuntimeError("a staged input runs once; stage another")
        staged.ran = True
        # First, since it may be measured now, perhaps in the same sandbox.
        overhead = self.overhead(staged.args)
        cpu, wall = self._call(staged, self._living())
        return max((cpu if clock == "cpu" else wall) - overhead, LEAST)

    def _keep(self, staged: RemoteCall, sandbox: Sandbox, answer: dict) -> list[int]:
        """Materialize what a call handed back while everything is stopped; return the bytes of its arrays."""
        sizes: list[int] = []
        try:
            staged.result = self._decoder(staged, sandbox, True, sizes)(answer["result"])
            staged.after = self._after(staged, sandbox, answer, sizes)
        except (CodecError, DiedError, KeyError) as error:
            raise FunctionFailedError(f"{self.name}: the result is {error}.") from error
        finally:
            _remove(staged.files)
        return sizes

    def collect(self, staged: RemoteCall) -> tuple[Any, tuple]:
        """See `Bench.collect`. It comes before the next run: that one takes the place of what this one left."""
        if staged.left is not None:
            sandbox, answer = staged.left
            if sandbox.alive and sandbox.last is not answer:
                raise RuntimeError("what a run handed back is collected before the next run")
            staged.left = None
            self._keep(staged, sandbox, answer)
        return staged.result, staged.after

    def oracles(self, staged: RemoteCall) -> list[Oracle]:
        """See `Bench.oracles`."""
        return staged.oracles

    def count(self, staged: RemoteCall, metric: str, first: RemoteCall | None = None) -> float:
        """See `Bench.count`."""
        if metric == "calls":
            return float(sum(oracle.calls for oracle in staged.oracles))
        if not is_metric(metric):
            raise ValueError(f"metric: one of {', '.join(map(repr, METRICS))} or a function, got {metric!r}")
        staged.ran = True
        if is_outside(metric):
            return self._count_outside(staged, metric, first or RemoteCall(values.copy(staged.args)))
        try:
            sandbox = self.clean()
            after = _mutable(staged.args)
            answer, _, _ = self._ask(staged, sandbox, "count", first, metric=metric, after=after)
        except ForbiddenError as error:
            raise FunctionFailedError(f"{self.name} cannot be counted: {error}.") from error
        except DiedError as error:
            raise FunctionFailedError(f"{self.name}: {error}.") from error
        count = answer.get("count")
        if type(count) not in (int, float) or not 0 <= count < math.inf:
            raise FunctionFailedError(f"{self.name} cannot be counted: its sandbox says {str(count)[:40]!r}.")
        if hands_back(metric):
            self._keep(staged, sandbox, answer)
        return float(count)

    def _living(self) -> Sandbox:
        try:
            return self.sandbox()
        except DiedError as error:
            raise FunctionFailedError(f"{self.name}: {error}.") from error

    def _call(self, staged: RemoteCall, sandbox: Sandbox) -> tuple[float, float]:
        """Call the function; return the seconds of CPU and of the clock."""
        try:
            answer, cpu, wall = self._ask(staged, sandbox, "call", after=_mutable(staged.args))
        except DiedError as error:
            if self.ours:
                raise SandboxError(f"the course's {self.name}: {error}") from error
            raise FunctionFailedError(f"{self.name}: {error}.") from error
        staged.left = sandbox, answer
        if staged.files:
            self.collect(staged)  # they must be gone before anything runs again
        return cpu, wall

    def _count_outside(self, staged: RemoteCall, metric: str, first: RemoteCall) -> float:
        """Count what the kernel sees of a call; what the protocol itself does is taken off."""
        try:
            sandbox = self.watched(metric)
            self._call(first, sandbox)
            message = {**self._staged(staged, sandbox), "do": "call", "after": _mutable(staged.args)}
            answer, count = sandbox.count(message, metric)
        except (DiedError, UncountedError) as error:
            raise FunctionFailedError(f"{self.name} cannot be counted: {error}.") from error
        except AbsentError as error:
            # What this machine lacks is no student's fault: it costs no points, but asks for another try.
            raise SandboxError(f"{metric} cannot be counted on this machine: {error}") from error
        if "error" in answer:
            raise FunctionFailedError(plain(str(answer["error"])[:2000]))
        arrays = self._keep(staged, sandbox, answer)
        return max(count - _written(metric, arrays) - self.idle(metric), 0.0)

    def explore(self, args: tuple, team: Team, refused: int | None = None, parts: Team = ()) -> Explored:
        """See `Bench.explore`. It happens in a clean room."""
        staged = self.stage(args)
        who = _names(team, parts)
        try:
            sandbox = self.clean()
            answer, _, _ = self._ask(staged, sandbox, "explore", **who, refused=refused)
            outcomes = self._decoder(staged, sandbox, True)(answer.pop("outcomes"))
            said = {key: plain(answer[key]) for key in ("listing", "blocked")}
            return Explored(**{**answer, **said, "outcomes": outcomes})
        except ForbiddenError as error:
            raise FunctionFailedError(f"{self.name} cannot be explored: {error}.") from error
        except DiedError as error:
            raise FunctionFailedError(f"{self.name}: {error}.") from error

    def race(self, args: tuple, team: Team, seconds: float, parts: Team = ()) -> tuple[Raced, tuple]:
        """See `Bench.race`. It says what it likes where the learner's code was not admitted."""
        staged = self.stage(args)
        who = _names(team, parts)
        try:
            sandbox = self.sandbox()
            self.spread()
            after = _mutable(staged.args)
            answer, _, wall = self._ask(staged, sandbox, "race", **who, seconds=seconds, after=after)
        except DiedError as error:
            raise FunctionFailedError(f"{self.name}: {error}.") from error
        if answer.get("ended") is not True:
            if wall < seconds:
                raise FunctionFailedError(
                    f"{self.name}: its sandbox gives up after {wall:.3g} s of {seconds:g} s."
                )
            return Raced((), False, False), ()
        self._keep(staged, sandbox, answer)
        if not isinstance(staged.result, tuple) or len(staged.result) != len(team):
            raise FunctionFailedError(f"{self.name}: there is no result for each of {len(team)} threads.")
        return Raced(staged.result, True, answer.get("parallel") is True), staged.after

    def _ask(
        self, staged: RemoteCall, sandbox: Sandbox, verb: str, first: RemoteCall | None = None, **more: Any
    ) -> tuple[dict, float, float]:
        def answer_of(question: dict) -> dict:
            try:
                asked = oracles[question["ask"]]
                args, named = Decoder(_no_arrays, self.types)(question["args"])
                said = asked(*args, **named)
                return {"answer": encode(said, Layout())}
            except Exception as error:  # the oracle's word to who asked it, as in a learner's own kernel
                return {"raises": f"{type(error).__name__}: {error}"[:500]}

        message = {**self._staged(staged, sandbox, first), "do": verb, **more}
        oracles = [*staged.oracles, *(first.oracles if first else ())]
        try:
            answer, cpu, wall = sandbox.ask(message, oracle=answer_of if oracles else None)
        finally:
            _remove(first.files if first else [])
        if "error" in answer:
            raise FunctionFailedError(plain(str(answer["error"])[:2000]))
        return answer, cpu, wall

    def _staged(self, staged: RemoteCall, sandbox: Sandbox, first: RemoteCall | None = None) -> dict[str, Any]:
        """Lay out the arguments of a call, or of two, in a sandbox; return what its message says of them."""
        layout = Layout()
        trees = {}
        for key, call in (("args", staged), ("first", first)):
            if call is None:
                continue

            def reference(value: Any, call: RemoteCall = call) -> list | None:
                if isinstance(value, File):
                    call.files.append(sandbox.put(value))
                    if isinstance(value, Pipe):
                        call.pipes.add(call.files[-1].name)
                    return ["file", sandbox.inside(call.files[-1])]
                if not isinstance(value, Oracle):
                    return None
                call.oracles.append(value)
                return ["oracle", len(call.oracles) - 1 + (len(staged.oracles) if call is first else 0)]

            trees[key] = encode(call.args, layout, reference)
        sandbox.write(layout.arrays, layout.size)
        return {"name": self.name, **trees}

    def _decoder(
        self, staged: RemoteCall, sandbox: Sandbox, outbox: bool, sizes: list[int] | None = None
    ) -> Decoder:
        left = ARRAYS if outbox else math.inf  # the other memory holds what the judge wrote
        files = {path.name: path for path in staged.files}

        def array(dtype: np.dtype, shape: tuple[int, ...], order: str, offset: int) -> np.ndarray:
            nonlocal left
            size = nbytes(dtype, shape)
            left -= size
            if left < 0:
                raise CodecError(f"more than {ARRAYS >> 20} MiB of arrays")
            data = np.empty(size, np.uint8)
            sandbox.read(outbox, offset, memoryview(data))
            if sizes is not None:
                sizes.append(size)
            return np.ndarray(shape, dtype, data, order=order)

        def content(name: str) -> bytes:
            if name in staged.pipes:
                return b""
            try:
                return read(files[name])
            except TypeError as error:
                raise CodecError(str(error)) from error

        return Decoder(array, self.types, lambda number: staged.oracles[number], content)

    def _after(self, staged: RemoteCall, sandbox: Sandbox, answer: dict, sizes: list[int]) -> tuple:
        """Return what became of the arguments: arrays as they lie in memory, all else as it was or as said."""
        if _mutable(staged.args):
            after = self._decoder(staged, sandbox, True, sizes)(answer["after"])
            if not isinstance(after, tuple) or len(after) != len(staged.args):
                raise CodecError("without the arguments")
            return after
        layout = Layout()
        oracles, files = iter(range(len(staged.oracles))), iter(staged.files)

        def reference(value: Any) -> list | None:
            if isinstance(value, File):
                return ["file", next(files).name]
            return ["oracle", next(oracles)] if isinstance(value, Oracle) else None

        return self._decoder(staged, sandbox, False)(encode(staged.args, layout, reference))


class Handle:
    """Stands for a student's function in the judge; only its bench can call it."""

    def __init__(self, name: str, bench: RemoteBench) -> None:
        self.__name__, self.bench = name, bench

    def __call__(self, *args: Any) -> Any:
        """Refuse: a check that called this would trust it."""
        raise TypeError(f"{self.__name__} lives in a sandbox: pass it to a check")


def _remove(files: list[Path]) -> None:
    """Remove what a run had, whatever it has become."""
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # a folder
            shutil.rmtree(path, ignore_errors=True)


def _written(metric: str, arrays: list[int]) -> float:
    """Return what a metric counts of the answer: an honest worker writes each array, of so many bytes, once."""
    if metric == CALLS_AND_PAGES:
        return len(arrays) + sum(arrays) / PAGE
    if metric in ("written_bytes", "carried_bytes"):
        return sum(arrays)
    names = "writes" if metric == "writes" else metric.partition(":")[2]
    return len(arrays) if metric == "syscalls" or WRITTEN in members(names) else 0


def _names(team: Team, parts: Team) -> dict[str, tuple[str, ...]]:
    return {"names": tuple(one.__name__ for one in team), "parts": tuple(one.__name__ for one in parts)}


def _no_arrays(dtype: np.dtype, shape: tuple[int, ...], order: str, offset: int) -> np.ndarray:
    raise CodecError("an array; ask an oracle with numbers, strings and tuples of these")


def _mutable(value: Any) -> bool:
    """Tell whether a call can change a value otherwise than in its arrays."""
    if isinstance(value, tuple):
        return any(_mutable(part) for part in value)
    return isinstance(value, list | dict) or hasattr(value, "__dataclass_fields__")
