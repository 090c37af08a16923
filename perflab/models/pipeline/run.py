"""Let iterations of a loop run through a core that executes out of order, cycle by cycle.

In every cycle, in this order:

- leave: the oldest instructions if they are done, up to the width, in program order
- start: those whose operands are there, the oldest first, if a unit of each kind that they use is free
- enter: the next ones in program order, up to the width, while the window has room; they start a cycle later at
  best

Of several free units an instruction takes the one that fewest instructions of the loop could use, then the
first by name. After a mispredicted branch nothing enters until it is done and the penalty has passed. All data
is in the first-level cache.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from perflab.models.pipeline.core import Core
from perflab.models.pipeline.loop import Loop


@dataclass(frozen=True)
class Run:
    """When each instruction did what, in cycles; all arrays are (iterations, instructions).

    Attributes
    ----------
    loop : Loop
    core : Core
    entered, started, done, left : ndarray of int64
    units : ndarray of str
        What each instruction occupied: "01" is ports 0 and 1.
    """

    loop: Loop
    core: Core
    entered: np.ndarray
    started: np.ndarray
    done: np.ndarray
    left: np.ndarray
    units: np.ndarray

    @property
    def cycles(self) -> int:
        """Cycles until the last instruction has left."""
        return int(self.left[-1, -1]) + 1


def run(loop: Loop, core: Core, iterations: int, mispredicted: Collection[int] = ()) -> Run:
    """Let a loop run.

    Parameters
    ----------
    loop : Loop
    core : Core
        It has the operations of the loop.
    iterations : int
        At least 1.
    mispredicted : collection of int
        Iterations whose first branch is mispredicted.

    Returns
    -------
    Run
        The same for the same input, always.
    """
    unknown = sorted({it.operation for it in loop.body} - set(core.operations))
    if unknown:
        raise ValueError(f"core: {core.name} has no operation {unknown[0]!r}; add it with core.having(...)")
    if iterations < 1:
        raise ValueError(f"iterations: at least 1, got {iterations}")
    if len(mispredicted) and all(it.operation != "branch" for it in loop.body):
        raise ValueError("mispredicted: this loop has no branch")
    engine = _Engine(loop, core, iterations, frozenset(mispredicted))
    while engine.gone < engine.total:
        engine.leave()
        engine.start()
        engine.enter()
        engine.cycle += 1
    shape = (iterations, len(loop.body))
    times = (engine.entered, engine.started, engine.done, engine.left)
    return Run(loop, core, *(np.array(a, np.int64).reshape(shape) for a in times), np.reshape(engine.units, shape))


class _Engine:
    """The state of a run. Instructions are numbered through all iterations."""

    def __init__(self, loop: Loop, core: Core, iterations: int, mispredicted: frozenset[int]) -> None:
        self.core, self.body, self.size = core, loop.body, len(loop.body)
        self.total = self.size * iterations
        self.entered, self.started, self.done, self.left = ([-1] * self.total for _ in range(4))
        self.units = [""] * self.total
        self.cycle = self.gone = 0
        self._branch = next((i for i, it in enumerate(loop.body) if it.operation == "branch"), None)
        self._mispredicted, self._stalled_by = mispredicted, -1
        self._inside: deque[int] = deque()
        self._next = 0
        self._followers = [
            [(i, back) for i, it in enumerate(loop.body) for n, back in it.needs if n == number]
            for number in range(self.size)
        ]
        self._missing = [0] * self.total  # operands that have not started
        self._soonest = [0] * self.total
        self._coming: list[tuple[int, int]] = []  # heap of (soonest, instruction) with no operand missing
        self._able: defaultdict[str, list[int]] = defaultdict(list)  # heaps of what could start, by operation
        self._free_at: defaultdict[str, int] = defaultdict(int)
        self._sharing = defaultdict(int)
        for it in loop.body:
            for names, _ in core.operations[it.operation].uses:
                for unit in names:
                    self._sharing[unit] += 1

    def leave(self) -> None:
        for _ in range(self.core.width):
            if not self._inside or not 0 <= self.done[self._inside[0]] <= self.cycle:
                return
            self.left[self._inside.popleft()] = self.cycle
            self.gone += 1

    def start(self) -> None:
        blocked: set[str] = set()
        while True:
            while self._coming and self._coming[0][0] <= self.cycle:
                k = heapq.heappop(self._coming)[1]
                heapq.heappush(self._able[self.body[k % self.size].operation], k)
            oldest = min(
                (heap[0], name)
                for name, heap in [*self._able.items(), ("", [self.total])]
                if heap and name not in blocked
            )
            if oldest[0] == self.total:
                return
            k, name = oldest
            if units := self._free(self.core.operations[name].uses):
                heapq.heappop(self._able[name])
                self._begin(k, name, units)
            else:
                blocked.add(name)

    def _begin(self, k: int, name: str, units: str) -> None:
        operation = self.core.operations[name]
        for unit, (_, cycles) in zip(units, operation.uses, strict=True):
            self._free_at[unit] = self.cycle + cycles
        self.units[k], self.started[k], self.done[k] = units, self.cycle, self.cycle + operation.latency
        for i, back in self._followers[k % self.size]:
            later = k - k % self.size + back * self.size + i
            if later < self._next:  # it is in; what comes later will look for itself
                self._soonest[later] = max(self._soonest[later], self.done[k])
                self._missing[later] -= 1
                if not self._missing[later]:
                    heapq.heappush(self._coming, (self._soonest[later], later))

    def _free(self, uses: tuple[tuple[str, int], ...]) -> str:
        """Return a free unit of each kind, or nothing."""
        chosen = ""
        for names, _ in uses:
            free = [u for u in names if self._free_at[u] <= self.cycle and u not in chosen]
            if not free:
                return ""
            chosen += min(free, key=lambda u: (self._sharing[u], u))
        return chosen

    def enter(self) -> None:
        for _ in range(self.core.width):
            if self._next == self.total or len(self._inside) == self.core.window or self._stalled():
                return
            k, self._next = self._next, self._next + 1
            self._inside.append(k)
            self.entered[k] = self.cycle
            needs = [k - k % self.size + n - back * self.size for n, back in self.body[k % self.size].needs]
            needs = [n for n in needs if n >= 0]
            self._missing[k] = sum(self.started[n] < 0 for n in needs)
            self._soonest[k] = max([self.cycle + 1, *(self.done[n] for n in needs)])
            if not self._missing[k]:
                heapq.heappush(self._coming, (self._soonest[k], k))
            if k % self.size == self._branch and k // self.size in self._mispredicted:
                self._stalled_by = k

    def _stalled(self) -> bool:
        k = self._stalled_by
        return k >= 0 and not 0 <= self.done[k] <= self.cycle - self.core.penalty
