"""Branches a second of each predictor, and how many times that of bpred, pure Python, on the same trace.

Asked for: at least 50 times. Both must agree on every branch that both see; bpred folds no histories, so its TAGE
is compared with short ones. Each side runs in turns, and the ratio is that of the medians.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import bpred
import numpy as np
from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.models.branch import Bimodal, Gshare, Tage, Tournament, Trace, TwoLevel, replay

BRANCHES = 4_000_000
SHARE = 40_000  # of them, for bpred
TURNS = 5
SITES = 200


def make_trace(rng: np.random.Generator) -> Trace:
    """Return a trace with loops, biased branches, echoes of earlier ones, and coin flips, in equal parts."""
    site = rng.integers(0, SITES, BRANCHES)
    taken = rng.random(BRANCHES) < 0.5
    kind = site % 4
    taken[kind == 0] = np.arange(np.count_nonzero(kind == 0)) % 7 != 6
    taken[kind == 1] = rng.random(np.count_nonzero(kind == 1)) < 0.95
    echoes = np.flatnonzero(kind == 2)
    taken[echoes] = taken[np.maximum(echoes - 3, 0)]
    return Trace(site * 5, taken)


def bimodal(entries: int = 4096) -> bpred.BimodalPredictor:
    return bpred.BimodalPredictor(counter_bits=2, table_size=entries)


def gshare() -> bpred.GsharePredictor:
    return bpred.GsharePredictor(history_bits=12, table_size=4096)


PEERS = {
    "bimodal": (Bimodal(), bimodal),
    "local two-level": (
        TwoLevel("local"),
        lambda: bpred.LocalHistoryPredictor(history_bits=10, bht_size=1024, pht_size=1024),
    ),
    "gshare": (Gshare(), gshare),
    "tournament": (
        Tournament(Bimodal(), Gshare()),
        lambda: bpred.TournamentPredictor(local=bimodal(), global_=gshare(), meta_bits=2),
    ),
    "TAGE": (
        Tage(histories=(2, 4, 6, 9)),
        lambda: bpred.TagePredictor(
            base_counter_bits=2,
            base_table_size=4096,
            history_lengths=(2, 4, 6, 9),
            component_table_sizes=(1024,) * 4,
            tag_bits=9,
            counter_bits=3,
            useful_bits=2,
            reset_period=1 << 18,
        ),
    ),
}


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    trace = make_trace(np.random.default_rng(2026))
    short = Trace(trace.address[:SHARE], trace.taken[:SHARE])
    listed = list(zip(short.address.tolist(), short.taken.tolist(), strict=True))
    table = Table("predictor", "million branches a second", "bpred", "ratio", "mispredicted", title="predictors")
    report = {}
    for name, (ours, theirs) in PEERS.items():
        if ours.predict(short).tolist() != bpred.run_trace(theirs(), trace=listed).predictions:
            raise AssertionError(f"{name}: not the predictions of bpred")
        fast, slow = [], []
        for _ in range(TURNS):
            fast.append(seconds(lambda p=ours: replay(p, trace).count) / BRANCHES)
            slow.append(seconds(lambda p=theirs: bpred.run_trace(p(), trace=listed)) / SHARE)
        mine, peer = np.median(fast), np.median(slow)
        rate = replay(ours, trace).rate
        report[name] = {"branches_a_second": 1 / mine, "bpred": 1 / peer, "ratio": peer / mine, "rate": rate}
        table.add_row(name, f"{1e-6 / mine:.1f}", f"{1e-6 / peer:.3f}", f"{peer / mine:.0f}", f"{rate:.1%}")
    default = np.median([seconds(lambda: replay(Tage(), trace).count) for _ in range(TURNS)]) / BRANCHES
    report["TAGE, histories to 64"] = {"branches_a_second": 1 / default}
    table.add_row("TAGE, histories to 64", f"{1e-6 / default:.1f}", "", "", f"{replay(Tage(), trace).rate:.1%}")
    Console().print(table)
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine.describe().cpu, "predictors": report}, indent=2))


if __name__ == "__main__":
    main()
