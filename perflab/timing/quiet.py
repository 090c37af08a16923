"""Wait until other programs leave the cores alone."""

import os
import time
from pathlib import Path

LOOK_EVERY = 0.25  # seconds: twenty-five ticks of the kernel's books, enough to tell a busy core from an idle one
FREE = 1.5  # cores that nobody uses: one to measure on, and half of one for what any system does


def wait_for_quiet(seconds: float) -> None:
    """Sleep until a core is free beside a little that always runs, for so many seconds at most.

    Where Linux's books of the cores cannot be read there is nothing to wait for.
    """
    end = time.monotonic() + seconds
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    before = _idle_ticks(cores)
    while before and time.monotonic() < end:
        time.sleep(LOOK_EVERY)
        after = _idle_ticks(cores)
        idle = sum(shares(before, after))
        if idle >= min(FREE, len(before) - 0.5):
            return
        before = after


def shares(before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]]) -> list[float]:
    """Return which share of its time each core was idle, from 0 to 1; `before` and `after` as the kernel counts.

    Parameters
    ----------
    before, after : dict
        By core: ticks that it was idle, and all ticks.
    """
    found = []
    for core, (idle, total) in after.items():
        passed = total - before.get(core, (0, total))[1]
        found.append((idle - before[core][0]) / passed if passed > 0 else 1.0)
    return found


def _idle_ticks(cores: set[int]) -> dict[int, tuple[int, int]]:
    """Return idle and all ticks of each of the cores; nothing where they cannot be read."""
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, *ticks = line.split() or [""]
        number = name.removeprefix("cpu")
        if number.isdigit() and name != number and int(number) in cores:
            user, nice, system, idle, iowait, *others = map(int, ticks[:8])
            found[int(number)] = idle + iowait, user + nice + system + idle + iowait + sum(others)
    return found
