"""Reference solutions of the exercises against the same algorithms in C, single-threaded and interleaved.

Our side is what stands in `solutions/`, loaded as the gates load it. Both run in turn on the very same arrays, in
strict IEEE arithmetic. Asked for, with -O3 -march=native: none under 0.9, C time over ours.
"""

import contextlib
import ctypes
import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numba_against_c import STRICT, check_equal, race, versions
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.course.source import load

ROOT = Path(__file__).parents[1]
SOURCES = Path(__file__).with_suffix("")  # a C file for each area


@dataclass(frozen=True)
class Solution:
    """A function of an exercise that has a counterpart of its name in C.

    Attributes
    ----------
    exercise, function : str
    make : callable
        ``make(names, rng)`` returns arguments, given the names of the exercise's cells.
    sizes : callable
        ``sizes(*args)`` returns what C gets behind the arguments.
    """

    exercise: str
    function: str
    make: Callable[..., tuple]
    sizes: Callable[..., tuple]


SOLUTIONS = {
    "loop_unrolling": Solution(
        "algorithms/loop_unrolling",
        "load",
        lambda names, rng: names.make_recording(rng),
        lambda states, worth, decay: (states.size,),
    ),
    "strength_reduction": Solution(
        "algorithms/strength_reduction",
        "fill",
        lambda names, rng: names.make_wallpaper(rng),
        lambda pattern, width, down, right, out: (*pattern.shape, out.size),
    ),
    "divide_and_conquer": Solution(
        "algorithms/divide_and_conquer",
        "crossed",
        lambda names, rng: names.make_arrivals(rng),
        lambda times: (times.size,),
    ),
    "memoization": Solution(
        "algorithms/memoization",
        "distance",
        lambda names, rng: names.make_rows(rng, 2000, 2000),
        lambda a, b: (a.size, b.size),
    ),
    "lookup_or_compute, few": Solution(
        "algorithms/lookup_or_compute",
        "convert",
        lambda names, rng: names.make_frame(rng, 600),
        lambda raw, ends, responses, out: (ends.size,),
    ),
    "lookup_or_compute, many": Solution(
        "algorithms/lookup_or_compute",
        "convert",
        lambda names, rng: names.make_frame(rng, 1 << 20),
        lambda raw, ends, responses, out: (ends.size,),
    ),
    "blocked_transpose": Solution(
        "memory/blocked_transpose",
        "turn",
        lambda names, rng: names.make_picture(rng),
        lambda picture, turned: picture.shape,
    ),
    "work_stealing, owner": Solution(
        "concurrency/work_stealing",
        "own",
        lambda names, rng: (0, *names.make_threads(rng, 200_000, batch=8)),
        lambda me, ends, ring, tasks, kept, stolen, batch, tries: (ring.size, tasks.size, kept.size),
    ),
}


def compile_c(area: str, folder: Path) -> ctypes.CDLL:
    """Compile the C side of an area."""
    target = folder / f"{area}.so"
    source = SOURCES / f"{area}.c"
    subprocess.run(["gcc", *STRICT, "-shared", "-fPIC", "-o", target, source, "-lm"], check=True)
    return ctypes.CDLL(str(target))


def bound(function: Callable, sizes: Callable[..., tuple], args: tuple) -> Callable[[], object]:
    """Return a call of a C function with these arguments; it costs about a microsecond."""
    converted = [_to_c(arg) for arg in (*args, *sizes(*args))]
    return lambda: function(*converted)


def _to_c(arg: object) -> object:
    if isinstance(arg, np.ndarray):
        return ctypes.c_void_p(arg.ctypes.data)
    return ctypes.c_double(arg) if isinstance(arg, float) else ctypes.c_int64(arg)


def sides(solution: Solution, library: ctypes.CDLL) -> tuple[Callable, Callable, Callable]:
    """Return our function, a maker of its arguments, and what binds the C function to arguments."""
    with contextlib.redirect_stdout(io.StringIO()):  # what its examples print
        names = load(ROOT / "solutions" / f"{solution.exercise}.py")
    ours, make = getattr(names, solution.function), partial(solution.make, names)
    theirs = library[solution.function]
    result = ours(*make(np.random.default_rng(1)))
    theirs.restype = None if result is None else ctypes.c_double if isinstance(result, float) else ctypes.c_int64
    return ours, make, partial(bound, theirs, solution.sizes)


def measure(solution: Solution, library: ctypes.CDLL) -> dict[str, object]:
    """Return a solution's row: seconds a call, the ratio of C over ours, and its interval."""
    ours, make, bind = sides(solution, library)
    check_equal(ours, make, bind)
    pairs = race(ours, make, bind)
    return {
        "seconds": float(np.median(pairs.candidate)),
        "c_seconds": float(np.median(pairs.baseline)),
        "ratio": pairs.interval.median,
        "interval": [pairs.interval.low, pairs.interval.high],
        "pairs": len(pairs.ratios),
    }


def main() -> None:
    """Measure all solutions, print the table, and write it as JSON."""
    out = Console()
    if shutil.which("gcc") is None:
        out.print("No gcc here, so nothing was compared. On Debian and Ubuntu: apt-get install gcc libc6-dev")
        return
    table = Table(
        "solution", "ours ms", "C ms", "C / ours", "99 % interval", title="Reference solutions against C"
    )
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        areas = {solution.exercise.split("/")[0] for solution in SOLUTIONS.values()}
        libraries = {area: compile_c(area, Path(folder)) for area in areas}
        for name, solution in track(SOLUTIONS.items(), console=Console(stderr=True)):
            row = found[name] = measure(solution, libraries[solution.exercise.split("/")[0]])
            times = (f"{row[side] * 1e3:.2f}" for side in ("seconds", "c_seconds"))
            table.add_row(name, *times, f"{row['ratio']:.2f}", "{:.2f} to {:.2f}".format(*row["interval"]))
    out.print(table)
    compilers = versions()
    for name, version in compilers.items():
        out.print(f"{name} {version}; {' '.join(STRICT) if name == 'gcc' else 'default options'}", soft_wrap=True)
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe().cpu, "compilers": compilers, "flags": STRICT, "solutions": found}
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
