"""The latency numbers of this machine, as a table."""

import html
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perflab import words
from perflab.machine import kernels, latencies, throughput
from perflab.machine.description import Machine, describe
from perflab.machine.remember import remembered

Measurement = tuple[str, Callable[[], float]]


@dataclass(frozen=True)
class Number:
    """How long something takes.

    Attributes
    ----------
    what : str
    seconds : float or None
        None where it could not be measured.
    how : str
        How it was measured, or why it was not.
    """

    what: str
    seconds: float | None
    how: str


@dataclass(frozen=True)
class Numbers:
    """The table.

    Attributes
    ----------
    rows : tuple of Number
        From the quickest to the slowest; then those that could not be measured.
    """

    rows: tuple[Number, ...]

    def __getitem__(self, what: str) -> float:
        """Return the seconds of one row."""
        found = next((row for row in self.rows if row.what == what), None)
        if found is None:
            raise KeyError(f"{what!r} is none of {', '.join(row.what for row in self.rows)}")
        if found.seconds is None:
            raise KeyError(f"{what!r} could not be measured here: {found.how}")
        return found.seconds

    def cells(self) -> list[tuple[str, str, str, str]]:
        """Return the table's cells as text: what, how long, in loads from the first cache, how."""
        first = next((row.seconds for row in self.rows if row.seconds is not None), None)
        return [
            (row.what, words.duration(row.seconds), words.number(round(row.seconds / first)), row.how)
            if row.seconds is not None
            else (row.what, "-", "-", f"not here: {row.how}")
            for row in self.rows
        ]

    def _repr_html_(self) -> str:
        # Notebooks put all cells to the right, and a book all to the left and close together.
        left, right = ' style="text-align:left;padding-left:1em"', ' style="text-align:right;padding-left:1em"'
        head = "".join(f"<th{left}>{name}</th>" for name in HEADS)
        body = "".join(
            # A number stays with its unit, however narrow the page.
            f"<tr><td{left}>{html.escape(what)}</td><td{right}>{seconds.replace(' ', '&nbsp;')}</td>"
            f"<td{right}>{loads}</td><td{left}>{html.escape(how)}</td></tr>"
            for what, seconds, loads, how in self.cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


HEADS = ("what", "time", "quickest = 1", "how")


def numbers(*, fresh: bool = False) -> Numbers:
    """Return the latency numbers of this machine: measured once, in some seconds, then remembered on disk.

    Parameters
    ----------
    fresh : bool
        Measure even if they are remembered; see `ceilings`.

    Returns
    -------
    Numbers

    References
    ----------
    Dean, J.: Designs, Lessons and Advice from Building Large Distributed Systems, LADIS 2009, "numbers everyone
    should know".
    """
    machine = describe()
    sources = [__file__, kernels.__file__, latencies.__file__, throughput.__file__]
    return remembered("numbers", machine, sources, lambda: _measure(machine), _from_json, fresh)


def _measure(machine: Machine) -> Numbers:
    rows = [_row(*one) for one in (*_loads(machine), *OTHERS)]
    return Numbers(tuple(sorted(rows, key=lambda row: float("inf") if row.seconds is None else row.seconds)))


def _row(what: str, measure: Callable[[], float]) -> Number:
    """Measure one number; whatever stands in the way of it is no obstacle to the others."""
    try:
        how = (measure.__doc__ or "").partition("\n")[0].removeprefix("Return the seconds ").removeprefix("of ")
        return Number(what, measure(), how[:1].upper() + how[1:])
    except (OSError, subprocess.SubprocessError, MemoryError) as error:
        return Number(what, None, str(error))


def _loads(machine: Machine) -> list[Measurement]:
    """Return one measurement a level of the memory, each at a working set that fits there and nowhere above."""
    levels = sorted({c.level: c.bytes for c in machine.caches if c.kind != "Instruction"}.items())
    # Not half of a large shared cache: a virtual machine may get much less of it.
    above = [size for _, size in levels[:1]] + [4 * size for _, size in levels[:-1]]
    pairs = zip(levels, above, strict=True)
    sizes = [(f"load from the L{level} cache", min(size // 2, limit)) for (level, size), limit in pairs]
    largest = max((size for _, size in levels), default=latencies.LARGEST // 4)
    sizes.append(("load from memory", min(4 * largest, latencies.LARGEST)))

    def at(size: int) -> Callable[[], float]:
        def measure() -> float:
            return latencies.load(size)

        unit = f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB"
        measure.__doc__ = (
            f"Return the seconds of a load that waits for the one before it, in random order in {unit}."
        )
        return measure

    return [(name, at(size)) for name, size in sizes]


def _from_json(values: Any) -> Numbers:
    return Numbers(tuple(Number(**row) for row in values["rows"]))


OTHERS: tuple[Measurement, ...] = (
    ("system call", latencies.system_call),
    ("page fault", latencies.page_fault),
    ("switch between processes on a core", latencies.switch),
    ("wake-up of a process on another core", latencies.wake_up),
    ("thread, started and ended", latencies.thread),
    ("process, started and ended", latencies.process),
    ("small file, opened and read", latencies.small_file),
    ("small write, safe on the disk", latencies.file_sync),
    ("loopback round trip", latencies.loopback),
    ("1 MB read from memory", throughput.memory),
    ("1 MB written to a file", throughput.file_write),
    ("1 MB read from a cached file", throughput.file_read),
    ("1 MB read from a file on the disk", throughput.cold_read),
    ("1 MB sent over loopback", throughput.loopback_send),
)
