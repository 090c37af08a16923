"""Grade `soa_vs_aos` 100 times each for the reference and the naive code while both cores are kept busy.

Asked for: no wrong points, and at most 2 % too noisy to say. A point is wrong if the reference loses any or the
naive code gains any; a too-noisy run is counted apart, since the learner is told so.
"""

import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.course import read
from perflab.course.gates import busy, grade, mutants

ROOT = Path(__file__).parents[1]
EXERCISE = "memory/soa_vs_aos"
TIMES = 100


def main() -> None:
    exercise = read(ROOT / "solutions" / f"{EXERCISE}.py")
    speed = next(c for c in exercise.of_role("tests") if c.grade_id.endswith("_speed"))
    naive, _ = mutants(ROOT / "tests" / "exercises" / f"{EXERCISE}.py")["naive"]
    sides = {"reference": (None, float(speed.points)), "naive": (naive, 0.0)}
    seen: dict[str, Counter[str]] = {}
    for side, (answer, right) in sides.items():
        seen[side] = Counter(right=0, wrong=0, noisy=0)
        with busy():
            for _ in track(range(TIMES), description=side, console=Console(stderr=True)):
                cell = grade(exercise, answer).cells[speed.grade_id]
                seen[side]["right" if cell.points == right else "noisy" if cell.unsure else "wrong"] += 1
    table = Table(
        "code", "right", "wrong", "too noisy", title=f"{EXERCISE}, {TIMES} gradings each, both cores busy"
    )
    for side, count in seen.items():
        table.add_row(side, *(str(count[name]) for name in ("right", "wrong", "noisy")))
    Console().print(table)
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"times": TIMES, "machine": machine.describe().cpu, "seen": seen}, indent=2))


if __name__ == "__main__":
    main()
