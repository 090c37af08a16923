"""The interleaving explorer against a plain Python one on generators, and against its time limit.

The peer makes the same search: breadth first over the steps of the same memory model, and no state twice. Its
threads are generators, written by hand. A generator cannot be copied, so it runs a thread again from the start for
each step, and knows a thread's state by the values that it has read. It is also timed without its set of states,
as a search over schedules: what a first version looks like. Ours has the source to take apart as well.

Asked for: the Chase-Lev deque with 2 pushes and 2 takes against 2 steals is exhausted under TSO in at most 5 s.
"""

import json
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.models.interleaving import Exploration, explore

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "structures"))
import chase_lev

RUNS = 5
LIMIT = 5.0  # seconds for the deque
PATIENCE = 5.0  # seconds for the search over schedules, which does not end
TOP, BOTTOM, RING = 0, 1, 2

Thread = Callable[[], Generator]


def push(item: int) -> Iterator[tuple]:
    bottom = yield "load", BOTTOM
    yield "load", TOP
    yield "store", RING + bottom % 4, item
    yield "store", BOTTOM, bottom + 1


def take() -> Iterator[tuple]:
    bottom = (yield "load", BOTTOM) - 1
    yield "store", BOTTOM, bottom
    yield ("fence",)
    top = yield "load", TOP
    if top > bottom:
        yield "store", BOTTOM, bottom + 1
        return 0
    item = yield "load", RING + bottom % 4
    if top == bottom:
        if not (yield "cas", TOP, top, top + 1):
            item = 0
        yield "store", BOTTOM, bottom + 1
    return item


def steal() -> Iterator[tuple]:
    top = yield "load", TOP
    yield ("fence",)
    bottom = yield "load", BOTTOM
    if top >= bottom:
        return 0
    item = yield "load", RING + top % 4
    return item if (yield "cas", TOP, top, top + 1) else 0


def owner() -> Iterator[tuple]:
    yield from push(1)
    yield from push(2)
    first = yield from take()
    second = yield from take()
    return first, second


def thief() -> Iterator[tuple]:
    first = yield from steal()
    second = yield from steal()
    return first, second


class Peer:
    """Breadth first over states, or depth first over schedules."""

    def __init__(self, threads: tuple[Thread, ...]) -> None:
        self.threads = threads

    def at(self, thread: int, values: tuple) -> tuple[Any, Any]:
        """Return what a thread does after it got some values, or None and its result."""
        generator = self.threads[thread]()
        try:
            request = next(generator)
            for value in values:
                request = generator.send(value)
        except StopIteration as end:
            return None, end.value
        return request, None

    def following(self, state: tuple) -> Iterator[tuple]:
        """Return the states one step later."""
        read, memory, buffers = state
        for t in range(len(self.threads)):
            buffer = buffers[t]
            if buffer:
                (cell, value), *rest = buffer
                yield read, put(memory, cell, value), put(buffers, t, tuple(rest))
            request, _ = self.at(t, read[t])
            if request is None or (request[0] in ("cas", "fence") and buffer):
                continue
            kind, *args = request
            value, after, queue = None, memory, buffer
            if kind == "load":
                value = next((v for c, v in reversed(buffer) if c == args[0]), memory[args[0]])
            elif kind == "store":
                queue = (*buffer, (args[0], args[1]))
            elif kind == "cas":
                value = memory[args[0]] == args[1]
                after = put(memory, args[0], args[2]) if value else memory
            yield put(read, t, (*read[t], value)), after, put(buffers, t, queue)

    def start(self) -> tuple:
        """Return the first state."""
        count = len(self.threads)
        return ((),) * count, (0,) * 6, ((),) * count

    def states(self) -> int:
        """See every state once; return how many there are."""
        seen, open_ = {self.start()}, deque([self.start()])
        while open_:
            state = open_.popleft()
            following = list(self.following(state))
            if not following:
                self.check(state)
            for after in following:
                if after not in seen:
                    seen.add(after)
                    open_.append(after)
        return len(seen)

    def schedules(self, patience: float) -> int:
        """Go through one schedule after the other for some time; return how many."""
        until, done, open_ = time.perf_counter() + patience, 0, [self.start()]
        while open_ and time.perf_counter() < until:
            following = list(self.following(open_.pop()))
            open_ += following
            done += not following
        return done

    def check(self, state: tuple) -> None:
        """Look at an end: every item came out once."""
        taken = [item for t, values in enumerate(state[0]) for item in self.at(t, values)[1] if item]
        assert sorted(taken) == [1, 2], taken


def put(values: tuple, place: int, value: Any) -> tuple:
    return (*values[:place], value, *values[place + 1 :])


def ours(thieves: int) -> Exploration:
    program = chase_lev.program(thieves, chase_lev.rob_twice, 2, True)
    found = explore(program.calls, check=program.check)
    assert found.passed, str(found)
    return found


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median of the seconds of CPU that some calls took, and what they returned."""
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        result = call()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), result


def compared(thieves: int) -> dict[str, float]:
    """Return what it takes to exhaust the deque with some thieves, and how many schedules a search makes."""
    peer = Peer((owner, *(thief,) * thieves))
    first = time.process_time()
    ours(thieves)
    first = time.process_time() - first
    seconds, found = timed(lambda: ours(thieves))
    peer_seconds, peer_states = timed(peer.states)
    return {
        "first": first,
        "seconds": seconds,
        "states": found.states,
        "schedules": found.schedules,
        "schedules_per_second": found.schedules / seconds,
        "peer_seconds": peer_seconds,
        "peer_states": peer_states,
        "ratio": peer_seconds / seconds,
        "peer_schedules_per_second": peer.schedules(PATIENCE) / PATIENCE,
    }


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    rows = {f"{thieves} x 2 steals": compared(thieves) for thieves in (1, 2)}
    table = Table(
        "against", "search", "seconds", "states", "schedules/s", title="Chase-Lev, TSO: 2 pushes, 2 takes"
    )
    for name, row in rows.items():
        table.add_row(name, "explorer", *(f"{row[k]:,.3g}" for k in ("seconds", "states", "schedules_per_second")))
        table.add_row("", "generators, states", f"{row['peer_seconds']:,.3g}", f"{row['peer_states']:,}", "")
        table.add_row("", "generators, schedules", "", "", f"{row['peer_schedules_per_second']:,.3g}")
    console = Console()
    console.print(table)
    for name, row in rows.items():
        console.print(
            f"{name}: {row['schedules']:,} schedules; generators take {row['ratio']:.3g} times as long. "
            f"The first exploration takes {row['first']:.3g} s."
        )
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine.describe().cpu, "limit": LIMIT, **rows}, indent=2))
    if rows["1 x 2 steals"]["first"] > LIMIT:
        raise SystemExit(f"The explorer takes longer than the {LIMIT:g} s that were asked for.")


if __name__ == "__main__":
    main()
