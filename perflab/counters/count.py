"""One context manager over all counters, and single counts for `check.counts`."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from perflab.counters.absent import Absent, AbsentError
from perflab.counters.events import perf_events
from perflab.counters.gauge import Block, Gauge
from perflab.counters.memory import collections, numba_allocations, python_bytes
from perflab.counters.process import kernel_counts
from perflab.counters.syscalls import Calls, missing, system_calls

Count = int | Absent
RUNNING = "The block has not ended yet; read its counts when it has."
STOPPED = (
    "strace stops the process at each system call, which would count as switches: count them without syscalls."
)
NOT_ASKED = "Not asked for: write count(syscalls=True)."
# Metrics of `check.counts`, and how a report names them.
METRICS = {
    "page_faults": "page faults",
    "voluntary_switches": "voluntary switches",
    "reads": "read calls",
    "writes": "write calls",
    "read_bytes": "bytes read",
    "written_bytes": "bytes written",
    "carried_bytes": "bytes carried into memory or out of it",
    "peak_bytes": "bytes at the peak, of arrays and Python's objects",
    "kept_bytes": "bytes kept, of arrays and Python's objects",
    "allocations": "allocations in compiled code",
    "collections": "garbage collections",
    "syscalls": "system calls",
    "calls_and_pages": "system calls, and pages carried",
}
BY_NAME = "syscalls:"  # before the name of one system call


def _later() -> Absent:
    return Absent(RUNNING)


@dataclass(eq=False)
class Counts:
    """What happened in a block; each is a number, or an `Absent` that says why there is none.

    Attributes
    ----------
    page_faults, major_faults : int
        First uses of pages of memory, and those of them that had to wait for a disk.
    voluntary_switches, involuntary_switches : int
        How often the process waited, and how often it was made to.
    reads, writes, read_bytes, written_bytes : int
        Calls of the read and write family on files and pipes, and their bytes. Sockets count where they are read
        and written like files, not with send and recv. A file that `mmap` maps counts as one call with all its
        bytes, since nothing calls the kernel for them later.
    peak_bytes, kept_bytes : int
        Bytes of Python, NumPy and Numba's arrays above those at the start: the most at once, and at the end. A
        dictionary or a typed list of compiled code takes its memory from C's `malloc`, which is not seen.
    allocations, frees : int
        Arrays and other objects that compiled code made and gave back, and one for each array argument of a call
        from Python.
    collections : int
        Runs of the garbage collector.
    syscalls : collections.Counter or Absent
        System calls by name, if asked for.
    events : dict
        Events by name, if asked for.
    """

    page_faults: Count = field(default_factory=_later)
    major_faults: Count = field(default_factory=_later)
    voluntary_switches: Count = field(default_factory=_later)
    involuntary_switches: Count = field(default_factory=_later)
    reads: Count = field(default_factory=_later)
    writes: Count = field(default_factory=_later)
    read_bytes: Count = field(default_factory=_later)
    written_bytes: Count = field(default_factory=_later)
    peak_bytes: Count = field(default_factory=_later)
    kept_bytes: Count = field(default_factory=_later)
    allocations: Count = field(default_factory=_later)
    frees: Count = field(default_factory=_later)
    collections: Count = field(default_factory=_later)
    syscalls: Counter[str] | Absent = field(default_factory=lambda: Absent(NOT_ASKED))
    events: dict[str, Count] = field(default_factory=dict)

    def __str__(self) -> str:
        rows = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in ("syscalls", "events")]
        if isinstance(self.syscalls, Counter):
            rows.append(("syscalls", sum(self.syscalls.values())))
            rows += [(f"  {name}", number) for name, number in self.syscalls.most_common()]
        rows += list(self.events.items())
        width = max(len(name) for name, _ in rows)
        digits = max(len(f"{value:,}") for _, value in rows if not isinstance(value, Absent))
        return "\n".join(
            f"{name:<{width}}  "
            + (f"absent: {value.reason}" if isinstance(value, Absent) else f"{value:>{digits},}")
            for name, value in rows
        )

    __repr__ = __str__


@contextmanager
def count(*, syscalls: bool = False, events: Sequence[str] = ()) -> Iterator[Counts]:
    """Count what happens in a block, exactly.

    Counting is not timing: tracemalloc makes each allocation of Python several times slower, and strace each
    system call a hundred times. Counts are those of the whole process, all its threads together, but for events
    and system calls; in a notebook the kernel's own threads may add a switch or a write. What reading the
    counters costs is taken off.

    Parameters
    ----------
    syscalls : bool
        Also count system calls by name, through strace. It interrupts the process at each of them, so switches are
        absent then.
    events : sequence of str
        Also count these events of the processor and the kernel; see `perflab.counters.EVENTS`.

    Yields
    ------
    Counts
        Readable when the block has ended.

    Raises
    ------
    AbsentError
        If system calls are asked for and cannot be counted here.
    ValueError
        If an event is unknown.

    Examples
    --------
    >>> import os
    >>> with count() as counts:
    ...     _ = os.write(os.open(os.devnull, os.O_WRONLY), b"four")
    >>> counts.writes, counts.written_bytes
    (1, 4)
    """
    counts = Counts()
    # From the outside in: none counts the work of those within, and memory, which all of them use, is the last.
    gauges: list[Gauge] = [collections, numba_allocations, kernel_counts, partial(perf_events, events)]
    gauges += [system_calls] if syscalls else []
    gauges += [python_bytes]
    with _prepared(gauges) as blocks, ExitStack() as around:
        parts = [around.enter_context(block) for block in blocks]
        yield counts
    *kernel, events_counted = parts[:4]
    for part in (*kernel, parts[-1]):
        for name, value in part.items():
            setattr(counts, name, value)
    counts.events = {name: events_counted[name] for name in events}
    if syscalls:
        counts.syscalls = parts[4]
        counts.voluntary_switches = counts.involuntary_switches = Absent(STOPPED)


@contextmanager
def _prepared(gauges: list[Gauge]) -> Iterator[list[Block]]:
    """Prepare several gauges; none of their blocks has begun."""
    with ExitStack() as stack:
        yield [stack.enter_context(gauge()) for gauge in gauges]


def measure(metric: str, call: Callable[[], Any]) -> tuple[float, Any]:
    """Count one thing about one call, with no other instrument on.

    Parameters
    ----------
    metric : str
        A key of `METRICS`, or ``"syscalls:name"`` for one system call, e.g. ``"syscalls:fsync"``, or for several
        together, e.g. ``"syscalls:read+pread64"``. The families "reads", "writes" and "moves" stand for all calls
        that bring bytes into memory, take them out of it, or move them within the kernel; "maps" for mappings of
        files, and "messages" for what sockets and other processes give and take. "carried_bytes" are those of
        reads, writes, messages and maps; a mapping counts with all its bytes.
        "calls_and_pages" adds to all system calls one for each 4,096 bytes that are carried.
    call : callable
        Called once. What it needs to compile it must have compiled before, or that counts too.

    Returns
    -------
    count : float
    result : object
        What the call returned.

    Raises
    ------
    AbsentError
        If there is no such count on this machine.
    ValueError
        If the metric is unknown.
    TypeError
        If `call` is no function.
    """
    if not callable(call):
        raise TypeError(f"call: a function without arguments, got a {type(call).__name__}; write lambda: ...")
    with _gauge(metric)() as block, block as counts:
        result = call()
    if isinstance(counts, Calls):
        return float(counts.of_metric(metric)), result
    value = counts[metric]
    if isinstance(value, Absent):
        raise AbsentError(value.reason)
    return float(value), result


def _gauge(metric: str) -> Gauge:
    """Return the gauge of a metric."""
    if metric in ("syscalls", "carried_bytes", "calls_and_pages") or (
        metric.startswith(BY_NAME) and metric != BY_NAME
    ):
        return system_calls
    if metric in ("peak_bytes", "kept_bytes"):
        return python_bytes
    if metric == "allocations":
        return numba_allocations
    if metric == "collections":
        return collections
    if metric in METRICS:
        return kernel_counts
    raise ValueError(f"metric: one of {', '.join(map(repr, METRICS))} or 'syscalls:NAME', got {metric!r}")


def available() -> dict[str, str | None]:
    """Tell which instruments work here: for each None, or why it does not and what to do.

    Each is tried, which takes less than a second.

    Returns
    -------
    dict of str to (str or None)
    """
    with count(events=("page_faults", "instructions")) as counts:
        pass
    found: dict[str, str | None] = {
        "page faults and switches": _reason(counts.page_faults),
        "read and write calls": _reason(counts.reads),
        "bytes of Python and NumPy": _reason(counts.peak_bytes),
        "allocations in compiled code": _reason(counts.allocations),
        "system calls by name": missing(),
        "events of the kernel": _reason(counts.events["page_faults"]),
        "events of the processor": _reason(counts.events["instructions"]),
    }
    if found["system calls by name"] is None:
        try:
            with system_calls() as block, block:
                pass
        except AbsentError as error:
            found["system calls by name"] = str(error)
    return found


def _reason(value: Count) -> str | None:
    return value.reason if isinstance(value, Absent) else None
