"""What `perflab check` costs beside running the same cells with nbclient, for solved notebooks.

Asked for: at most 1.5 times as long. A pair is one check, as a command from its start to its exit code, and one
run of the cells that it runs, in a kernel of their own, in random order. Beside it stands a run of all cells,
pictures included, as JupyterLab's Run All does.

    python benchmarks/check_cost.py [--pairs 3] [area/exercise ...]
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
from nbclient import NotebookClient
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import track

from perflab import machine
from perflab.cli.screen import table_of
from perflab.course.kernel import ARGUMENTS
from perflab.course.notebook import to_bytes
from perflab.course.original import role_of
from perflab.course.source import Exercise, read_all
from perflab.judge.sample import submissions

ROOT = Path(__file__).parents[1]
MOST = 1.5
CELL_SECONDS = 600  # no limit is measured here


def solved(exercise: Exercise) -> NotebookNode:
    return submissions(exercise, {})["solved"]


def seconds_of(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def checked(path: Path) -> None:
    """Check a notebook as a learner does."""
    command = [Path(sys.executable).parent / "perflab", "check", path, "--limit", str(CELL_SECONDS)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True)
    if done.returncode == 2:
        raise RuntimeError(f"{path}: {done.stderr}")


def executed(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells of a notebook."""
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(deepcopy(notebook), timeout=CELL_SECONDS, allow_errors=True, resources=resources)
    client.extra_arguments = ARGUMENTS
    client.execute()


def measured(exercise: Exercise, pairs: int, root: Path) -> dict[str, list[float]]:
    """Return the seconds of each check, and of each run without pictures and with them."""
    notebook = solved(exercise)
    path = root / "work" / f"{exercise.name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(notebook))
    bare = deepcopy(notebook)
    bare.cells = [cell for cell in bare.cells if role_of(cell) != "show"]
    kinds = {
        "check": lambda: checked(path),
        "cells": lambda: executed(bare, path.parent),
        "run_all": lambda: executed(notebook, path.parent),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(pairs):
        for kind in random.sample(sorted(kinds), len(kinds)):
            found[kind].append(seconds_of(kinds[kind]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("exercises", nargs="*", help="by default, all")
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    console = Console(file=sys.stdout)
    heads = ("exercise", "check", "its cells", "Run All", "check over its cells", "check over Run All")
    table = table_of(*heads, title=f"Seconds, medians of {asked.pairs}; at most {MOST:g} times as long")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "exercises", root / "exercises")
        chosen = [e for e in read_all(ROOT / "solutions") if not asked.exercises or e.name in asked.exercises]
        for exercise in track(chosen, console=console):
            seconds = measured(exercise, asked.pairs, root)
            ratios = {
                kind: float(np.median(np.array(seconds["check"]) / np.array(seconds[kind])))
                for kind in ("cells", "run_all")
            }
            rows[exercise.name] = {"seconds": seconds, "ratios": ratios}
            table.add_row(
                exercise.name,
                *(f"{np.median(seconds[kind]):.1f}" for kind in ("check", "cells", "run_all")),
                f"{'[bold]' if ratios['cells'] > MOST else ''}{ratios['cells']:.2f}",
                f"{ratios['run_all']:.2f}",
            )
    console.print(table)
    over = [name for name, row in rows.items() if row["ratios"]["cells"] > MOST]
    console.print(f"Beyond {MOST:g} times: {', '.join(over) or 'none'}.")
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"machine": machine.describe().cpu, "most": MOST, "exercises": rows}, indent=2))


if __name__ == "__main__":
    main()
