"""Kill the grader at 20 random moments: after resuming, the gradebook equals that of an undisturbed run.

    python benchmarks/grading_killed.py [--kills 20] [--students 160] [--seed 1] [--jobs 2]

All answers are distinct, so that each has to be examined; the points are exact, so that they can be compared.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from perflab import machine
from perflab.judge.processes import tree

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "grading")]

from quick import ANSWERS, Class, environment  # noqa: E402


def handed_in(folder: Path, students: int) -> Class:
    found = Class(folder)
    for i, (who, answer) in enumerate(list(ANSWERS.items()) * (-(-students // len(ANSWERS)))):
        if i < students:
            found.submit(f"{who}{i:03}", f"{answer}\n\nANSWER = {i}\n")
    return found


def kill_once(found: Class, seconds: float, working: bool, jobs: int) -> dict:
    """Start the grader and kill it some seconds after its start, or after it began to work; say what there was."""
    verdicts = found.root / "verdicts"
    before = len(list(verdicts.glob("*.json")))
    running = subprocess.Popen(
        found.command("--jobs", str(jobs)),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while working and running.poll() is None and len(list(verdicts.glob("*.json"))) == before:
        time.sleep(0.02)
    try:
        running.wait(seconds)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
    family = tree(running.pid)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 10
    while (left := [pid for pid in family if _lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return {
        "after": seconds,
        "working": working,
        "ended": ended,
        "verdicts": len(list(verdicts.glob("*.json"))),
        "written": len(list((found.root / "autograded").glob("*/*/.perflab"))),
        "processes_left": len(left),
    }


def _words(said: str) -> str:
    """Return what follows the table."""
    return said.rpartition("┘")[2].strip()


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--students", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        undisturbed = handed_in(Path(name, "undisturbed"), asked.students)
        start = time.perf_counter()
        undisturbed.grade("--jobs", str(asked.jobs))
        whole = time.perf_counter() - start
        killed = handed_in(Path(name, "killed"), asked.students)
        # Every other kill comes at any moment of the start, the rest after the first new verdict.
        kills = [kill_once(killed, rng.uniform(0, 4), bool(i % 2), asked.jobs) for i in range(asked.kills)]
        said = killed.grade("--jobs", str(asked.jobs))
        same_rows = killed.rows() == undisturbed.rows()
        same_counts = killed.counts() == undisturbed.counts()
        again = killed.grade()
    table = Table("killed after", "verdicts", "students written", "processes left", title="The grader, killed")
    for one in kills:
        table.add_row(
            f"{one['after']:.1f} s of {'work' if one['working'] else 'the start'}",
            *(str(one[what]) for what in ("verdicts", "written", "processes_left")),
        )
    out = Console()
    out.print(table)
    out.print(f"An undisturbed run of {asked.students} took {whole:.1f} s. After resuming: {_words(said)}")
    out.print(f"Equal grades: {same_rows}; equal numbers of rows: {same_counts}. Once more: {_words(again)}")
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine.describe().cpu, "students": asked.students, "seed": asked.seed, "kills": kills}
    report |= {"undisturbed_seconds": whole, "equal_rows": same_rows, "equal_counts": same_counts}
    target.write_text(json.dumps(report, indent=2))
    if not (same_rows and same_counts):
        sys.exit("The gradebooks differ.")


if __name__ == "__main__":
    main()
