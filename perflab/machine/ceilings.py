"""How fast memory streams and how many operations complete: the ceilings of one core, and of all together.

Both sides of a share of a ceiling must come from the same minutes: on a shared host the bandwidth that neighbors
leave over can change twofold within minutes. So measure afresh, with ``ceilings(fresh=True)``, or time `triad` in
turn with the loop.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from perflab import words
from perflab.machine import kernels as k
from perflab.machine import rates as r
from perflab.machine.description import Machine, describe
from perflab.machine.rates import Rate, rates
from perflab.machine.remember import remembered

ARITHMETIC = ("flops32", "flops64", "scalar")
NOISE = 0.85  # a rate that is lower than this share of another is lower for a reason
RATES = ("read", "write", "copy", "triad", *ARITHMETIC)


@dataclass(frozen=True, repr=False)
class Ceilings:
    """What one core reaches, or several together.

    Attributes
    ----------
    read, write, copy, triad : Rate
        Bytes a second of a sum over memory, of ``a[i] = s``, of ``a[i] = b[i]`` and of ``a[i] = b[i] + s * c[i]``,
        counting the bytes that really move: 8, 16, 24 and 32 an element, as a line is fetched before a write.
    flops32, flops64 : Rate
        Operations a second of fused multiply-adds in vector registers; each counts as two.
    scalar : Rate
        The same of float64, one number at a time.
    working_set : int
        Bytes that `read` and `write` sweep; the arrays of `copy` and of `triad` have as much together.
    cores : int
    """

    read: Rate
    write: Rate
    copy: Rate
    triad: Rate
    flops32: Rate
    flops64: Rate
    scalar: Rate
    working_set: int
    cores: int

    def slower_than(self, fewer: "Ceilings") -> bool:
        """Tell whether something is clearly slower than on fewer cores: other programs took part in measuring."""
        return any(getattr(self, name).best < NOISE * getattr(fewer, name).best for name in RATES)

    def __repr__(self) -> str:
        lines = [f"{'':<8}  best  quartiles, with {words.counted(self.cores, 'core')}"]
        for name in RATES:
            rate = getattr(self, name)
            low, high, best = (f"{value / 1e9:.1f}" for value in (rate.lower, rate.upper, rate.best))
            unit = "GFLOP/s" if name in ARITHMETIC else "GB/s"
            lines.append(f"{name:<8} {best:>5}  {low} to {high} {unit}")
        return "\n".join(lines)


def ceilings(*, cores: int = 1, fresh: bool = False) -> Ceilings:
    """Return what one core reaches, or several: measured once, then remembered on disk.

    Takes two to three seconds. The arrays hold twelve times the largest cache together, but at most 512 MB and a
    quarter of the memory. Times of one core are CPU time of this thread, so that a core shared with other programs
    still counts as one core; those of several are elapsed time. The kernels take turns.

    Parameters
    ----------
    cores : int
        How many threads run at once; each has arrays of its own.
    fresh : bool
        Measure even if the result is remembered. It is remembered in ``$XDG_CACHE_HOME/perflab`` (by default
        ``~/.cache/perflab``), for this machine, these versions and these modules' content.

    Returns
    -------
    Ceilings

    Raises
    ------
    ValueError
        If this process may not use so many cores.

    References
    ----------
    McCalpin, J. D.: Memory Bandwidth and Machine Balance in Current High Performance Computers, 1995 (STREAM).
    """
    machine = describe()
    if not 1 <= cores <= machine.cores:
        raise ValueError(f"cores: 1 to {machine.cores}, which this process may use; got {cores}")
    return remembered(
        f"ceilings-{cores}",
        machine,
        [__file__, k.__file__, r.__file__],
        lambda: _measure(_working_set(machine), cores),
        _from_json,
        fresh,
    )


def _measure(working_set: int, cores: int) -> Ceilings:
    work = [_kernels(working_set // cores) for _ in range(cores)]
    if cores == 1:
        return Ceilings(**rates(work[0]), working_set=working_set // 8 * 8, cores=1)
    with ThreadPoolExecutor(cores) as pool:
        together = {
            name: (partial(_side_by_side, pool, [one[name][0] for one in work]), cores * amount)
            for name, (_, amount) in work[0].items()
        }
        found = rates(together, seconds_of=lambda run: run())
    return Ceilings(**found, working_set=working_set // 8 * 8, cores=cores)


def _side_by_side(pool: ThreadPoolExecutor, runs: list[Callable[[], object]]) -> float:
    """Run on one thread each, all at once; return the seconds from the first start to the last end."""
    barrier = threading.Barrier(len(runs))

    def one(run: Callable[[], object]) -> tuple[float, float]:
        barrier.wait()
        start = time.perf_counter()
        run()
        return start, time.perf_counter()

    times = list(pool.map(one, runs))
    return max(end for _, end in times) - min(start for start, _ in times)


def _kernels(working_set: int) -> dict[str, tuple[Callable[[], object], float]]:
    """Return the kernels of one core with their own arrays, each with the amount of work of a call."""
    block = np.ones(working_set // 8)
    half, other = np.split(block[: block.size // 2 * 2], 2)
    a, b, c = np.split(block[: block.size // 3 * 3], 3)
    x32, x64 = np.ones((k.CHAINS, 256), np.float32), np.ones((k.CHAINS, 256))
    times, scalar_times = 20_000, 2_000_000
    flops = 2.0 * k.DEPTH * times * x64.size
    few = (1.0,) * k.SCALAR_CHAINS
    # An attenuation below 1 keeps the values between 0 and 1: no overflow, no slow subnormal numbers.
    return {
        "read": (lambda: k.read(block), float(k.READ_BYTES * block.size)),
        "write": (lambda: k.write(block, 1.0), float(k.WRITE_BYTES * block.size)),
        "copy": (lambda: k.copy(half, other), float(k.COPY_BYTES * half.size)),
        "triad": (lambda: k.triad(a, b, c, 0.5), float(k.TRIAD_BYTES * a.size)),
        "flops32": (lambda: k.fma(x32, np.float32(0.9), np.float32(0.1), times), flops),
        "flops64": (lambda: k.fma(x64, 0.9, 0.1, times), flops),
        "scalar": (lambda: k.scalar_fma(few, 0.9, 0.1, scalar_times), 2.0 * k.SCALAR_CHAINS * scalar_times),
    }


def _working_set(machine: Machine) -> int:
    largest = max((cache.bytes for cache in machine.caches), default=32 << 20)
    wanted = min(max(12 * largest, 96 << 20), 512 * 10**6)
    return wanted if machine.memory is None else min(wanted, machine.memory // 4)


def _from_json(values: dict[str, Any]) -> Ceilings:
    measured = {name: Rate(**values.pop(name)) for name in RATES}
    return Ceilings(**measured, working_set=int(values["working_set"]), cores=int(values["cores"]))
