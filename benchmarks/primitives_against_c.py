"""Atomics in Numba against C11 atomics, single-threaded and interleaved.

Both sides do the same with the same memory orders on the same arrays, in turn; ours checks each index and each
address besides. Asked for, with -O3 -march=native: no kernel under 0.9, C time over ours. One thread, because
two on shared cores measure the machine and not the code.
"""

import ctypes
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from numba_against_c import check_equal, race, versions
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import atomics, hints, machine

SOURCE = Path(__file__).with_suffix("") / "kernels.c"
FLAGS = ["-O3", "-march=native"]
HEAD, TAIL = 0, 8  # on cache lines of their own
TIMES = 100_000
SLOTS = 64  # a power of two


@njit
def compare_exchange(a, n):
    done, start = 0, atomics.load(a, 0, "relaxed")
    for i in range(start, start + n):
        done += atomics.compare_exchange(a, 0, i, i + 1)
    return done


@njit
def fetch_add(a, n):
    total = 0
    for i in range(n):
        total += atomics.fetch_add(a, i & 7, i)
    return total


@njit
def push(ends, slots, value):
    tail = atomics.load(ends, TAIL, "relaxed")
    if tail - atomics.load(ends, HEAD, "acquire") == slots.size:
        return False
    slots[np.uintp(tail & (slots.size - 1))] = value
    atomics.store(ends, TAIL, tail + 1, "release")
    return True


@njit
def pop(ends, slots):
    head = atomics.load(ends, HEAD, "relaxed")
    if head == atomics.load(ends, TAIL, "acquire"):
        return False, 0
    value = slots[np.uintp(head & (slots.size - 1))]
    atomics.store(ends, HEAD, head + 1, "release")
    return True, value


@njit
def transfer(ends, slots, n):
    sent = total = 0
    while sent < n:
        while sent < n and push(ends, slots, sent):
            sent += 1
        more = True
        while more:
            more, value = pop(ends, slots)
            total += value
    return total


@njit
def hand_over(ends, slots, n):
    total = 0
    for i in range(n):
        push(ends, slots, i)
        _, value = pop(ends, slots)
        total += value
    return total


def _zeros(n: int) -> np.ndarray:
    new = hints.empty(n, np.int64)
    new[:] = 0
    return new


# For each kernel: the function, a maker of its arguments, and what is done in words.
KERNELS: dict[str, tuple[Callable, Callable, str]] = {
    "compare_exchange": (compare_exchange, lambda rng: (_zeros(1), TIMES), "compare and exchange"),
    "fetch_add": (fetch_add, lambda rng: (_zeros(8), TIMES), "fetch and add"),
    "transfer": (transfer, lambda rng: (_zeros(16), _zeros(SLOTS), TIMES), "SPSC queue, filled and emptied"),
    "hand_over": (hand_over, lambda rng: (_zeros(16), _zeros(SLOTS), TIMES), "SPSC queue, one at a time"),
}


def compile_c(folder: Path) -> ctypes.CDLL:
    """Compile the C side."""
    target = folder / "kernels.so"
    subprocess.run(["gcc", *FLAGS, "-shared", "-fPIC", "-o", target, SOURCE], check=True)
    return ctypes.CDLL(str(target))


def c_function(library: ctypes.CDLL, kernel: str) -> Callable[[tuple], Callable[[], int]]:
    """Return a function that binds arguments to a C kernel; C gets the number of slots besides."""
    function = library[kernel]
    function.restype = ctypes.c_int64

    def bind(args: tuple) -> Callable[[], int]:
        arrays = [ctypes.c_void_p(array.ctypes.data) for array in args[:-1]]
        numbers = [ctypes.c_int64(args[-1]), *([ctypes.c_int64(args[1].size)] if len(arrays) > 1 else [])]
        return lambda: function(*arrays, *numbers)

    return bind


def measure(kernel: str, library: ctypes.CDLL) -> dict[str, object]:
    """Return a kernel's row: nanoseconds an operation, the ratio of C over ours, and its interval."""
    fn, make, what = KERNELS[kernel]
    bind = c_function(library, kernel)
    check_equal(fn, make, bind)
    pairs = race(fn, make, bind)
    return {
        "what": what,
        "ns": float(np.median(pairs.candidate)) / TIMES * 1e9,
        "c_ns": float(np.median(pairs.baseline)) / TIMES * 1e9,
        "ratio": pairs.interval.median,
        "interval": [pairs.interval.low, pairs.interval.high],
        "pairs": len(pairs.ratios),
    }


def main() -> None:
    """Measure all kernels, print the table, and write it as JSON."""
    out = Console()
    if shutil.which("gcc") is None:
        out.print("No gcc here, so nothing was compared. On Debian and Ubuntu: apt-get install gcc libc6-dev")
        return
    table = Table("kernel", "ours ns", "C ns", "C / ours", "99 % interval", title="Atomics in Numba against C11")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        library = compile_c(Path(folder))
        for kernel in track(KERNELS, console=Console(stderr=True)):
            row = found[kernel] = measure(kernel, library)
            bounds = "{:.2f} to {:.2f}".format(*row["interval"])
            table.add_row(row["what"], f"{row['ns']:.2f}", f"{row['c_ns']:.2f}", f"{row['ratio']:.2f}", bounds)
    out.print(table)
    compilers = versions()
    for name, version in compilers.items():
        out.print(f"{name} {version}; {' '.join(FLAGS) if name == 'gcc' else 'default options'}", soft_wrap=True)
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe().cpu, "compilers": compilers, "flags": FLAGS, "kernels": found}
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
