"""Counts of what a sandbox does, kept by the kernel or by strace and read from outside while it is stopped."""

import contextlib
import os
from collections import Counter
from pathlib import Path

from perflab.counters.syscalls import SEEN, Map

OF_KERNEL = ("page_faults", "voluntary_switches")
SIGCHLD_IGNORED = 1 << 16  # in the mask of ignored signals
MINFLT, CMINFLT = 9, 10  # places in /proc/PID/stat


def by_strace(metric: str) -> bool:
    """Tell whether a metric is counted from system calls, which the kernel's own counters see in part only."""
    return metric in SEEN or metric.partition(":")[0] == "syscalls"


class UncountedError(Exception):
    """There is no such count; the text says why."""


def is_seen_of_threads(metric: str) -> bool:
    """Tell whether a count holds what threads did that have ended: the kernel forgets how often they waited."""
    return metric != "voluntary_switches"


def snapshot(pids: list[int]) -> Counter[str]:
    """Return the sums of the kernel's counters over processes, and over children that they have waited for.

    Raises
    ------
    UncountedError
        If a process lets its children vanish uncounted.
    """
    counts: Counter[str] = Counter(dict.fromkeys(OF_KERNEL, 0))
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            folder = Path(f"/proc/{pid}")
            status = _pairs(folder / "status")
            if status["State"][0] == "Z":
                continue
            if int(status["SigIgn"], 16) & SIGCHLD_IGNORED:
                raise UncountedError("it ignores the end of its processes")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            counts["page_faults"] += int(fields[MINFLT - 2]) + int(fields[CMINFLT - 2])
            for task in os.listdir(folder / "task"):
                switches = _pairs(folder / "task" / task / "status")["voluntary_ctxt_switches"]
                counts["voluntary_switches"] += int(switches)
    return counts


def mapped(pids: list[int], since: float, memory: int) -> list[Map]:
    """Return the mappings of files that processes have made.

    What a file gets later is there to see in them, and no call says so.

    Parameters
    ----------
    pids : list of int
    since : float
        When these processes began. What changed before is a library that they run.
    memory : int
        The device of memory that several processes share, which has no files.
    """
    maps = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines():
                place, may, _, device, inode, *name = line.split(None, 5)
                if inode == "0" or _device(device) == memory or (name and _is_older(pid, name[0], since)):
                    continue
                start, end = (int(edge, 16) for edge in place.split("-"))
                shared = may[3] == "s"
                maps.append(Map(start, end - start, shared, shared and may[1] == "w"))
    return maps


def _device(text: str) -> int:
    major, _, minor = text.partition(":")
    return os.makedev(int(major, 16), int(minor, 16))


def _is_older(pid: int, name: str, since: float) -> bool:
    """Tell whether a file is there, and was when a process began; nobody can set back when it changed."""
    try:
        return os.stat(f"/proc/{pid}/root{name}").st_ctime < since
    except OSError:
        return False


def _pairs(path: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}
