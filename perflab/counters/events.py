"""Events of the processor and of the kernel, through perf_event_open.

Most virtual machines hide the processor's counters; the kernel's own (software) events are nearly always there.
"""

import ctypes
import errno
import fcntl
import os
import platform
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from perflab.counters.absent import Absent
from perflab.counters.gauge import Block

CALL = {"x86_64": 298, "aarch64": 241}  # number of the system call, by architecture
HARDWARE, SOFTWARE, CACHE = 0, 1, 3
L1D, LAST_LEVEL, DATA_TLB = 0, 2, 3
READ, MISS = 0 << 8, 1 << 16
EVENTS = {
    "cycles": (HARDWARE, 0),
    "instructions": (HARDWARE, 1),
    "cache_references": (HARDWARE, 2),
    "cache_misses": (HARDWARE, 3),
    "branches": (HARDWARE, 4),
    "branch_misses": (HARDWARE, 5),
    "l1d_read_misses": (CACHE, L1D | READ | MISS),
    "last_level_read_misses": (CACHE, LAST_LEVEL | READ | MISS),
    "dtlb_read_misses": (CACHE, DATA_TLB | READ | MISS),
    "task_clock": (SOFTWARE, 1),  # nanoseconds
    "page_faults": (SOFTWARE, 2),
    "context_switches": (SOFTWARE, 3),
    "cpu_migrations": (SOFTWARE, 4),
    "minor_faults": (SOFTWARE, 5),
    "major_faults": (SOFTWARE, 6),
}
# struct perf_event_attr, first version: type, size, config, period, sample type, read format, flags, three unused.
ATTRIBUTES = "IIQQQQQIIQ"
TIMES = 1 | 2  # read format: with the time enabled and the time running
DISABLED, INHERIT, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 0, 1 << 1, 1 << 5, 1 << 6
ENABLE, DISABLE = 0x2400, 0x2401
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


@contextmanager
def perf_events(names: Sequence[str]) -> Iterator[Block]:
    """Prepare to count events of this thread, and of threads and processes that it starts in a block.

    Parameters
    ----------
    names : sequence of str
        Keys of `EVENTS`; "task_clock" is in nanoseconds.

    Raises
    ------
    ValueError
        If a name is unknown, or there is a text in place of a list.
    """
    if isinstance(names, str):
        raise ValueError(f"events: a list of names, got {names!r}; write [{names!r}]")
    if unknown := [name for name in names if name not in EVENTS]:
        raise ValueError(f"events: {unknown[0]!r} is none of {', '.join(EVENTS)}")
    counts: dict[str, int | Absent] = {}
    files: dict[str, int] = {}
    try:
        for name in names:
            opened = _open(*EVENTS[name])
            if isinstance(opened, Absent):
                counts[name] = opened
            else:
                files[name] = opened
        yield _enabled(list(files.values()), counts)
        # Read here: within the block it would be a read call of the block's.
        counts.update((name, _value(file)) for name, file in files.items())
    finally:
        for file in files.values():
            os.close(file)


@contextmanager
def _enabled(files: list[int], counts: dict[str, int | Absent]) -> Iterator[dict[str, int | Absent]]:
    for file in files:
        fcntl.ioctl(file, ENABLE, 0)
    try:
        yield counts
    finally:
        for file in files:
            fcntl.ioctl(file, DISABLE, 0)


def _open(kind: int, config: int) -> int | Absent:
    """Return the descriptor of an event, or why there is none."""
    number = CALL.get(platform.machine()) if platform.system() == "Linux" else None
    if number is None:
        return Absent("perf_event_open needs Linux on x86-64 or arm64.")
    call = ctypes.CDLL(None, use_errno=True).syscall
    failed = 0
    # Without the right to count the kernel's own part, count the program's.
    for exclude in (0, EXCLUDE_KERNEL):
        flags = DISABLED | INHERIT | EXCLUDE_HYPERVISOR | exclude
        size = struct.calcsize(ATTRIBUTES)
        attributes = struct.pack(ATTRIBUTES, kind, size, config, 0, 0, TIMES, flags, 0, 0, 0)
        file = call(number, attributes, 0, -1, -1, 8)  # this thread, any processor, close on exec
        if file >= 0:
            return file
        failed = ctypes.get_errno()
        if failed not in (errno.EACCES, errno.EPERM):
            break
    return Absent(_why(failed, kind))


def _why(failed: int, kind: int) -> str:
    if failed in (errno.EACCES, errno.EPERM):
        try:
            level = PARANOID.read_text().strip()
        except OSError:
            level = "unknown"
        return (
            f"The kernel does not let this user count events (kernel.perf_event_paranoid is {level}). Set it to 1"
            "; in a container allow perf_event_open."
        )
    if kind != SOFTWARE and failed in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP, errno.EINVAL):
        return (
            "No such counter here: a virtual machine seldom sees the processor's. Count on a physical machine, or "
            "use a model from perflab.models."
        )
    return f"The kernel refuses this event ({os.strerror(failed)})."


def _value(file: int) -> int | Absent:
    value, enabled, running = struct.unpack("QQQ", os.read(file, 24))
    if running < enabled:
        return Absent("The processor shared its counters among too many events; ask for fewer at once.")
    return value
