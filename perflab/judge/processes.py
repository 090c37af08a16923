"""Stop, resume and clock all processes of a sandbox from outside."""

import contextlib
import os
import signal
import time
from pathlib import Path

# Seconds until the next look at a process that is to stop: twice as long each time. On one core it has to run once
# more before it stops, and who waits busily, or wakes up all the time, keeps it from that. With both cores busy,
# and a look every 20 us, Linux 6.18 let it wait for seconds.
PAUSE, LONGEST = 2e-5, 5e-3
MOST = 1 << 16  # bytes of such a file
SETTLE = 2.0  # seconds until all processes of a sandbox must have stopped


def tree(*roots: int) -> list[int]:
    """Return some processes and all below them."""
    found, queue = [], list(roots)
    while queue:
        one = queue.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                queue += map(int, _read(f"/proc/{one}/task/{task}/children").split())
    return found


def tasks_of(user: int) -> int:
    """Return how many threads the processes of a user have."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == user:
                pids.append(int(folder.name))
    return tasks(pids)


def tasks(pids: list[int]) -> int:
    """Return how many threads processes have."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{pid}/task"))
    return total


def stop(*roots: int) -> list[int]:
    """Stop some processes and all below them; return them all. The first one's namespace has no others.

    Raises
    ------
    TimeoutError
        If one does not stop: then nothing that it does can be trusted.
    """
    stopped: set[int] = set()
    deadline = time.monotonic() + SETTLE
    while True:
        # A process that was not stopped yet may have started another one.
        there = tree(*roots)
        found = [one for one in there if one not in stopped]
        if not found and inside(roots[0]) <= len(there):
            return sorted(there)
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
        pause = PAUSE
        while not all(_is_still(one) for one in found):
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
            if time.monotonic() > deadline:
                raise TimeoutError("a process of the sandbox does not stop")
        if time.monotonic() > deadline:
            raise TimeoutError("processes of the sandbox start faster than they can be stopped")
        stopped.update(found)


def inside(pid: int) -> int:
    """Return how many processes a sandbox sees in itself; 0 if it has no view of its own.

    A walk from parents to children misses one whose parent is killed at the right moment; this does not.
    """
    with contextlib.suppress(OSError):
        if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid"):
            return sum(name.isdecimal() for name in os.listdir(f"/proc/{pid}/root/proc"))
    return 0


def newest() -> str:
    """Return the number of the process or thread that was started last, in a sandbox or beside it."""
    return _read("/proc/loadavg").split()[-1].decode()


def resume(pids: list[int]) -> None:
    """Let stopped processes go on."""
    for one in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGCONT)


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes so far, all their threads together, to the nanosecond."""
    total = 0.0
    for one in pids:
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~one << 3 | 2)  # the CPU-time clock of another process
    return total


def _is_still(pid: int) -> bool:
    """Tell whether every thread of a process has stopped, or is gone."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return True
    return all(_state(f"/proc/{pid}/task/{task}/stat") in "TtZX" for task in tasks)


def _state(path: str) -> str:
    """Return the letter of a process's or thread's state; that of a dead one if it is gone."""
    try:
        return _read(path).rpartition(b")")[2].split()[0].decode()
    except OSError:
        return "X"


def _read(path: str) -> bytes:
    """Return a small file of /proc: some dozen a call of a student's function, so nothing around the two calls."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, MOST)
    finally:
        os.close(file)


def gone(pid: int) -> None:
    """Wait until a killed process and all below it are gone, for a while at most."""
    deadline = time.monotonic() + SETTLE
    while time.monotonic() < deadline and _state(f"/proc/{pid}/stat") not in "ZX":
        time.sleep(0.001)


def kill(*roots: int) -> None:
    """Kill some processes and all below them."""
    for one in tree(*roots):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)
