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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perflab.counters.absent import AbsentError
from perflab.counters.gauge import Block

ATTACH = 30.0  # seconds until strace must have attached, on a machine with much else to do
DETACH = 30.0  # seconds until it must be gone
PR_SET_PTRACER = 0x59616D61  # Yama: who may trace this process
STATUS = Path("/proc/self/status")
NO_STRACE = "There is no strace; on Debian and Ubuntu: apt-get install strace."
LINE = re.compile(r"^(\d+)\s+(\w+)\(")


class Calls(Counter[str]):
    """System calls by name; ``calls["read+write"]`` is how often one or the other was made."""

    def __missing__(self, names: str) -> int:
        """Return the sum over several names, and 0 for a call that was not made."""
        return sum(self[name] for name in names.split("+")) if "+" in names else 0


@contextmanager
def system_calls() -> Iterator[Block]:
    """Prepare to count the system calls of a block, by name: of its thread, and of those that it starts.

    Threads that were there before are left out: a notebook's kernel has some that are never quiet. strace stops
    the process at each call, so that a block with many of them lasts a hundred times as long.

    Raises
    ------
    AbsentError
        Without strace, or if it must not attach here.
    """
    if why := missing():
        raise AbsentError(why)
    others = {int(task) for task in os.listdir("/proc/self/task")} - {threading.get_native_id()}
    marks = [f"/perflab-{uuid.uuid4().hex}" for _ in range(2)]
    counts = Calls()
    with _traced([os.getpid()]) as lines:
        yield _marked(marks, counts)
    counts.update(_between(lines, marks, others))


@contextmanager
def traced(pids: list[int]) -> Iterator[Counter[str]]:
    """Count the system calls, by name, of other processes and of those that they start, while the block runs.

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
    counts.update(match[2] for line in lines if (match := LINE.match(line)))


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


def _between(lines: list[str], marks: list[str], others: set[int]) -> Counter[str]:
    """Count the calls between two marks, but for those of other threads; a call counts where it begins."""
    places = [next((i for i, line in enumerate(lines) if mark in line), None) for mark in marks]
    if None in places:  # also where the block was left before it began
        raise AbsentError("strace lost the beginning or the end of the block; count it again.")
    found = (LINE.match(line) for line in lines[places[0] + 1 : places[1]])
    return Counter(match[2] for match in found if match and int(match[1]) not in others)
