"""What this machine is, as far as its system tells; what cannot be read is None, never a guess."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import llvmlite
import numba
import numpy as np

SYSTEM_CPUS = Path("/sys/devices/system/cpu")
CPUINFO = Path("/proc/cpuinfo")
# The limit of a container: cgroup v2, then v1.
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


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
    ways : int or None
        Lines of a set.
    """

    level: int
    kind: str
    bytes: int
    line: int | None
    shared: int | None
    ways: int | None = None


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


def describe() -> Machine:
    """Describe the machine, as far as it tells."""
    cpus = usable_cpus()
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


def usable_cpus() -> list[int]:
    """Return the numbers of the logical CPUs that this process may run on."""
    return (
        sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    )


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
            ways = _text(index / "ways_of_associativity")
            found.append(
                Cache(
                    level=int(level),
                    kind=kind,
                    bytes=_bytes(size),
                    line=int(line) if line else None,
                    shared=_cpus(shared) if shared else None,
                    ways=int(ways) if ways and ways != "0" else None,
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
