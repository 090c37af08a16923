"""Twelve kernels in Numba against the same in C, single-threaded and interleaved.

Both sides run the same algorithm on the same data under the same floating-point rules: strict IEEE, without
contraction, but for the two sums, which both compilers may reorder. Asked for: a geometric mean of C time over
Numba time of at least 1.0, and no kernel under 0.9.
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
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.timing import CALLS, Interval, paired, seconds_of

SOURCE = Path(__file__).with_suffix("") / "kernels.c"
STRICT = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
REORDERED = [*STRICT, "-fassociative-math", "-fno-signed-zeros"]
MAY_REORDER = {"reassoc", "nsz"}
Z = np.uintp(0)  # loops over unsigned indices: Numba then need not ask whether an index is negative


@njit(fastmath=MAY_REORDER)
def reduction(a):
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@njit(fastmath=MAY_REORDER)
def dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit
def triad(a, b, c, s):
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


@njit
def transpose(a, out):
    n = np.uintp(a.shape[0])
    block = np.uintp(8)
    for ii in range(Z, n, block):
        for jj in range(Z, n, block):
            for i in range(ii, ii + block):
                for j in range(jj, jj + block):
                    out[j, i] = a[i, j]


@njit
def matmul(a, b, c):
    n = a.shape[0]
    for i in range(n):
        row = c[i]
        for k in range(n):
            x, other = a[i, k], b[k]
            for j in range(n):
                row[j] += x * other[j]


@njit
def compaction(priority, out):
    kept = Z
    for i in range(priority.size):
        out[kept] = i
        kept += np.uintp(priority[i] >= 128)
    return np.int64(kept)


@njit
def histogram(a, counts):
    for i in range(a.size):
        counts[a[i]] += 1


@njit
def chase(following, steps):
    at = np.uintp(0)
    for _ in range(steps):
        at = np.uintp(following[at])
    return np.int64(at)


@njit
def mandelbrot(re, im, limit):
    total = 0
    for k in range(re.size):
        x = y = 0.0
        steps = 0
        while steps < limit and x * x + y * y <= 4.0:
            x, y = x * x - y * y + re[k], 2 * x * y + im[k]
            steps += 1
        total += steps
    return total


@njit
def checksum(a):
    low, high = np.uint64(1), np.uint64(0)
    for start in range(0, a.size, 4096):
        part = a[start : start + 4096]
        for i in range(part.size):
            low += part[i]
            high += low
        low %= np.uint64(65521)
        high %= np.uint64(65521)
    return high << np.uint64(32) | low


@njit
def edit_distance(a, b, row):
    n = np.uintp(a.size)
    one = np.uintp(1)
    for j in range(Z, n + one):
        row[j] = j
    for i in range(Z, n):
        diagonal = row[Z]
        left = np.int64(i + one)
        row[Z] = left
        for j in range(Z, n):
            # What does not wait for the cell to the left comes first: the chain from cell to cell stays short.
            above = row[j + one]
            best = min(diagonal + (a[i] != b[j]), above + 1)
            diagonal = above
            left = min(best, left + 1)
            row[j + one] = left
    return row[n]


@njit
def prefix_sum(a, out):
    total = 0
    for i in range(a.size):
        total += a[i]
        out[i] = total


def _cycle(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return a random cycle over all of n places: where to go from each."""
    order = rng.permutation(n)
    following = np.empty(n, np.int64)
    following[order] = np.roll(order, -1)
    return following


def _floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.random(shape)


def _bytes(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 256, n, dtype=np.uint8)


# For each kernel: the function, a maker of its arguments, and what C gets besides: sizes behind the arrays.
KERNELS: dict[str, tuple[Callable, Callable, Callable]] = {
    "reduction": (reduction, lambda r: (_floats(r, 2_000_000),), lambda a: (a.size,)),
    "dot": (dot, lambda r: (_floats(r, 1_000_000), _floats(r, 1_000_000)), lambda a, b: (a.size,)),
    "triad": (
        triad,
        lambda r: (np.zeros(1_000_000), _floats(r, 1_000_000), _floats(r, 1_000_000), 3.0),
        lambda a, b, c, s: (a.size,),
    ),
    # Not a power of two: with one, rows meet in the same cache sets, and the ratio depends on where arrays lie.
    "transpose": (
        transpose,
        lambda r: (_floats(r, 1000, 1000), np.zeros((1000, 1000))),
        lambda a, o: (a.shape[0],),
    ),
    "matmul": (
        matmul,
        lambda r: (_floats(r, 256, 256), _floats(r, 256, 256), np.zeros((256, 256))),
        lambda a, b, c: (a.shape[0],),
    ),
    "compaction": (
        compaction,
        lambda r: (_bytes(r, 2_000_000), np.zeros(2_000_001, np.int32)),
        lambda p, o: (p.size,),
    ),
    "histogram": (histogram, lambda r: (_bytes(r, 2_000_000), np.zeros(256, np.int64)), lambda a, c: (a.size,)),
    "chase": (chase, lambda r: (_cycle(r, 200_000), 500_000), lambda f, s: ()),
    "mandelbrot": (
        mandelbrot,
        lambda r: (r.uniform(-2, 0.6, 40_000), r.uniform(-1.2, 1.2, 40_000), 200),
        lambda re, im, limit: (re.size,),
    ),
    "checksum": (checksum, lambda r: (_bytes(r, 4_000_000),), lambda a: (a.size,)),
    "edit_distance": (
        edit_distance,
        lambda r: (_bytes(r, 1500) % 4, _bytes(r, 1500) % 4, np.zeros(1501, np.int64)),
        lambda a, b, row: (a.size,),
    ),
    "prefix_sum": (
        prefix_sum,
        lambda r: (r.integers(0, 100, 2_000_000), np.zeros(2_000_000, np.int64)),
        lambda a, o: (a.size,),
    ),
}
RETURNS = {"reduction": ctypes.c_double, "dot": ctypes.c_double, "checksum": ctypes.c_uint64}
# mandelbrot takes the number of points before the limit.
ORDER = {"mandelbrot": lambda args, sizes: (*args[:2], *sizes, args[2])}


