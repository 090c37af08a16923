"""Grade `soa_vs_aos` many times by the judge, the reference and the naive code, half of them with both cores busy.

Asked for: 1,000 gradings each with no wrong points, and at most 2 % too noisy to say. A point is wrong if the
reference loses any or the naive code gains any. Submissions are graded as `perflab grade` does it: as many side by
side as there are cores, and what was too noisy to say once more, with no other beside it. What is too noisy then
waits for a human.

    python benchmarks/grading_soa_vs_aos.py [--times 1000]
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
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
from perflab.judge.examine import examine
from perflab.judge.pool import local_pool
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[1]
EXERCISE = "memory/soa_vs_aos"
LOADS = {"quiet": nullcontext, "busy": busy}
RIGHT = {"solved": 1.0, "naive": 0.0}  # which share of the points each code must get
ROUND = 25


def graded(
    executor: Executor, trusted: str, submitted: str, times: int, speed: Cell, share: float
) -> Iterator[str]:
    """Grade a submission some times; say of each whether the points of its timed cell are right."""
    settings = Settings().to_dict()
    # As `perflab grade` does: the process of the next one starts meanwhile.
    first = [executor.submit(examine, trusted, submitted, settings, more=True) for _ in range(times)]
    found = [judged(future.result(), speed, share) for future in first]
    for once in found:
        yield once
        if once == "noisy":
            again = executor.submit(examine, trusted, submitted, settings, quiet=True).result()
            yield f"{judged(again, speed, share)}, second try"


def judged(verdict: str, speed: Cell, share: float) -> str:
    report = next(c.report for c in Verdict.from_json(verdict).cells if c.grade_id == speed.grade_id)
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
    kinds = ("right", "wrong", "noisy", "right, second try", "wrong, second try", "noisy, second try")
    seen = {f"{code}, {load}": Counter(dict.fromkeys(kinds, 0)) for code in RIGHT for load in LOADS}
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    rounds = range(0, times // 2, ROUND)
    with local_pool(len(os.sched_getaffinity(0))).open() as executor:
        # In turns, and each round is kept: all of it takes the better part of an hour.
        for start in track(rounds, description="rounds", console=Console(stderr=True)):
            some = min(ROUND, times // 2 - start)
            for code, load in product(RIGHT, LOADS):
                with LOADS[load]():
                    seen[f"{code}, {load}"].update(
                        graded(executor, trusted, texts[code], some, speed, RIGHT[code])
                    )
            report = {"times": start + some, "machine": machine.describe().cpu, "seen": seen}
            target.write_text(json.dumps(report, indent=2))
    table = Table("code", *kinds, title=f"{EXERCISE}, {times} gradings of each code")
    for name, count in seen.items():
        table.add_row(name, *(str(count[kind]) for kind in kinds))
    Console().print(table)


if __name__ == "__main__":
    main()
