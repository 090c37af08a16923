"""How fast caches are simulated: traces, instrumented functions, against pycachesim; and the memory it takes.

Asked for: at least 100 million accesses a second replayed; at most 30 ns an access instrumented; both against
pycachesim on the same trace; less than 1 GiB at the peak of a replay of 100 million accesses, streamed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit
from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.models.cache import L1, TEACHING, Hierarchy, Level, replay, simulate

ACCESSES = 6_000_000
PEER_ACCESSES = 300_000
STREAMED = 100_000_000
REPEATS = 3
HIERARCHIES = {
    "L1": L1,
    "L1, plru": Hierarchy((Level("L1", 32 << 10, 8, policy="plru"),)),
    "L1, fifo": Hierarchy((Level("L1", 32 << 10, 8, policy="fifo"),)),
    "L1 L2": Hierarchy(TEACHING.levels[:2]),
    "L1 L2 L3": Hierarchy(TEACHING.levels),
    "L1 L2 L3 TLB": TEACHING,
}


def traces(n: int) -> dict[str, np.ndarray]:
    """Return addresses of reads, by what makes them."""
    rng = np.random.default_rng(0)
    i = np.arange(n)
    side = 128
    row, column, k = (axis.ravel() for axis in np.indices((side, side, side)))
    product = np.stack([8 * (row * side + k), (1 << 20) + 8 * (k * side + column)], axis=-1).ravel()
    return {
        "one array in order": 8 * i % (64 << 20),
        "three arrays in order": i % 3 * (64 << 20) + i // 3 * 8,
        "matrix product, 128 x 128": np.resize(product, n),
        "random in 24 KiB": rng.integers(0, 24 << 10, n),
        "random in 64 MiB": rng.integers(0, 64 << 20, n),
    }


@njit
def product(a, b, c):
    """Multiply matrices, the textbook's loops."""
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            acc = 0.0
            for k in range(a.shape[1]):
                acc += a[i, k] * b[k, j]
            c[i, j] = acc


@njit
def triad(a, b, c):
    """Add a multiple of an array to another one."""
    for i in range(a.size):
        a[i] = b[i] + 3.0 * c[i]


@njit
def gather(a, index, out):
    """Read in an order that an array tells."""
    for i in range(index.size):
        out[i] = a[index[i]]


def kernels() -> dict[str, tuple[Callable[..., None], tuple[np.ndarray, ...]]]:
    """Return functions and their arguments."""
    rng = np.random.default_rng(1)
    n = 1_000_000
    return {
        "matrix product, 128 x 128": (product, tuple(rng.random((128, 128)) for _ in range(3))),
        "triad": (triad, tuple(np.ones(n) for _ in range(3))),
        "gather from 8 MB": (gather, (np.ones(n), rng.integers(0, n, n), np.zeros(n))),
    }


def seconds(run: Callable[[], object]) -> float:
    """Return the median of the CPU time of some runs, the first of which compiles and does not count."""
    run()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def peer(trace: np.ndarray) -> float | None:
    """Return nanoseconds that pycachesim takes for a read, three levels deep, or None where it is missing."""
    try:
        from cachesim import Cache, MainMemory
    except ImportError:
        return None
    below = None
    levels = []
    for level in reversed(TEACHING.levels):
        below = Cache(level.name, level.sets, level.ways, 64, "LRU", load_from=below, store_to=below)
        levels.append(below)
    memory = MainMemory()
    memory.load_to(levels[0])
    memory.store_from(levels[0])
    addresses = trace.tolist()
    start = time.process_time()
    levels[-1].backend.iterload(addresses)
    taken = time.process_time() - start
    ours = replay(trace, Hierarchy(TEACHING.levels), size=1)
    assert [level.backend.MISS_count for level in reversed(levels)] == [level.misses for level in ours.levels]
    return taken / len(addresses) * 1e9


def stream() -> None:
    """Replay many accesses that are never in memory at once; print the peak of this process in bytes."""
    piece = 1 << 20
    totals = replay(
        (8 * np.arange(at, min(at + piece, STREAMED)) % (1 << 30) for at in range(0, STREAMED, piece)), TEACHING
    )
    assert totals.accesses == STREAMED
    # Not getrusage: its peak is that of the process which started this one, if that was larger.
    rows = Path("/proc/self/status").read_text().splitlines()
    print(1024 * int(next(row for row in rows if row.startswith("VmHWM")).split()[1]))


def main() -> None:
    """Measure, print the tables, and write them as JSON."""
    out = Console(width=120)
    given = traces(ACCESSES)
    rates: dict[str, dict[str, float]] = {}
    peers: dict[str, float | None] = {}
    for name, trace in given.items():
        rates[name] = {
            label: ACCESSES / seconds(lambda trace=trace, h=h: replay(trace, h)) / 1e6
            for label, h in HIERARCHIES.items()
        }
        peers[name] = peer(trace[:PEER_ACCESSES])
    table = Table("million accesses a second", *HIERARCHIES, "pycachesim, 3 levels", title="Replayed")
    for name, by_hierarchy in rates.items():
        other = f"{1e3 / peers[name]:.1f}" if peers[name] else "not installed"
        table.add_row(name, *(f"{rate:.0f}" for rate in by_hierarchy.values()), other)
    out.print(table)
    costs: dict[str, dict[str, float]] = {}
    for name, (fn, args) in kernels().items():
        costs[name] = {}
        for label in ("L1", "L1 L2 L3 TLB"):
            accesses = simulate(fn, args, HIERARCHIES[label]).accesses
            taken = seconds(lambda fn=fn, args=args, h=HIERARCHIES[label]: simulate(fn, args, h))
            costs[name][label] = taken / accesses * 1e9
    table = Table("ns an access", "L1", "L1 L2 L3 TLB", title="Instrumented, with the report")
    for name, cost in costs.items():
        table.add_row(name, *(f"{ns:.1f}" for ns in cost.values()))
    out.print(table)
    told = subprocess.run([sys.executable, __file__, "stream"], check=True, capture_output=True, text=True).stdout
    peak = int(told)
    out.print(f"Peak memory of a replay of {STREAMED:,} accesses: {peak / 2**20:.0f} MiB, the libraries included.")
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": machine.describe().cpu,
        "million_accesses_a_second": rates,
        "pycachesim_ns": peers,
        "instrumented_ns": costs,
        "peak_bytes": peak,
    }
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    stream() if sys.argv[1:] == ["stream"] else main()