def compile_c(folder: Path) -> dict[str, ctypes.CDLL]:
    """Compile the C side twice, strict and with reordered sums; return the libraries by kernel."""
    libraries = {}
    for name, flags in (("strict", STRICT), ("reordered", REORDERED)):
        target = folder / f"{name}.so"
        subprocess.run(["gcc", *flags, "-shared", "-fPIC", "-o", target, SOURCE], check=True)
        libraries[name] = ctypes.CDLL(str(target))
    return {kernel: libraries["reordered" if kernel in ("reduction", "dot") else "strict"] for kernel in KERNELS}


def c_function(library: ctypes.CDLL, kernel: str) -> Callable[[tuple], Callable[[], object]]:
    """Return a function that binds arguments to a C kernel; the bound call costs about a microsecond."""
    function = library[kernel]
    function.restype = RETURNS.get(kernel, ctypes.c_int64)
    sizes_of = KERNELS[kernel][2]

    def bind(args: tuple) -> Callable[[], object]:
        every = ORDER.get(kernel, lambda a, s: (*a, *s))(args, sizes_of(*args))
        converted = [_to_c(arg) for arg in every]
        return lambda: function(*converted)

    return bind


def _to_c(arg: object) -> object:
    if isinstance(arg, np.ndarray):
        return ctypes.c_void_p(arg.ctypes.data)
    return ctypes.c_double(arg) if isinstance(arg, float) else ctypes.c_int64(arg)


def check_equal(kernel: str, bind: Callable[[tuple], Callable[[], object]]) -> None:
    """Run both sides on the same input and compare results and changed arguments."""
    fn, make, _ = KERNELS[kernel]
    ours, theirs = make(np.random.default_rng(1)), make(np.random.default_rng(1))
    result, other = fn(*ours), bind(theirs)()
    if result is not None:
        np.testing.assert_allclose(result, other, rtol=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def race(kernel: str, bind: Callable[[tuple], Callable[[], object]]) -> tuple[float, float, Interval]:
    """Return the median seconds of Numba and of C, and the interval of C over Numba."""
    fn, make, _ = KERNELS[kernel]
    rng = np.random.default_rng()

    def half(bound: Callable[[tuple], Callable[[], object]], keys: np.ndarray) -> float:
        best = float("inf")
        for key in keys:
            call = bound(args := make(np.random.default_rng(key)))
            best = min(best, seconds_of(call)[0])
            del args  # kept alive until here: C holds bare addresses
        return best

    sides = (bind, lambda args: lambda: fn(*args))

    def pair(_: int) -> tuple[float, float]:
        keys = rng.integers(2**63, size=CALLS)
        seconds = {int(side): half(sides[side], keys) for side in rng.permutation(2)}
        return seconds[0], seconds[1]

    measured = paired(pair, lambda i: i.high / i.low < 1.05)
    return float(np.median(measured.candidate)), float(np.median(measured.baseline)), measured.interval


def main() -> None:
    """Measure all kernels, print the table, and write it as JSON."""
    out = Console()
    if shutil.which("gcc") is None:
        out.print("No gcc here, so nothing was compared. On Debian and Ubuntu: apt-get install gcc")
        return
    table = Table("kernel", "Numba ms", "C ms", "C / Numba", "99 % interval", "sums", title="Numba against C")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        libraries = compile_c(Path(folder))
        for kernel in track(KERNELS, console=Console(stderr=True)):
            bind = c_function(libraries[kernel], kernel)
            check_equal(kernel, bind)
            ours, theirs, interval = race(kernel, bind)
            found[kernel] = {"numba": ours, "c": theirs, "ratio": interval.median}
            bounds = f"{interval.low:.2f} to {interval.high:.2f}"
            rules = "reordered" if kernel in ("reduction", "dot") else "strict"
            table.add_row(
                kernel, f"{ours * 1e3:.2f}", f"{theirs * 1e3:.2f}", f"{interval.median:.2f}", bounds, rules
            )
    mean = float(np.exp(np.mean([np.log(row["ratio"]) for row in found.values()])))
    table.add_section()
    table.add_row("geometric mean", "", "", f"{mean:.2f}", "", "")
    out.print(table)
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe().cpu, "kernels": found, "geometric_mean": mean}
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
