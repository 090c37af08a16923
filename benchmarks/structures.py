"""Concurrent structures on real threads: does the right one hold again and again, how often does its twin fail.

The tests run each structure a few times; this is the longer series. Every round has hundreds of thousands of
operations and verifies what they did. The explorer's search is timed beside it.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine, threads
from perflab.models.interleaving import explore

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "structures")]
from test_structures import STRUCTURES, patience_with  # noqa: E402
from trial import Program, Structure  # noqa: E402


def searched(structure: Structure, broken: bool) -> tuple[float, int, bool]:
    """Return the seconds that all schedules of the small program took, the states, and whether none fails."""
    program = structure.small(broken)
    start = time.process_time()
    found = explore(program.calls, check=program.check, against=program.against)
    return time.process_time() - start, found.states, found.passed


def held(program: Program, seconds: float) -> tuple[bool, bool]:
    """Run a program on real threads; return whether it did what it should, and whether all ran at once."""
    try:
        run = threads.run(program.calls, seconds=seconds)
        program.check(*run.results)
    except (AssertionError, TimeoutError):
        return False, False
    return True, run.parallel


def trial(structure: Structure, rounds: int) -> dict[str, Any]:
    """Return what became of a structure and its twin."""
    right = [held(structure.large(False), 120.0) for _ in range(rounds)]
    twin = [held(structure.large(True), patience_with(structure)) for _ in range(rounds)]
    seconds, states, passed = searched(structure, False)
    return {
        "explorer_seconds": seconds,
        "explorer_states": states,
        "explorer_passes": passed,
        "explorer_catches": not searched(structure, True)[2],
        "rounds": rounds,
        "held": sum(ok for ok, _ in right),
        "at_once": sum(parallel for _, parallel in right),
        "twin_caught": sum(not ok for ok, _ in twin),
        "flaw": structure.flaw,
    }


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="of each structure and of each twin")
    rounds = parser.parse_args().rounds
    console = Console(stderr=True)
    rows = {s.name: trial(s, rounds) for s in track(STRUCTURES, console=console)}
    table = Table("structure", "states", "explorer, s", "holds", "at once", "twin caught")
    for name, row in rows.items():
        counts = (f"{row[key]} of {rounds}" for key in ("held", "at_once", "twin_caught"))
        table.add_row(name, f"{row['explorer_states']:,}", f"{row['explorer_seconds']:.2g}", *counts)
    Console().print(table)
    target = Path(__file__).parents[1] / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine.describe().cpu, **rows}, indent=2))
    if not all(r["held"] == rounds and r["explorer_passes"] and r["explorer_catches"] for r in rows.values()):
        raise SystemExit("A right structure failed, or the explorer missed a twin.")


if __name__ == "__main__":
    main()
