"""Kernels in Numba against the same in C, single-threaded and interleaved.

Both sides run the same algorithm, in turn, on the very same arrays: on others, where an array happens to lie moved
single kernels by up to 20 %. Floating-point rules are the same too: strict IEEE without contraction, but for the
two sums, which both compilers may reorder. Asked for, with -O3 -march=native: a geometric mean of C time over
Numba time of at least 1.0, and no kernel under 0.9. LLVM unrolls loops and gcc -O3 does not, so a second column
gives C with -funroll-loops.
"""

import ctypes
import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba import njit
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import hints, machine
from perflab.timing import CALLS, Pairs, paired, seconds_of

SOURCE = Path(__file__).with_suffix("") / "kernels.c"
STRICT = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
REORDERED = [*STRICT, "-fassociative-math", "-fno-signed-zeros"]
MAY_REORDER = {"reassoc", "nsz"}
SECONDS = 5e-3  # that one timing lasts at least: calls in a row, where one is shorter
CERTAIN = 1.05  # measure until the interval is this narrow
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
    n = np.uintp(a.shape[0])
    one, two, four = np.uintp(1), np.uintp(2), np.uintp(4)
    for i in range(Z, n, two):
        c0, c1 = c[i], c[i + one]
        # A tile of two rows of c and four of b: each value that is loaded serves two or four multiplications.
        # (With one row of c, gcc makes a larger tile by itself, and LLVM does not.)
        for k in range(Z, n, four):
            x, y, rows = a[i, k : k + four], a[i + one, k : k + four], b[k : k + four]
            x0, x1, x2, x3, y0, y1, y2, y3 = x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3]
            b0, b1, b2, b3 = rows[0], rows[1], rows[2], rows[3]
            for j in range(c0.size):
                p, q, r, s = b0[j], b1[j], b2[j], b3[j]
                upper = c0[j] + x0 * p + x1 * q + x2 * r + x3 * s
                lower = c1[j] + y0 * p + y1 * q + y2 * r + y3 * s
                c0[j] = upper
                c1[j] = lower


@njit
def compaction(priority, out):
    kept = Z
    for i in range(priority.size):
        out[kept] = i
        kept += np.uintp(priority[i] >= 128)
    return np.int64(kept)


@njit
def escape(name, text, width, out):
    end = Z
    one, two = np.uintp(1), np.uintp(2)
    for i in range(name.size):
        c = name[i]
        # Loads first: for all that the compiler knows, a store might change the tables; in C, restrict says no.
        x, y, z, wide = text[c, 0], text[c, 1], text[c, 2], width[c]
        # Always three bytes, of which the next ones overwrite what was too much.
        out[end] = x
        out[end + one] = y
        out[end + two] = z
        end += np.uintp(wide)
    return np.int64(end)


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
def edit_distance(a, b, above, row):
    n = np.uintp(a.size)
    one = np.uintp(1)
    for j in range(Z, n + one):
        above[j] = j
    for i in range(Z, n):
        left = np.int64(i + one)
        row[Z] = left
        for j in range(Z, n):
            # What does not wait for the cell to the left comes first: the chain from cell to cell stays short.
            best = min(above[j] + (a[i] != b[j]), above[j + one] + 1)
            left = min(best, left + 1)
            row[j + one] = left
        above, row = row, above
    return above[n]


@njit
def prefix_sum(a, out):
    total = 0
    for i in range(a.size):
        total += a[i]
        out[i] = total


@njit
def stamped(turns, results):
    back, before = 0, hints.cycles()
    for i in range(turns.size):
        state = np.uint64(i + 1)
        for _ in range(turns[i]):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
        results[i] = state
        now = hints.cycles()
        back += now < before
        before = now
    return back


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
    "escape": (
        escape,
        lambda r: (
            _bytes(r, 1_000_000),
            _bytes(r, 768).reshape(256, 3),
            r.choice(np.array([1, 3], np.uint8), 256),
            np.zeros(3_000_000, np.uint8),
        ),
        lambda n, t, w, o: (n.size,),
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
        lambda r: (_bytes(r, 2000) % 4, _bytes(r, 2000) % 4, np.zeros(2001, np.int64), np.zeros(2001, np.int64)),
        lambda a, b, above, row: (a.size,),
    ),
    "prefix_sum": (
        prefix_sum,
        lambda r: (r.integers(0, 100, 2_000_000), np.zeros(2_000_000, np.int64)),
        lambda a, o: (a.size,),
    ),
    "stamped": (
        stamped,
        lambda r: (r.integers(0, 4, 100_000), np.zeros(100_000, np.uint64)),
        lambda t, o: (t.size,),
    ),
}
REORDERED_KERNELS = ("reduction", "dot")
NOTES = {  # what their generated code shows; gcc 12.2 against LLVM 22.1
    "transpose": "gcc runs out of registers for the addresses of a block and parks them in vector registers",
    "compaction": "rolled in gcc -O3, unrolled in LLVM",
    "histogram": "rolled in gcc -O3, unrolled by 8 in LLVM; both add in memory, one element at a time",
    "checksum": "rolled in gcc -O3, unrolled by 8 in LLVM",
    "edit_distance": "LLVM unrolls by 4; gcc writes its branch as two exits of a loop that it cannot unroll well",
}
UNROLLED = "-funroll-loops"
RETURNS = {"reduction": ctypes.c_double, "dot": ctypes.c_double, "checksum": ctypes.c_uint64}
# mandelbrot takes the number of points before the limit.
ORDER = {"mandelbrot": lambda args, sizes: (*args[:2], *sizes, args[2])}


