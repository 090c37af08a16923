"""A student's function as the judge sees it: a handle, whose bench speaks to a sandbox."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perflab.check import values
from perflab.check.bench import METRICS, FunctionFailedError, hands_back, is_metric
from perflab.check.oracles import Oracle
from perflab.guest.codec import CodecError, Decoder, Layout, encode, nbytes
from perflab.judge.cleanroom import ForbiddenError
from perflab.judge.outputs import plain
from perflab.judge.outside import METRICS as OUTSIDE
from perflab.judge.outside import UncountedError
from perflab.judge.sandbox import DiedError, Sandbox, SandboxError
from perflab.timing import Clock

LEAST = 1e-6  # seconds: nothing is faster, whatever the clocks say
ARRAYS = 256 << 20  # bytes of arrays in one answer: the judge holds those of some calls at once


@dataclass
class RemoteCall:
    """One staged call."""

    args: tuple
    result: Any = None
    after: tuple = ()
    oracles: list[Oracle] = field(default_factory=list)
    ran: bool = False


@dataclass(frozen=True)
class RemoteBench:
    """Calls a function in a sandbox; see `perflab.check.bench.Bench`.

    Attributes
    ----------
    sandbox : callable
        Returns the sandbox, a fresh one if the last has died.
    name : str
        Of the function there.
    seed : int
        Secret; all inputs of this run come from it.
    types : dict
        Namedtuples and dataclasses that may cross, by name.
    overhead : callable
        ``overhead(args)`` returns the seconds of CPU of a call that does nothing with such arguments.
    clean : callable
        Returns a sandbox where instruments may run.
    idle : callable
        ``idle(metric)`` returns what is counted from outside of a call that does nothing.
    ours : bool
        Whether the function is the course's: then a failure of its sandbox is no student's fault.
    """

    sandbox: Callable[[], Sandbox]
    name: str
    seed: int
    types: dict[str, type]
    overhead: Callable[[tuple], float]
    clean: Callable[[], Sandbox]
    idle: Callable[[str], float]
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
        try:
            sandbox = self.sandbox()
            answer, cpu, wall = self._ask(staged, sandbox, "call", after=_mutable(staged.args))
        except DiedError as error:
            if self.ours:
                raise SandboxError(f"the course's {self.name}: {error}") from error
            raise FunctionFailedError(f"{self.name}: {error}.") from error
        self._keep(staged, sandbox, answer)
        return max((cpu if clock == "cpu" else wall) - self.overhead(staged.args), LEAST)

    def _keep(self, staged: RemoteCall, sandbox: Sandbox, answer: dict) -> list[int]:
        """Materialize what a call handed back while everything is stopped; return the bytes of its arrays."""
        sizes: list[int] = []
        try:
            staged.result = self._decoder(sandbox, True, sizes=sizes)(answer["result"])
            staged.after = self._after(staged, sandbox, answer, sizes)
        except (CodecError, DiedError, KeyError) as error:
            raise FunctionFailedError(f"{self.name}: the result is {error}.") from error
        return sizes

    def collect(self, staged: RemoteCall) -> tuple[Any, tuple]:
        """See `Bench.collect`."""
        return staged.result, staged.after

    def count(self, staged: RemoteCall, metric: str) -> float:
        """See `Bench.count`."""
        if metric == "calls":
            return float(sum(oracle.calls for oracle in staged.oracles))
        if not is_metric(metric):
            raise ValueError(f"metric: one of {', '.join(map(repr, METRICS))} or a function, got {metric!r}")
        staged.ran = True
        if is_outside(metric):
            return self._count_outside(staged, metric)
        try:
            sandbox = self.clean()
            answer, _, _ = self._ask(staged, sandbox, "count", metric=metric, after=_mutable(staged.args))
        except ForbiddenError as error:
            raise FunctionFailedError(f"{self.name} cannot be counted: your cell has {error}.") from error
        except DiedError as error:
            raise FunctionFailedError(f"{self.name}: {error}.") from error
        count = answer.get("count")
        if type(count) not in (int, float) or not 0 <= count < math.inf:
            raise FunctionFailedError(f"{self.name} cannot be counted: its sandbox says {str(count)[:40]!r}.")
        if hands_back(metric):
            self._keep(staged, sandbox, answer)
        return float(count)

    def _count_outside(self, staged: RemoteCall, metric: str) -> float:
        """Count what the kernel sees of a call; what the protocol itself does is taken off."""
        first = self.stage(staged.args)  # compiles, and does for the first time what is done only once
        self.run(first, "wall")
        layout = Layout()
        tree = encode(staged.args, layout)
        try:
            sandbox = self.sandbox()
            sandbox.write(layout.arrays, layout.size)
            message = {"do": "call", "name": self.name, "args": tree, "after": _mutable(staged.args)}
            answer, count = sandbox.count(message, metric)
        except (DiedError, UncountedError) as error:
            raise FunctionFailedError(f"{self.name} cannot be counted: {error}.") from error
        if "error" in answer:
            raise FunctionFailedError(plain(str(answer["error"])[:2000]))
        arrays = self._keep(staged, sandbox, answer)
        # An honest worker writes each array of the result once.
        written = {"writes": len(arrays), "syscalls:pwrite64": len(arrays), "written_bytes": sum(arrays)}
        return max(count - written.get(metric, 0) - self.idle(metric), 0.0)

    def _ask(self, staged: RemoteCall, sandbox: Sandbox, verb: str, **more: Any) -> tuple[dict, float, float]:
        def reference(value: Any) -> int:
            if not isinstance(value, Oracle):
                return -1
            staged.oracles.append(value)
            return len(staged.oracles) - 1

        layout = Layout()
        tree = encode(staged.args, layout, reference)

        def answer_of(question: dict) -> dict:
            try:
                asked = staged.oracles[question["ask"]]
                said = asked(*Decoder(_no_arrays, self.types)(question["args"]))
                return {"answer": encode(said, Layout())}
            except Exception as error:  # the oracle's word to who asked it, as in a learner's own kernel
                return {"raises": f"{type(error).__name__}: {error}"[:500]}

        sandbox.write(layout.arrays, layout.size)
        message = {"do": verb, "name": self.name, "args": tree, **more}
        answer, cpu, wall = sandbox.ask(message, oracle=answer_of if staged.oracles else None)
        if "error" in answer:
            raise FunctionFailedError(plain(str(answer["error"])[:2000]))
        return answer, cpu, wall

    def _decoder(
        self,
        sandbox: Sandbox,
        outbox: bool,
        oracle: Callable[[int], Any] | None = None,
        sizes: list[int] | None = None,
    ) -> Decoder:
        left = ARRAYS if outbox else math.inf  # the other memory holds what the judge wrote

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

        return Decoder(array, self.types, oracle)

    def _after(self, staged: RemoteCall, sandbox: Sandbox, answer: dict, sizes: list[int]) -> tuple:
        """Return what became of the arguments: arrays as they lie in memory, all else as it was or as said."""
        if _mutable(staged.args):
            after = self._decoder(sandbox, True, sizes=sizes)(answer["after"])
            if not isinstance(after, tuple) or len(after) != len(staged.args):
                raise CodecError("without the arguments")
            return after
        layout = Layout()
        tree = encode(staged.args, layout, lambda value: 0 if isinstance(value, Oracle) else -1)
        return self._decoder(sandbox, False, lambda number: None)(tree)


class Handle:
    """Stands for a student's function in the judge; only its bench can call it."""

    def __init__(self, name: str, bench: RemoteBench) -> None:
        self.__name__, self.bench = name, bench

    def __call__(self, *args: Any) -> Any:
        """Refuse: a check that called this would trust it."""
        raise TypeError(f"{self.__name__} lives in a sandbox: pass it to a check")


def is_outside(metric: str) -> bool:
    """Tell whether a metric is counted from outside of the sandbox; code in it need not be admitted then."""
    return metric in OUTSIDE or metric.partition(":")[0] == "syscalls"


def _no_arrays(dtype: np.dtype, shape: tuple[int, ...], order: str, offset: int) -> np.ndarray:
    raise CodecError("an array; ask an oracle with numbers, strings and tuples of these")


def _mutable(value: Any) -> bool:
    """Tell whether a call can change a value otherwise than in its arrays."""
    if isinstance(value, tuple):
        return any(_mutable(part) for part in value)
    return isinstance(value, list | dict) or hasattr(value, "__dataclass_fields__")
