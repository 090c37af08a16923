"""Grade `soa_vs_aos` many times by the judge, the reference and the naive code, half of them with both cores busy.

Asked for: 1,000 gradings each with no wrong points, and at most 2 % too noisy to say. A point is wrong if the
reference loses any or the naive code gains any; a too-noisy run is counted apart: it waits for a human.

    python benchmarks/grading_soa_vs_aos.py [--times 1000]
"""

import argparse
import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine
from perflab.course import read
from perflab.course.gates import busy, mutants
from perflab.course.notebook import instructor, to_bytes
from perflab.judge.examine import examine, forget
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[1]
EXERCISE = "memory/soa_vs_aos"
LOADS = {"quiet": nullcontext, "busy": busy}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1000, help="gradings of each code; half of them busy")
    times = parser.parse_args().times
    exercise = read(ROOT / "solutions" / f"{EXERCISE}.py")
    speed = next(c for c in exercise.of_role("tests") if c.grade_id.endswith("_speed"))
    naive, _ = mutants(ROOT / "tests" / "exercises" / f"{EXERCISE}.py")["naive"]
    trusted = to_bytes(instructor(exercise)).decode()
    written = submissions(exercise, {"naive": naive})
    seen: dict[str, Counter[str]] = {}
    for code, right in (("solved", float(speed.points)), ("naive", 0.0)):
        text = to_bytes(written[code]).decode()
        for load, context in LOADS.items():
            seen[f"{code}, {load}"] = count = Counter(right=0, wrong=0, noisy=0)
            with context():
                for _ in track(range(times // 2), description=f"{code}, {load}", console=Console(stderr=True)):
                    verdict = Verdict.from_json(examine(trusted, text, Settings().to_dict()))
                    cell = next(cell for cell in verdict.cells if cell.grade_id == speed.grade_id)
                    points = cell.report.points
                    count["right" if points == right else "noisy" if cell.report.unsure else "wrong"] += 1
    forget()
    table = Table("code", "right", "wrong", "too noisy", title=f"{EXERCISE}, {times} gradings of each code")
    for name, count in seen.items():
        table.add_row(name, *(str(count[kind]) for kind in ("right", "wrong", "noisy")))
    Console().print(table)
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"times": times, "machine": machine.describe().cpu, "seen": seen}, indent=2))


if __name__ == "__main__":
    main()
