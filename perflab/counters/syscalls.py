"""System calls by name, as strace sees them from outside.

strace attaches to this very process, and two calls that nobody else makes mark where the block begins and ends.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perflab.counters.absent import AbsentError
from perflab.counters.gauge import Block

ATTACH = 30.0  # seconds until strace must have attached, on a machine with much else to do
DETACH = 30.0  # seconds until it must be gone
PR_SET_PTRACER = 0x59616D61  # Yama: who may trace this process
STATUS = Path("/proc/self/status")
NO_STRACE = "There is no strace; on Debian and Ubuntu: apt-get install strace."
LINE = re.compile(r"^(\d+)\s+(\w+)\(")
UNFINISHED = "<unfinished ...>"  # ends a line whose call waits while another thread makes one
RESUMED = re.compile(r"^(\d+)\s+<\.\.\. \w+ resumed>(.*)$")
RESULT = re.compile(r"^.*\)\s+= (0x[0-9a-f]+|\d+)")  # a call that failed has none
MAPPING = re.compile(r"mmap\(\S+, (\d+), ([A-Z_|]+), ([A-Z_|0-9a-fx<]+), (\d+)")  # of a file: another has -1 there
GROWN = re.compile(r"mremap\((0x[0-9a-f]+), \d+, (\d+)")
PROTECTED = re.compile(r"mprotect\((0x[0-9a-f]+), \d+, ([A-Z_|]+)")
# What is one in its effect goes by one name: who counts a family by the names of some gives away the others.
FAMILIES = {
    "reads": ("read", "readv", "pread64", "preadv", "preadv2", "vmsplice"),
    "writes": ("write", "writev", "pwrite64", "pwritev", "pwritev2", "vmsplice"),
    "moves": ("sendfile", "copy_file_range", "splice", "tee"),
    "messages": ("recvfrom", "recvmsg", "sendto", "sendmsg", "process_vm_readv", "process_vm_writev"),
}
MAPS = ("maps", "writable_maps")  # of files
POOL = "ThreadPoolExecutor"  # begins the names of its threads; a kernel's own are named otherwise
PAGE = 4096  # bytes: to carry them costs about as much as a system call
CALLS_AND_PAGES = "calls_and_pages"
# Whether bytes are counted, and of what. A mapping brings bytes, or takes them, without a call for each.
SEEN = {
    "reads": (False, "reads+moves+maps"),
    "writes": (False, "writes+moves+writable_maps"),
    "read_bytes": (True, "reads+moves+maps"),
    "written_bytes": (True, "writes+moves+writable_maps"),
    "carried_bytes": (True, "reads+writes+messages+maps"),
    # Also what the kernel moves: it may go where the process has had a mapping for long.
    CALLS_AND_PAGES: (True, "reads+writes+messages+moves+maps"),
}


class Calls(Counter[str]):
    """System calls by name, or by a family of `FAMILIES`; ``calls["read+write"]`` sums over both.

    Attributes
    ----------
    mapped : Counter
        Mappings of files, which are no calls of their own: "maps", and "writable_maps" among them.
    carried : Calls or None
        How many bytes they moved, by the same names; a mapping has all bytes of its file, touched or not.
    """

    def __init__(self, *counts: Any) -> None:
        super().__init__(*counts)
        self.mapped: Counter[str] = Counter()
        self.carried: Calls | None = None

    def __missing__(self, names: str) -> int:
        """Return the sum over several names, and 0 for a call that was not made."""
        if names in MAPS:
            return self.mapped[names]
        calls = members(names)
        return 0 if calls == {names} else sum(self[name] for name in calls)

    def of_metric(self, metric: str) -> float:
        """Return the count of a metric: a key of `SEEN`, "syscalls" or "syscalls:NAME+NAME"."""
        if metric in SEEN:
            bytes_, names = SEEN[metric]
            count = (self.carried if bytes_ else self)[names]
            return sum(self.values()) + count / PAGE if metric == CALLS_AND_PAGES else count
        return sum(self.values()) if metric == "syscalls" else self[metric.partition(":")[2]]


def members(names: str) -> set[str]:
    """Return the names of calls that names and families, with plus signs between them, stand for."""
    return {call for name in names.split("+") for call in FAMILIES.get(name, (name,))}


@contextmanager
def system_calls() -> Iterator[Block]:
    """Prepare to count the system calls of a block, by name: of its thread, and of those that it starts.

    Threads that were there before are left out, but for those of a pool: a notebook's kernel has some that are
    never quiet. strace stops the process at each call, so that a block with many of them lasts a hundred times as
    long.

    Raises
    ------
    AbsentError
        Without strace, or if it must not attach here.
    """
    if why := missing():
        raise AbsentError(why)
    ours = {one.native_id for one in threading.enumerate() if one.name.startswith(POOL)}
    others = {int(task) for task in os.listdir("/proc/self/task")} - {threading.get_native_id(), *ours}
    marks = [f"/perflab-{uuid.uuid4().hex}" for _ in range(2)]
    counts = Calls()
    with _traced([os.getpid()]) as lines:
        yield _marked(marks, counts)
    _count(_between(lines, marks), others, counts)


@dataclass
class Map:
    """A mapping of a file: where it begins, its largest size, and whether what is written there reaches it."""

    start: int
    size: int
    shared: bool
    writable: bool


@contextmanager
def traced(pids: list[int], maps: Iterable[Map] = ()) -> Iterator[Calls]:
    """Count the system calls, by name, of other processes and of those that they start, while the block runs.

    Parameters
    ----------
    pids : list of int
    maps : iterable of Map
        Made before, and counted like those that the block makes.

    Raises
    ------
    AbsentError
        Without strace, or if it must not attach to them.
    """
    if shutil.which("strace") is None:
        raise AbsentError(NO_STRACE)
    counts = Calls()
    with _traced(pids) as lines:
        yield counts
    _count(lines, set(), counts, maps)


@contextmanager
def _traced(pids: list[int]) -> Iterator[list[str]]:
    """Let strace watch processes; what it wrote is there when the block has ended."""
    lines: list[str] = []
    with tempfile.NamedTemporaryFile("r", prefix="perflab-") as log:
        tracer = _attach(log.name, pids)
        try:
            yield lines
        finally:
            _detach(tracer)
        lines += log.read().splitlines()


@contextmanager
def _marked(marks: list[str], counts: Counter[str]) -> Iterator[Counter[str]]:
    """Mark the block; what lies between is counted when strace is gone."""
    os.access(marks[0], os.F_OK)
    try:
        yield counts
    finally:
        os.access(marks[1], os.F_OK)


def missing() -> str | None:
    """Say why system calls cannot be counted here, or return None; what only an attempt can tell comes later."""
    if not STATUS.exists():
        return "This system has no /proc; strace needs Linux."
    if shutil.which("strace") is None:
        return NO_STRACE
    if (tracer := _tracer(os.getpid())) != 0:
        return f"Process {tracer} traces this one already, and there can be only one: run it without a debugger."
    return None


def _tracer(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("TracerPid:"))
    return int(line.split()[1])


def _attach(log: str, pids: list[int]) -> subprocess.Popen:
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-s", "64", "-o", log, *(word for pid in pids for word in ("-p", str(pid)))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, tracer.pid, 0, 0, 0)
    deadline = time.monotonic() + ATTACH
    while any(_tracer(pid) != tracer.pid for pid in pids):
        if tracer.poll() is not None or time.monotonic() > deadline:
            tracer.kill()
            said = tracer.communicate()[1].decode(errors="replace").strip()
            raise AbsentError(
                f"strace may not attach ({said or 'no answer'}): allow ptrace, in a container by "
                "--cap-add=SYS_PTRACE, elsewhere by kernel.yama.ptrace_scope=0."
            )
        time.sleep(0.002)
    return tracer


def _detach(tracer: subprocess.Popen) -> None:
    tracer.send_signal(signal.SIGINT)  # strace then writes all it has, and lets go
    try:
        tracer.wait(DETACH)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()
    tracer.stderr.close()


def _between(lines: list[str], marks: list[str]) -> list[str]:
    """Return what lies between two marks."""
    places = [next((i for i, line in enumerate(lines) if mark in line), None) for mark in marks]
    if None in places:  # also where the block was left before it began
        raise AbsentError("strace lost the beginning or the end of the block; count it again.")
    return lines[places[0] + 1 : places[1]]


def _count(lines: list[str], others: set[int], counts: Calls, before: Iterable[Map] = ()) -> None:
    """Count the calls that strace tells of, but for those of some threads; a call counts where it begins."""
    counts.carried = Calls()
    known = {call for family in FAMILIES.values() for call in family}
    begun: dict[str, str] = {}  # what was said of the last call of each thread
    maps = list(before)
    for line in lines:
        if match := LINE.match(line):
            begun[match[1]] = line.removesuffix(UNFINISHED)
            if int(match[1]) not in others:
                counts[match[2]] += 1
        elif resumed := RESUMED.match(line):
            line = begun.get(resumed[1], "") + resumed[2]
            match = LINE.match(line)
        if not match or int(match[1]) in others or not (result := RESULT.match(line)):
            continue
        if match[2] in known:
            counts.carried[match[2]] += int(result[1], 0)
        elif match[2] in ("mmap", "mremap", "mprotect"):
            _follow(line, int(result[1], 0), maps)
    for one in maps:
        for name in MAPS[: 1 + one.writable]:
            counts.mapped[name] += 1
            counts.carried.mapped[name] += one.size


def _follow(line: str, result: int, maps: list[Map]) -> None:
    """Note a mapping of a file, or that one has grown, or may be written to from now on."""
    if made := MAPPING.search(line):
        shared = "MAP_PRIVATE" not in made[3]
        maps.append(Map(result, int(made[1]), shared, shared and "PROT_WRITE" in made[2]))
    elif grown := GROWN.search(line):
        for one in maps:
            if one.start <= int(grown[1], 0) < one.start + one.size:
                one.start, one.size = result, max(one.size, int(grown[2]))
    elif (protected := PROTECTED.search(line)) and "PROT_WRITE" in protected[2]:
        for one in maps:
            one.writable |= one.shared and one.start <= int(protected[1], 0) < one.start + one.size
