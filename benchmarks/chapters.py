"""Execute chapters of the book from cold, one after the other: seconds, CPU seconds and peak memory of each.

Asked for: branch prediction, locality, batching and system calls in at most 3 minutes together, loops, techniques,
memoization, work stealing and false sharing likewise, on two cores and 1.5 GiB. Nothing is kept from one page to
the next: each has a kernel of its own, and a new folder for what Numba caches.

    python benchmarks/chapters.py [area/topic ...]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from rich.console import Console
from rich.table import Table

from perflab import machine

ROOT = Path(__file__).parents[1]
GROUPS = (
    ("cpu/branch-prediction", "memory/locality", "io/batching", "system/syscalls"),
    (
        "algorithms/loops",
        "algorithms/techniques",
        "algorithms/memoization",
        "concurrency/work-stealing",
        "concurrency/false-sharing",
    ),
)
SECONDS = 180  # that a group may take


def execute(chapter: str) -> None:
    """Execute a chapter in this process's kernel and say what it took, as JSON."""
    path = ROOT / "book" / f"{chapter}.md"
    notebook = jupytext.read(path)
    start = time.perf_counter()
    NotebookClient(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": path.parent}}
    ).execute()
    seconds = time.perf_counter() - start
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"seconds": seconds, "cpu": spent.ru_utime + spent.ru_stime, "peak_mib": spent.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(found))


def measured(chapter: str) -> dict[str, float]:
    """Execute a chapter in a fresh process with nothing cached."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, __file__, "--alone", chapter],
            env={**os.environ, "NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("chapters", nargs="*", help="by default, those that have a budget")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        execute(*asked.chapters)
        return
    groups = [tuple(asked.chapters)] if asked.chapters else GROUPS
    table = Table("chapter", "seconds", "CPU seconds", "peak, MiB", title="From cold")
    report = {"machine": machine.describe().cpu, "budget_seconds": SECONDS, "chapters": {}}
    for group in groups:
        found = {chapter: measured(chapter) for chapter in group}
        report["chapters"].update(found)
        for chapter, of in found.items():
            table.add_row(chapter, f"{of['seconds']:.1f}", f"{of['cpu']:.1f}", f"{of['peak_mib']:.0f}")
        sums = [sum(of[key] for of in found.values()) for key in ("seconds", "cpu")]
        table.add_row("together", *(f"{value:.1f}" for value in sums), "", end_section=True)
    Console().print(table)
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
