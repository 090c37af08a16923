"""What this machine can and cannot measure, and what to do about it."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perflab import counters
from perflab.codegen import CodegenError, inspect
from perflab.machine.description import describe
from perflab.machine.kernels import read
from perflab.timing import compare

FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
TICK = 1e-6  # seconds: a clock that is coarser cannot time a kernel of milliseconds
NOISE = 1.2  # a function against itself may be off by this factor at most


@dataclass(frozen=True)
class Ability:
    """One thing that a machine can or cannot measure.

    Attributes
    ----------
    what : str
    works : bool
    note : str
        What was found, or what to do about it.
    """

    what: str
    works: bool
    note: str


def abilities() -> tuple[Ability, ...]:
    """Try what the course measures with; takes some seconds."""
    return (_cores(), _clock(), _noise(), _code(), *_counts(), _frequency(), _huge_pages(), _c_compiler())


def _cores() -> Ability:
    machine = describe()
    if machine.cores < 2:
        note = "One core: threads take turns. Give the virtual machine or the container a second one."
        return Ability("threads side by side", False, note)
    where = "virtual: the host may take them away" if machine.virtual else "of a physical machine"
    if machine.virtual is None:
        where = "it is not known whether the machine is virtual"
    return Ability("threads side by side", True, f"{machine.cores} cores; {where}")


def _clock() -> Ability:
    tick = time.get_clock_info("thread_time").resolution
    ok = tick <= TICK
    note = f"resolution {tick:.0e} s"
    return Ability(
        "CPU time", ok, note if ok else f"{note}: too coarse; use clock='wall' and close other programs"
    )


def _noise() -> Ability:
    """Compare a kernel with itself, which shows how far from 1 an answer can be."""
    found = compare(read, read, lambda rng: (rng.random(500_000),), budget=2.0)
    ok = found.high < NOISE and found.low > 1 / NOISE
    note = f"a function against itself: {found.low:.2f} to {found.high:.2f}"
    return Ability("small differences in time", ok, note if ok else f"{note}; close other programs, or count")


def _code() -> Ability:
    try:
        inspect(read, (np.ones(4),))
    except CodegenError as error:
        return Ability("generated code", False, f"{error}; read the book's listings instead")
    return Ability("generated code", True, "")


def _counts() -> list[Ability]:
    return [Ability(what, why is None, why or "") for what, why in counters.available().items()]


def _frequency() -> Ability:
    shown = FREQUENCY.exists()
    note = (
        "" if shown else "Not shown here, as in most virtual machines: compare side by side, never across minutes."
    )
    return Ability("clock rate", shown, note)


def _huge_pages() -> Ability:
    try:
        chosen = HUGE_PAGES.read_text().partition("[")[2].partition("]")[0]
    except OSError:
        return Ability("huge pages", False, "This system does not say; exercises count page faults instead.")
    ok = chosen in ("always", "madvise")
    return Ability("huge pages", ok, chosen if ok else "Off: as root, write madvise to the file that says so.")


def _c_compiler() -> Ability:
    found = shutil.which("gcc") is not None
    return Ability("C for comparison", found, "" if found else "No gcc; on Debian and Ubuntu: apt-get install gcc")