def compile_c(folder: Path, *more: str) -> dict[str, ctypes.CDLL]:
    """Compile the C side twice, strict and with reordered sums; return the libraries by kernel."""
    libraries = {}
    for name, flags in (("strict", STRICT), ("reordered", REORDERED)):
        target = folder / f"{name}{''.join(more)}.so"
        subprocess.run(["gcc", *flags, *more, "-shared", "-fPIC", "-o", target, SOURCE], check=True)
        libraries[name] = ctypes.CDLL(str(target))
    return {kernel: libraries["reordered" if kernel in REORDERED_KERNELS else "strict"] for kernel in KERNELS}


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


def check_equal(fn: Callable, make: Callable, bind: Callable[[tuple], Callable[[], object]]) -> None:
    """Run both sides on the same input and compare results and changed arguments."""
    ours, theirs = make(np.random.default_rng(1)), make(np.random.default_rng(1))
    result, other = fn(*ours), bind(theirs)()
    if result is not None:
        np.testing.assert_allclose(result, other, rtol=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def race(fn: Callable, make: Callable, bind: Callable[[tuple], Callable[[], object]]) -> Pairs:
    """Time both sides in turn on the same arrays; the baseline is C."""
    rng = np.random.default_rng()
    sides = (bind, lambda args: lambda: fn(*args))
    times = _repeats(bind(args := make(rng)))  # C holds bare addresses: `args` keeps the arrays alive

    def half(call: Callable[[], object]) -> float:
        def several() -> None:
            for _ in range(times):
                call()

        call()  # brings code and data into the caches, whoever was there before
        return min(seconds_of(several)[0] for _ in range(CALLS)) / times

    def pair(_: int) -> tuple[float, float]:
        args = make(rng)
        seconds = {int(side): half(sides[side](args)) for side in rng.permutation(2)}
        return seconds[0], seconds[1]

    del args
    return paired(pair, lambda i: i.high / i.low < CERTAIN)


def _repeats(call: Callable[[], object]) -> int:
    """Return how often to call in a row, so that a timing lasts long enough for the clock."""
    call()
    return max(1, math.ceil(SECONDS / min(seconds_of(call)[0] for _ in range(CALLS))))


def versions() -> dict[str, str]:
    """Return what compiled the two sides, and for which processor."""

    def said(*command: str) -> str:
        return subprocess.run(["gcc", *command], check=True, capture_output=True, text=True).stdout

    options = said("-march=native", "-Q", "--help=target").splitlines()
    target = next(line.split()[-1] for line in options if "-march=" in line)
    return {
        "gcc": f"{said('-dumpfullversion').strip()}, for {target} and what else this processor has",
        "numba": f"{numba.__version__}, LLVM {'.'.join(map(str, llvmlite.binding.llvm_version_info))}, "
        f"for {llvmlite.binding.get_host_cpu_name()}",
    }


def measure(kernel: str, rolled: ctypes.CDLL, unrolled: ctypes.CDLL) -> dict[str, object]:
    """Return a kernel's row: seconds a call, ratios of C over Numba, and their intervals."""
    row: dict[str, object] = {}
    fn, make, _ = KERNELS[kernel]
    for prefix, library in (("", rolled), ("unrolled_", unrolled)):
        bind = c_function(library, kernel)
        check_equal(fn, make, bind)
        pairs = race(fn, make, bind)
        row |= {
            f"{prefix}numba_seconds": float(np.median(pairs.candidate)),
            f"{prefix}c_seconds": float(np.median(pairs.baseline)),
            f"{prefix}ratio": pairs.interval.median,
            f"{prefix}interval": [pairs.interval.low, pairs.interval.high],
            f"{prefix}pairs": len(pairs.ratios),
        }
    sums = "reordered" if kernel in REORDERED_KERNELS else "strict"
    return row | {"sums": sums, "note": NOTES.get(kernel, "")}


def main() -> None:
    """Measure all kernels, print the table, and write it as JSON."""
    out = Console()
    if shutil.which("gcc") is None:
        out.print("No gcc here, so nothing was compared. On Debian and Ubuntu: apt-get install gcc libc6-dev")
        return
    table = Table("kernel", "Numba ms", "C ms", "C / Numba", "99 % interval", "unrolled", title="Numba against C")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        rolled, unrolled = compile_c(Path(folder)), compile_c(Path(folder), UNROLLED)
        for kernel in track(KERNELS, console=Console(stderr=True)):
            row = found[kernel] = measure(kernel, rolled[kernel], unrolled[kernel])
            times = (f"{row[side] * 1e3:.2f}" for side in ("numba_seconds", "c_seconds"))
            bounds = "{:.2f} to {:.2f}".format(*row["interval"])
            table.add_row(kernel, *times, f"{row['ratio']:.2f}", bounds, f"{row['unrolled_ratio']:.2f}")
    means = {
        key: float(np.exp(np.mean([np.log(row[key]) for row in found.values()])))
        for key in ("ratio", "unrolled_ratio")
    }
    table.add_section()
    table.add_row("geometric mean", "", "", f"{means['ratio']:.2f}", "", f"{means['unrolled_ratio']:.2f}")
    out.print(table)
    for kernel, row in found.items():
        if row["note"]:
            out.print(f"{kernel}: {row['note']}.")
    compilers = versions()
    for name, version in compilers.items():
        out.print(f"{name} {version}; {' '.join(STRICT) if name == 'gcc' else 'default options'}", soft_wrap=True)
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": machine.describe().cpu,
        "compilers": compilers,
        "flags": {"strict": STRICT, "reordered": REORDERED, "unrolled": UNROLLED},
        "kernels": found,
        "geometric_mean": means,
    }
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
