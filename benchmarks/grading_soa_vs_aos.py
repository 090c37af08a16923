"""Grade `soa_vs_aos` many times by the judge, the reference and the naive code, half of them with both cores busy.

Asked for: 1,000 gradings each with no wrong points, and at most 2 % too noisy to say. A point is wrong if the
reference loses any or the naive code gains any; a too-noisy run is counted apart: it waits for a human.

    python benchmarks/grading_soa_vs_aos.py [--times 1000]
"""

import argparse
import json
from collections import Counter
from contextlib import nullcontext
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.course import read
from perflab.course.gates import busy, mutants
from perflab.course.notebook import instructor, to_bytes
from perflab.course.source import Cell
from perflab.judge.examine import examine, forget
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[1]
EXERCISE = "memory/soa_vs_aos"
LOADS = {"quiet": nullcontext, "busy": busy}
RIGHT = {"solved": 1.0, "naive": 0.0}  # which share of the points each code must get
ROUND = 25


def graded(trusted: str, submitted: str, speed: Cell, share: float) -> str:
    """Grade a submission; say whether the points of its timed cell are right."""
    verdict = Verdict.from_json(examine(trusted, submitted, Settings().to_dict()))
    report = next(cell.report for cell in verdict.cells if cell.grade_id == speed.grade_id)
    if report.points == share * speed.points:
        return "right"
    return "noisy" if report.unsure else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1000, help="gradings of each code; half of them busy")
    times = parser.parse_args().times
    exercise = read(ROOT / "solutions" / f"{EXERCISE}.py")
    speed = next(c for c in exercise.of_role("tests") if c.grade_id.endswith("_speed"))
    naive, _ = mutants(ROOT / "tests" / "exercises" / f"{EXERCISE}.py")["naive"]
    trusted = to_bytes(instructor(exercise)).decode()
    written = submissions(exercise, {"naive": naive})
    texts = {code: to_bytes(written[code]).decode() for code in RIGHT}
    seen = {f"{code}, {load}": Counter(right=0, wrong=0, noisy=0) for code in RIGHT for load in LOADS}
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    rounds = range(0, times // 2, ROUND)
    # In turns, and each round is kept: all of it takes more than an hour.
    for start in track(rounds, description="rounds", console=Console(stderr=True)):
        for code, load in product(RIGHT, LOADS):
            with LOADS[load]():
                for _ in range(min(ROUND, times // 2 - start)):
                    seen[f"{code}, {load}"][graded(trusted, texts[code], speed, RIGHT[code])] += 1
        target.write_text(json.dumps({"times": times, "machine": machine.describe().cpu, "seen": seen}, indent=2))
    forget()
    table = Table("code", "right", "wrong", "too noisy", title=f"{EXERCISE}, {times} gradings of each code")
    for name, count in seen.items():
        table.add_row(name, *(str(count[kind]) for kind in ("right", "wrong", "noisy")))
    Console().print(table)


if __name__ == "__main__":
    main()
