"""What disturbed a measurement, in words: switches, stolen time, a frequency that moved, calls too short."""

import resource
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perflab import words
from perflab.timing.pairs import Pairs

SWITCHES_A_SECOND = 20  # involuntary ones; a quiet machine has a few
SWITCHES = 10  # fewer say nothing
STOLEN = 0.01  # of all processors' time, by the hypervisor
FREQUENCY = 0.05  # relative change
SHORT = 2e-5  # seconds: below, the clock and the call itself are a per cent of what is measured, or more


@dataclass(frozen=True)
class Snapshot:
    """The counters behind `disturbances`, at one moment; None where the system does not tell."""

    seconds: float
    switches: int
    ticks: tuple[int, int] | None
    frequency: float | None


def snapshot() -> Snapshot:
    """Read the counters."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Snapshot(time.monotonic(), usage.ru_nivcsw, _ticks(), _frequency())


def disturbances(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Say what happened between two snapshots that a measurement should not have to bear."""
    said = []
    seconds = max(after.seconds - before.seconds, 1e-9)
    switches = after.switches - before.switches
    if switches >= SWITCHES and switches / seconds > SWITCHES_A_SECOND:
        # The kernel does not say who: threads of this very process take it from one another as well.
        said.append(
            f"Other programs, or other threads of this one, took the core away {switches} times in "
            f"{seconds:.1f} s; close what you can."
        )
    if before.ticks and after.ticks:
        total, stolen = (b - a for a, b in zip(before.ticks, after.ticks, strict=True))
        if total > 0 and stolen / total > STOLEN:
            said.append(f"The host gave {stolen / total:.0%} of the processors' time to its other guests.")
    if before.frequency and after.frequency and abs(after.frequency / before.frequency - 1) > FREQUENCY:
        said.append(f"The clock rate went from {before.frequency / 1e6:.1f} to {after.frequency / 1e6:.1f} GHz.")
    return tuple(said)


def too_short(pairs: Pairs) -> tuple[str, ...]:
    """Say so if even the slower side is over too soon for its time to be its own."""
    longest = max(float(np.median(side)) for side in (pairs.baseline, pairs.candidate))
    if longest >= SHORT:
        return ()
    return (
        f"Even the slower side lasts {words.duration(longest)} only; make an input that takes it 2 ms or more.",
    )


def _ticks() -> tuple[int, int] | None:
    """Return all ticks of all processors so far, and those that the hypervisor stole."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        ticks = [int(field) for field in fields[:8]]
    except (OSError, ValueError, IndexError):
        return None
    return (sum(ticks), ticks[7]) if len(ticks) == 8 else None


def _frequency() -> float | None:
    """Return the clock rate of the first core in kHz, where the system shows it."""
    try:
        return float(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").read_text())
    except (OSError, ValueError):
        return None
