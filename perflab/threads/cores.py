"""Which cores threads are put on: first those that share nothing but memory and the last cache."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def allowed() -> list[int]:
    """Return the cores that this process may use, by the system's numbers."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@lru_cache
def halves(core: int) -> str:
    """Return what all halves of the core that `core` is one of have in common: their list, or its own number."""
    try:
        return Path(TOPOLOGY.format(core)).read_text().strip()
    except OSError:  # the system does not tell
        return str(core)


def spread(cores: Sequence[int]) -> list[int]:
    """Return cores in an order in which the second half of one comes after the first halves of all."""
    seen: list[str] = []
    ranks = []
    for core in cores:
        ranks.append(seen.count(halves(core)))
        seen.append(halves(core))
    return [core for _, core in sorted(zip(ranks, cores, strict=True))]
