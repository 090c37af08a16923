"""What the gates of each exercise cost against their budget, in seconds of a typical machine.

Budgets: the tests cells of a solved notebook and all gates of an exercise. The tests fail beyond twice the budget;
this shows who comes near. What a second of a typical machine is here a fixed piece of work tells, timed beside the
gates.

    python benchmarks/gates.py [area/exercise ...]
"""

import argparse
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "exercises")]
import tempo  # noqa: E402
from test_gates import BUDGET_GATES, BUDGET_TESTS, EXERCISES, gates_of, measured, spent, spent_by_tests  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("exercises", nargs="*", help="by default, all")
    asked = parser.parse_args().exercises
    console = Console(file=sys.stdout)
    table = Table("exercise", "tests cells", "all gates", "CPU seconds here", "the most", title="Typical seconds")
    rows = {}
    for exercise in track([e for e in EXERCISES if not asked or e.name in asked], console=console):
        with redirect_stdout(io.StringIO()):  # what notebooks print
            seconds = {gate: measured(exercise, *gate)[0].seconds for gate in gates_of(exercise)}
        most = max(seconds, key=seconds.__getitem__)
        rows[exercise.name] = {
            "tests_cells": spent_by_tests(exercise),
            "all_gates": spent(exercise),
            "cpu_seconds": sum(seconds.values()),
        }
        table.add_row(
            exercise.name,
            _against(rows[exercise.name]["tests_cells"], BUDGET_TESTS),
            _against(rows[exercise.name]["all_gates"], BUDGET_GATES),
            f"{rows[exercise.name]['cpu_seconds']:.1f}",
            f"{', '.join(filter(None, most))}: {seconds[most]:.1f}",
        )
    console.print(table)
    console.print(f"{tempo.slowness():.2f} CPU seconds here are one of the typical machine.")
    report = {
        "machine": machine.describe().cpu,
        "slowness": tempo.slowness(),
        "budget_tests": BUDGET_TESTS,
        "budget_gates": BUDGET_GATES,
        "exercises": rows,
    }
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2))


def _against(spent: float, budget: float) -> str:
    """Say how much of a budget is spent; bold where it is more than all."""
    style = "[bold]" if spent > budget else ""
    return f"{style}{spent:.1f} of {budget:g}"


if __name__ == "__main__":
    main()
