"""Put `timing.compare` to the test: planted ratios, quiet and busy; false passes at the threshold; its own cost.

Asked for: 300 real comparisons with no wrong verdict where the truth is 1.33x or more away from the threshold, and
at most 2 % too noisy; 2,000 simulated ones at the threshold with at most 1 % false passes; less than 5 % overhead;
and a median below 2 s for a kernel of 5 ms.
"""

import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numba import njit
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.course.gates import busy
from perflab.timing import compare, paired, seconds_of

THRESHOLD = 1.5
PLANTED = (1.0, 1.12, 2.0, 3.0, 6.0)  # each 1.33x or more away from the threshold
RUNS = 30  # of each planted ratio, quiet and busy: 300 in all
SIMULATED = 2000
NOISES = (0.02, 0.08, 0.15, 0.3)  # coefficients of variation of a simulated pair
STEPS = 4_600_000  # about 5 ms


@njit
def spin(state, steps):
    """Walk a linear congruential generator: a chain that no compiler shortens, and time in proportion to steps."""
    for _ in range(steps[0]):
        state[0] = state[0] * np.uint64(6364136223846793005) + state[1]


def planted(ratio: float):
    """Return baseline, candidate and maker of a comparison whose true ratio is `ratio`, of equal outcomes."""
    steps = np.array([STEPS])
    more = np.array([int(STEPS * ratio)])

    def work(state, steps):
        kept = state.copy()
        spin(kept, steps)

    def make(rng):
        return (rng.integers(1, 2**63, size=2, dtype=np.uint64) | np.uint64(1),)

    return (lambda state: work(state, more)), (lambda state: work(state, steps)), make


def real_runs(console: Console) -> tuple[dict[str, Counter[str]], list[float]]:
    """Return the verdicts, quiet and busy, and the seconds of each quiet comparison."""
    verdicts: dict[str, Counter[str]] = {}
    seconds = []
    for load in ("quiet", "busy"):
        verdicts[load] = Counter(right=0, wrong=0, noisy=0)
        for ratio in PLANTED:
            right = "above" if ratio > THRESHOLD else "below"
            baseline, candidate, make = planted(ratio)
            for _ in track(range(RUNS), description=f"{load}, {ratio:g}x", console=console):
                start = time.perf_counter()
                if load == "quiet":
                    verdict = compare(candidate, baseline, make, threshold=THRESHOLD).verdict
                    seconds.append(time.perf_counter() - start)
                else:
                    with busy():
                        verdict = compare(candidate, baseline, make, threshold=THRESHOLD).verdict
                verdicts[load]["right" if verdict == right else "noisy" if verdict == "unsure" else "wrong"] += 1
    return verdicts, seconds


def false_passes() -> dict[float, float]:
    """Return how often a simulated comparison at the threshold says "above", by noise; 5 % of pairs are spikes."""
    rng = np.random.default_rng(2026)
    found = {}
    for noise in NOISES:

        def pair(_: int, noise: float = noise) -> tuple[float, float]:
            spikes = np.where(rng.random(2) < 0.05, rng.uniform(1, 4, 2), 1.0)
            return THRESHOLD * np.exp(rng.normal(0, noise)) * spikes[0], spikes[1]

        passes = sum(
            paired(pair, lambda i: i.low > THRESHOLD or i.high < THRESHOLD).interval.low > THRESHOLD
            for _ in range(SIMULATED)
        )
        found[noise] = passes / SIMULATED
    return found


def overhead() -> float:
    """Return the relative time that the timed call adds to a kernel of 5 ms: medians of interleaved runs."""
    _, candidate, make = planted(1.0)
    args = make(np.random.default_rng(0))
    candidate(*args)
    inside, outside = [], []
    for _ in range(60):
        start = time.process_time_ns()
        candidate(*args)
        outside.append((time.process_time_ns() - start) * 1e-9)
        inside.append(seconds_of(lambda: candidate(*args))[0])
    return float(np.median(inside) / np.median(outside) - 1)


def main() -> None:
    """Measure, print the tables, and write them as JSON."""
    console = Console(stderr=True)
    verdicts, seconds = real_runs(console)
    passes = false_passes()
    cost = overhead()
    table = Table("planted ratios", "right", "wrong", "too noisy", title=f"compare, threshold {THRESHOLD:g}")
    for load, count in verdicts.items():
        table.add_row(load, *(str(count[name]) for name in ("right", "wrong", "noisy")))
    out = Console()
    out.print(table)
    simulated = Table("noise of a pair", "false passes", title=f"{SIMULATED} simulated at the threshold")
    for noise, share in passes.items():
        simulated.add_row(f"{noise:.0%}", f"{share:.2%}")
    out.print(simulated)
    out.print(f"Overhead on a timed call: {cost:.2%}. Median of a comparison: {np.median(seconds):.2f} s.")
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe().cpu, "verdicts": verdicts, "false_passes": passes}
    report |= {"overhead": cost, "median_seconds": float(np.median(seconds))}
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
