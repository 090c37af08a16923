"""What the kernel counts for a process: page faults, switches, read and write calls and their bytes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perflab.counters.absent import Absent
from perflab.counters.gauge import Block

try:
    import resource
except ImportError:  # not a Unix
    resource = None

IO = Path("/proc/self/io")
NO_IO = "This system has no /proc/self/io, which counts read and write calls; it needs Linux."
NO_USAGE = "This system has no getrusage, which counts faults and switches; it needs Linux or macOS."
# Name of ours: name in /proc/self/io.
IO_NAMES = {"reads": "syscr", "writes": "syscw", "read_bytes": "rchar", "written_bytes": "wchar"}
USAGE_NAMES = {
    "page_faults": "ru_minflt",
    "major_faults": "ru_majflt",
    "voluntary_switches": "ru_nvcsw",
    "involuntary_switches": "ru_nivcsw",
}
WRITABLE = (0, 2)  # access of a mapping: by default, and mmap.ACCESS_WRITE
_ROOM = 4096  # bytes: more than the file has, so that one read call takes it all


@dataclass(frozen=True)
class Snapshot:
    """The kernel's counters at one moment; None where it has none."""

    usage: dict[str, int] | None
    io: dict[str, int] | None
    own_bytes: int = 0  # that reading the counters read


@contextmanager
def kernel_counts() -> Iterator[Block]:
    """Prepare to count what the kernel counts for this process, all its threads together."""
    _watch_mappings()
    _last()  # a rehearsal, which touches every page that reading the counters needs
    yield _block()


@contextmanager
def _block() -> Iterator[dict[str, int | Absent]]:
    counts: dict[str, int | Absent] = {}
    before = _first()
    try:
        yield counts
    finally:
        counts.update(_difference(before, _last()))


_mapped = [0, 0, 0, 0]  # reads, writes and their bytes by mappings of files, ever since


def _note_mapping(event: str, args: tuple) -> None:
    """Note a mapping of a file: the kernel's counters do not see what is read and written through it."""
    if event != "mmap.__new__":
        return
    file, length, access, offset = args
    if file == -1:
        return
    with contextlib.suppress(OSError):
        size = length or os.fstat(file).st_size - offset
        for place, value in enumerate((1, access in WRITABLE, size, size * (access in WRITABLE))):
            _mapped[place] += value


@cache
def _watch_mappings() -> None:
    """Begin to note mappings; it cannot be ended, so whoever never counts does not begin."""
    sys.addaudithook(_note_mapping)


def _first() -> Snapshot:
    usage = _usage()
    return Snapshot(usage, *_io())


def _last() -> Snapshot:
    io, _ = _io()
    return Snapshot(_usage(), io)


def _difference(before: Snapshot, after: Snapshot) -> dict[str, int | Absent]:
    """Return what was counted between two snapshots, without what reading the first one cost."""
    counts: dict[str, int | Absent] = {}
    for names, why in ((USAGE_NAMES, NO_USAGE), (IO_NAMES, NO_IO)):
        old, new = (before.usage, after.usage) if names is USAGE_NAMES else (before.io, after.io)
        for name in names:
            counts[name] = Absent(why) if old is None or new is None else new[name] - old[name]
    if before.io is not None and after.io is not None:
        counts["reads"] -= 1
        counts["read_bytes"] -= before.own_bytes
    return counts


def _usage() -> dict[str, int] | None:
    if resource is None:
        return None
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {name: getattr(usage, field) for name, field in USAGE_NAMES.items()}


def _io() -> tuple[dict[str, int] | None, int]:
    """Return the counters of read and write calls, and how many bytes this very call read."""
    try:
        file = os.open(IO, os.O_RDONLY)
    except OSError:
        return None, 0
    try:
        text = os.read(file, _ROOM)
    except OSError:
        return None, 0
    finally:
        os.close(file)
    lines = (line.partition(b": ") for line in text.splitlines())
    values = {name.decode(): int(value) for name, _, value in lines}
    both = zip(IO_NAMES.items(), _mapped, strict=True)
    return {name: values[field] + mapped for (name, field), mapped in both}, len(text)
