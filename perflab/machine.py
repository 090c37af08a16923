"""What this machine is, and what one of its cores can do.

`describe` reads; what cannot be read is None, never a guess. `ceilings` measures: how fast one core streams memory
and how many floating-point operations a second it completes, so that a chapter can say which share of what is
possible a loop has reached. Both sides of such a share must come from the same minutes: on a shared host the
bandwidth that neighbors leave over can change twofold within minutes. So measure afresh, with
``ceilings(fresh=True)``, or time `triad` in turn with the loop.
"""

import hashlib
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba import njit

SYSTEM_CPUS = Path("/sys/devices/system/cpu")
CPUINFO = Path("/proc/cpuinfo")
# The limit of a container: cgroup v2, then v1.
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

READ_BYTES = 8  # moved for each element of `read`
TRIAD_BYTES = 32  # moved for each element of `triad`: two are read, one is fetched to be written, and written back
CHAINS, DEPTH = 4, 8  # of `fma`: enough to hide its latency; deeper, and LLVM no longer unrolls
# CPU time leaves out what other programs take from the core; the thread's own also leaves out what waiting threads
# of a BLAS burn in this one. Where that clock only ticks, elapsed time must do.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-4 else time.perf_counter
ROUNDS, SECONDS = (5, 25), 2.0  # fewest and most repetitions of each kernel, and when to stop between them


@dataclass(frozen=True)
class Cache:
    """One cache of a core.

    Attributes
    ----------
    level : int
    kind : str
        "Data", "Instruction" or "Unified".
    bytes : int
    line : int or None
        Bytes of a line.
    shared : int or None
        How many logical CPUs share it.
    """

    level: int
    kind: str
    bytes: int
    line: int | None
    shared: int | None


@dataclass(frozen=True)
class Machine:
    """What is known about the machine; None where it is not.

    Attributes
    ----------
    cpu : str or None
        Model name.
    cores : int
        Logical CPUs that this process may run on.
    caches : tuple of Cache
        Of the first of these CPUs; empty if the system does not tell.
    memory : int or None
        Bytes of main memory, or of the container's limit where that is lower.
    virtual : bool or None
        Whether it is a virtual machine.
    system, architecture : str
        Operating system with its release; instruction set.
    python, numpy, numba, llvmlite : str
        Versions.
    """

    cpu: str | None
    cores: int
    caches: tuple[Cache, ...]
    memory: int | None
    virtual: bool | None
    system: str
    architecture: str
    python: str
    numpy: str
    numba: str
    llvmlite: str


@dataclass(frozen=True)
class Rate:
    """Something a second, measured several times.

    Attributes
    ----------
    best : float
        The ceiling: noise only ever takes away.
    lower, median, upper : float
        Quartiles: how steady the machine was.
    """

    best: float
    lower: float
    median: float
    upper: float

    def __post_init__(self) -> None:
        if not 0 < self.lower <= self.median <= self.upper <= self.best < math.inf:
            raise ValueError(f"not the quartiles and the best of positive rates: {self}")

    def share(self, amount: float, seconds: float) -> float:
        """Return which share of the best rate `amount` in `seconds` is (seconds: the best of several runs)."""
        return amount / seconds / self.best


@dataclass(frozen=True)
class Ceilings:
    """What one core reaches.

    Attributes
    ----------
    read : Rate
        Bytes a second of a sum over memory.
    triad : Rate
        Bytes a second of ``a[i] = b[i] + s * c[i]``, counting the 32 bytes an element that really move: a line is
        fetched before it is written. (STREAM leaves that fetch out and counts 24.)
    flops32, flops64 : Rate
        Operations a second of fused multiply-adds in vector registers; each counts as two.
    working_set : int
        Bytes that `read` sweeps; each of the triad's arrays is a third of them.
    """

    read: Rate
    triad: Rate
    flops32: Rate
    flops64: Rate
    working_set: int


