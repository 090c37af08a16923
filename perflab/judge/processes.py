"""Stop, resume and clock all processes of a sandbox from outside."""

import contextlib
import os
import signal
import time
from pathlib import Path

SETTLE = 2.0  # seconds until all processes of a sandbox must have stopped


def tree(pid: int) -> list[int]:
    """Return `pid` and all processes below it."""
    found, queue = [], [pid]
    while queue:
        one = queue.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                queue += map(int, Path(f"/proc/{one}/task/{task}/children").read_text().split())
    return found


def stop(pid: int) -> list[int]:
    """Stop a process and all below it; return them.

    Raises
    ------
    TimeoutError
        If one does not stop: then nothing that it does can be trusted.
    """
    stopped: set[int] = set()
    deadline = time.monotonic() + SETTLE
    while True:
        # A process that was not stopped yet may have started another one.
        found = [one for one in tree(pid) if one not in stopped]
        if not found:
            return sorted(stopped)
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
        while not all(_is_still(one) for one in found):
            if time.monotonic() > deadline:
                raise TimeoutError("a process of the sandbox does not stop")
        stopped.update(found)


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
    for task in tasks:
        try:
            state = Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "TtZX":
            return False
    return True


def kill(pid: int) -> None:
    """Kill a process and all below it."""
    for one in tree(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one, signal.SIGKILL)
