"""Counts of what a sandbox does, kept by the kernel or by strace and read from outside while it is stopped."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perflab.counters.process import IO_NAMES

METRICS = (*IO_NAMES, "page_faults", "voluntary_switches")
ATTACH = 5.0  # seconds until strace must have attached, or be gone
CALL = re.compile(r"^\d+\s+(\w+)\(")
SIGCHLD_IGNORED = 1 << 16  # in the mask of ignored signals
MINFLT, CMINFLT = 9, 10  # places in /proc/PID/stat


class UncountedError(Exception):
    """There is no such count; the text says why."""


def snapshot(pids: list[int]) -> Counter[str]:
    """Return the sums of the kernel's counters over processes, and over children that they have waited for.

    Raises
    ------
    UncountedError
        If a process lets its children vanish uncounted.
    """
    counts: Counter[str] = Counter(dict.fromkeys(METRICS, 0))
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            folder = Path(f"/proc/{pid}")
            status = _pairs(folder / "status")
            if status["State"][0] == "Z":
                continue
            if int(status["SigIgn"], 16) & SIGCHLD_IGNORED:
                raise UncountedError("it ignores the end of its processes")
            io = _pairs(folder / "io")
            counts.update({name: int(io[field]) for name, field in IO_NAMES.items()})
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            counts["page_faults"] += int(fields[MINFLT - 2]) + int(fields[CMINFLT - 2])
            for task in os.listdir(folder / "task"):
                switches = _pairs(folder / "task" / task / "status")["voluntary_ctxt_switches"]
                counts["voluntary_switches"] += int(switches)
    return counts


@contextmanager
def traced(pids: list[int]) -> Iterator[Counter[str]]:
    """Count the system calls of stopped processes by name, and of all that they start, until the block ends.

    Raises
    ------
    UncountedError
        If there is no strace, or it may not attach.
    """
    if shutil.which("strace") is None:
        raise UncountedError("there is no strace; on Debian and Ubuntu: apt-get install strace")
    counts: Counter[str] = Counter()
    with tempfile.NamedTemporaryFile("r", prefix="perflab-") as log:
        which = [word for pid in pids for word in ("-p", str(pid))]
        quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "0", "-o", log.name, *which], **quietly)
        try:
            deadline = time.monotonic() + ATTACH
            while not all(_tracer(pid) == tracer.pid for pid in pids):
                if tracer.poll() is not None or time.monotonic() > deadline:
                    raise UncountedError("strace may not attach to the sandbox")
                time.sleep(0.002)
            yield counts
        finally:
            tracer.terminate()
            try:
                tracer.wait(ATTACH)
            except subprocess.TimeoutExpired:
                tracer.kill()
                tracer.wait()
        counts.update(match[1] for line in log if (match := CALL.match(line)))


def _tracer(pid: int) -> int:
    return int(_pairs(Path(f"/proc/{pid}/status"))["TracerPid"])


def _pairs(path: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}
