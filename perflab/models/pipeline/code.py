"""Collect instructions while a loop is read, then keep those that count and say what each waits for."""

from dataclasses import dataclass, field

from perflab.models.pipeline.loop import Instruction, Loop
from perflab.models.pipeline.values import Linear, Value, apart, surely_apart


@dataclass
class _Access:
    """A load or a store."""

    array: str
    memory: str
    index: list[Linear | None]
    number: int


@dataclass
class Code:
    """The instructions of an iteration so far.

    `careful` says that a load waits for a store unless their elements surely differ; else, if they surely agree.
    """

    careful: bool = False
    instructions: list[tuple[str, str, int]] = field(default_factory=list)  # operation, text, line
    sources: list[list[int | str | tuple[int, int]]] = field(default_factory=list)
    _known: dict[tuple, Value] = field(default_factory=dict)
    _loads: list[_Access] = field(default_factory=list)
    _stores: list[_Access] = field(default_factory=list)

    def emit(self, operation: str, text: str, line: int, operands: list[Value]) -> int:
        """Add an instruction; return its number."""
        self.instructions.append((operation, text, line))
        self.sources.append([v.source for v in operands if v.source is not None])
        return len(self.instructions) - 1

    def compute(
        self, operation: str, kind: str, text: str, line: int, operands: list[Value], what: str = ""
    ) -> Value:
        """Return the value of an operation; an instruction if it is new, and differs between iterations."""
        if all(v.source is None for v in operands):
            return Value(kind, text=text, linear=Linear(0, 0, text) if kind == "int" else None)
        key = (operation, what, *(v.identity for v in operands))
        if key not in self._known:
            self._known[key] = Value(kind, self.emit(operation, text, line, operands))
        return self._known[key]

    def load(
        self, array: str, memory: str, kind: str, text: str, line: int, index: list[Value], changes: bool
    ) -> Value:
        """Return an element; `changes` says whether the loop stores to that array."""
        if not changes and all(v.source is None for v in index):
            return Value(kind, text=text, linear=Linear(0, 0, text) if kind == "int" else None)
        key = self._element(array, memory, index)
        if key not in self._known:
            number = self.emit("load", text, line, index)
            self._loads.append(_Access(array, memory, [v.linear for v in index], number))
            self._known[key] = Value(kind, number)
        return self._known[key]

    def store(self, array: str, memory: str, text: str, line: int, index: list[Value], value: Value) -> None:
        """Store an element; what is loaded from there in this iteration is that value."""
        number = self.emit("store", text, line, [*index, value])
        self._stores.append(_Access(array, memory, [v.linear for v in index], number))
        self._known[self._element(array, memory, index)] = value

    def _element(self, array: str, memory: str, index: list[Value]) -> tuple:
        before = sum(self._meet(store, array, memory) for store in self._stores)
        return ("load", array, before, *(v.identity for v in index))

    def _meet(self, store: _Access, array: str, memory: str) -> bool:
        """Tell whether a store is one to this array, or may be."""
        aliases = self.careful and (not memory or not store.memory or memory == store.memory)
        return store.array == array or aliases

    def finish(self, function: str, names: dict[str, Value], used: set[str], step: int) -> Loop:
        """Return the loop.

        Parameters
        ----------
        function : str
        names : dict of str to Value
            What each name stands for when the iteration ends.
        used : set of str
            Names whose values count after the loop.
        step : int
            How far the loop counts.
        """
        self._wait_for_stores(step)
        needs = [[n for n in (_behind(s, names) for s in sources) if n is not None] for sources in self.sources]
        alive = {i for i, (operation, _, _) in enumerate(self.instructions) if operation in ("store", "branch")}
        alive |= {found[0] for name in used if (found := _behind(name, names)) is not None}
        more = list(alive)
        while more:
            fresh = {n for n, _ in needs[more.pop()]} - alive
            alive |= fresh
            more += fresh
        place = {old: new for new, old in enumerate(sorted(alive))}
        body = tuple(
            Instruction(*self.instructions[i], tuple(sorted({(place[n], back) for n, back in needs[i]})))
            for i in place
        )
        return Loop(function, body, abs(step))

    def _wait_for_stores(self, step: int) -> None:
        """Let each load wait for the last store to its element."""
        for load in self._loads:
            before = []
            for store in self._stores:
                if not self._meet(store, load.array, load.memory):
                    continue
                same = store.array == load.array
                back = apart(store.index, load.index, step) if same else None
                if back is None and self.careful and not (same and surely_apart(store.index, load.index, step)):
                    back = int(store.number > load.number)
                if back == 0 and store.number > load.number:  # of this iteration, it is too late
                    back = 1 if not any(part.scale for part in load.index) else None
                if back is not None:
                    before.append((back, -store.number))
            if before:
                back, number = min(before)
                self.sources[load.number].append((-number, back))


def _behind(source: int | str | tuple[int, int], names: dict[str, Value]) -> tuple[int, int] | None:
    """Return ``(instruction, iterations back)`` behind a source; None if the loop leaves it alone."""
    if isinstance(source, tuple):
        return source
    back, seen = 0, set()
    while isinstance(source, str):
        if source in seen:
            return None  # names that only hand each other on what they had
        seen.add(source)
        source, back = names[source].source, back + 1
    return None if source is None else (source, back)