def describe() -> Machine:
    """Describe the machine, as far as it tells."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    info = _cpuinfo()
    return Machine(
        cpu=info.get("model name") or platform.processor() or None,
        cores=len(cpus),
        caches=_caches(SYSTEM_CPUS / f"cpu{cpus[0]}" / "cache"),
        memory=_memory(),
        virtual="hypervisor" in info["flags"].split() if "flags" in info else None,
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        python=platform.python_version(),
        numpy=np.__version__,
        numba=numba.__version__,
        llvmlite=llvmlite.__version__,
    )


def ceilings(*, fresh: bool = False) -> Ceilings:
    """Return what one core reaches: measured once, then remembered on disk.

    Takes one to three seconds. The arrays hold twelve times the largest cache together, but at most 512 MB and a
    quarter of the memory. Times are CPU time of this thread, so that a core shared with other programs still
    counts as one core; the kernels take turns.

    Parameters
    ----------
    fresh : bool
        Measure even if the result is remembered. It is remembered in ``$XDG_CACHE_HOME/perflab`` (by default
        ``~/.cache/perflab``), for this machine, these versions and this module's content.

    References
    ----------
    J. D. McCalpin, Memory Bandwidth and Machine Balance in Current High Performance Computers, 1995 (STREAM).
    """
    machine = describe()
    if not fresh:
        # Whatever is wrong with the file, measuring again repairs it.
        with suppress(OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError):
            return _from_json(_cache_file(machine).read_text())
    measured = _measure(_working_set(machine))
    with suppress(OSError, RuntimeError):  # a disk that cannot be written costs the next call a second, no more
        _write(_cache_file(machine), json.dumps(asdict(measured), indent=1))
    return measured


# Kernels. Subscripts count up from 0, so LLVM knows that none wraps around; only the sum needs leave to reorder.


@njit(fastmath={"reassoc", "nsz"}, nogil=True)
def read(a):
    """Return the sum of `a` (float64, 1-D), read as four streams at once: `READ_BYTES` an element.

    One stream reaches a few per cent less on some processors, as each stream has a prefetcher of its own.
    """
    n = a.size // 4
    p, q, r, s, rest = a[:n], a[n : 2 * n], a[2 * n : 3 * n], a[3 * n : 4 * n], a[4 * n :]
    total = 0.0
    for i in range(n):
        total += (p[i] + q[i]) + (r[i] + s[i])
    for i in range(rest.size):
        total += rest[i]
    return total


@njit(nogil=True)
def triad(a, b, c, s):
    """Set ``a[i] = b[i] + s * c[i]`` (float64, 1-D, equally long): `TRIAD_BYTES` an element."""
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


@njit(fastmath={"contract"}, nogil=True)
def fma(x, a, b, times):
    """Apply ``x = x * a + b`` `DEPTH` x `times` times to every element of `x` (4 rows, in place).

    The rows are independent chains of fused multiply-adds; each value is loaded once for `DEPTH` of them.
    """
    x0, x1, x2, x3 = x[0], x[1], x[2], x[3]
    for _ in range(times):
        for i in range(x.shape[1]):
            p, q, r, s = x0[i], x1[i], x2[i], x3[i]
            for _ in range(DEPTH):
                p = p * a + b
                q = q * a + b
                r = r * a + b
                s = s * a + b
            x0[i], x1[i], x2[i], x3[i] = p, q, r, s


def _measure(working_set: int) -> Ceilings:
    block = np.ones(working_set // 8)
    a, b, c = np.split(block[: block.size // 3 * 3], 3)
    x32, x64 = np.ones((CHAINS, 256), np.float32), np.ones((CHAINS, 256))
    times = 20_000
    flops = 2.0 * DEPTH * times * x64.size
    # An attenuation below 1 keeps the values between 0 and 1: no overflow, no slow subnormal numbers.
    kernels: dict[str, tuple[Callable[[], object], float]] = {
        "read": (lambda: read(block), float(READ_BYTES * block.size)),
        "triad": (lambda: triad(a, b, c, 0.5), float(TRIAD_BYTES * a.size)),
        "flops32": (lambda: fma(x32, np.float32(0.9), np.float32(0.1), times), flops),
        "flops64": (lambda: fma(x64, 0.9, 0.1, times), flops),
    }
    return Ceilings(**_rates(kernels), working_set=block.nbytes)


def _rates(kernels: dict[str, tuple[Callable[[], object], float]]) -> dict[str, Rate]:
    """Time kernels in turn; each comes with the amount of work of one call."""
    for run, _ in kernels.values():
        run()  # compiles
    rates: dict[str, list[float]] = {name: [] for name in kernels}
    stop = time.perf_counter() + SECONDS
    for done in range(ROUNDS[1]):
        if done >= ROUNDS[0] and time.perf_counter() > stop:
            break
        for name, (run, amount) in kernels.items():
            start = CLOCK()
            run()
            rates[name].append(amount / (CLOCK() - start))
    return {
        name: Rate(max(values), *(float(q) for q in np.quantile(values, [0.25, 0.5, 0.75])))
        for name, values in rates.items()
    }


def _working_set(machine: Machine) -> int:
    largest = max((cache.bytes for cache in machine.caches), default=32 << 20)
    wanted = min(max(12 * largest, 96 << 20), 512 * 10**6)
    return wanted if machine.memory is None else min(wanted, machine.memory // 4)


def _cache_file(machine: Machine) -> Path:
    # The node's name tells apart machines that share a home; the CPU name is what Numba compiles for.
    parts = (repr(machine), platform.node(), repr(numba.config.CPU_NAME), Path(__file__).read_text())
    fingerprint = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return home / "perflab" / f"machine-{fingerprint}.json"


def _from_json(text: str) -> Ceilings:
    values = json.loads(text)
    rates = {name: Rate(**values.pop(name)) for name in ("read", "triad", "flops32", "flops64")}
    return Ceilings(**rates, working_set=int(values["working_set"]))


def _write(path: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise


def _cpuinfo() -> dict[str, str]:
    """Return the first processor's entries of /proc/cpuinfo."""
    text = _text(CPUINFO) or ""
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _caches(folder: Path) -> tuple[Cache, ...]:
    found = []
    for index in sorted(folder.glob("index[0-9]*")):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        if level and kind and size:
            line, shared = _text(index / "coherency_line_size"), _text(index / "shared_cpu_list")
            found.append(
                Cache(
                    int(level), kind, _bytes(size), int(line) if line else None, _cpus(shared) if shared else None
                )
            )
    return tuple(found)


def _bytes(size: str) -> int:
    """Read a size as Linux writes it: 48K, 32M or plain bytes."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(size[-1], 1)
    return int(size.rstrip("KMG")) * factor


def _cpus(text: str) -> int:
    """Count the CPUs of a list such as 0-3,8."""
    bounds = [part.split("-") for part in text.split(",")]
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in bounds)


def _memory() -> int | None:
    sizes = [int(limit) for limit in map(_text, MEMORY_LIMITS) if limit and limit.isdigit()]
    with suppress(AttributeError, ValueError, OSError):  # no such question on this system
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(sizes, default=None)


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
