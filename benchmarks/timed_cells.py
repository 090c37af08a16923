"""Run every timed cell on its solution, quiet and beside two busy loops: what is lost, and how far the target is.

Asked for: a solution keeps all points in 20 busy runs; an answer's points differ by at most one step between busy
runs; and on a quiet machine the lower end of a solution's interval is twice the target. Where it is less, the row
is marked "thin"; below 1.33, which a cell must have, "TOO THIN". A function that is compared with itself reaches 1
at best: its rows cannot say more than one over the target.

    python benchmarks/timed_cells.py [--runs 20] [--quiet] [--twins] [exercise ...]
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from perflab import machine, words
from perflab.check.report import Report
from perflab.cli.screen import table_of
from perflab.course.gates import busy, grade, mutants
from perflab.course.source import Cell, Exercise, read_all

ROOT = Path(__file__).parents[1]
LOADS = {"quiet": nullcontext, "busy": busy}
QUIET_RUNS = 3
LEAST, PLENTY = 1.33, 2.0  # of the lower end over the target


@dataclass(frozen=True)
class Row:
    """Some runs of one timed cell on one answer.

    Attributes
    ----------
    exercise, cell, answer, load : str
    of, full : float
        Points, and the ratio that earns all of them.
    ratio, lowest : float
        The median of all ratios, and the lowest lower end of all intervals.
    lost : int
        Runs that did not earn all points.
    points : list of float
        Of each run.
    unsure : int
        Runs that were too noisy to say.
    """

    exercise: str
    cell: str
    answer: str
    load: str
    of: float
    full: float
    ratio: float
    lowest: float
    lost: int
    points: list[float]
    unsure: int

    @property
    def margin(self) -> float:
        """The lowest lower end over the target."""
        return self.lowest / self.full

    @property
    def mark(self) -> str:
        """What a solution's margin, on a quiet machine, is called."""
        if self.answer != "solved" or self.load != "quiet" or self.margin >= PLENTY:
            return ""
        return "TOO THIN" if self.margin < LEAST else "thin"


def timed(exercise: Exercise) -> list[Cell]:
    """Return the cells of an exercise that measure a ratio of times."""
    return [cell for cell in exercise.of_role("tests") if "check.faster(" in cell.source]


def answers(exercise: Exercise, twins: bool) -> dict[str, str | None]:
    """Return the solution and, where asked for, the twins that earn a part of a timed cell."""
    found: dict[str, str | None] = {"solved": None}
    if twins:
        names = {cell.grade_id: cell.points for cell in timed(exercise)}
        for name, (source, expected) in mutants(ROOT / "tests" / "exercises" / f"{exercise.name}.py").items():
            if any(
                isinstance(expected.get(cell), tuple) or 0 < expected.get(cell, 0) < of
                for cell, of in names.items()
            ):
                found[name] = source
    return found


def only(exercise: Exercise) -> Exercise:
    """Return the exercise without the cells that are neither timed nor about correctness."""
    kept = {cell.grade_id for cell in timed(exercise)}
    cells = [
        cell
        for cell in exercise.cells
        if cell.role != "tests" or cell.grade_id in kept or "check.correct(" in cell.source
    ]
    return Exercise(exercise.path, exercise.name, exercise.header, tuple(cells))


def measured(exercise: Exercise, answer: str, source: str | None, load: str, runs: int) -> Iterator[Row]:
    """Run an answer some times; return a row for each of its timed cells that measured something."""
    found: dict[str, list[Report]] = {cell.grade_id: [] for cell in timed(exercise)}
    with LOADS[load]():
        for _ in range(runs):
            run = grade(only(exercise), source)
            for cell, reports in found.items():
                reports.append(run.cells[cell].report)
    for cell, reports in found.items():
        some = [one for one in reports if one.interval is not None]
        if not some:
            continue
        points = [one.points for one in reports]
        yield Row(
            exercise.name,
            cell,
            answer,
            load,
            of=reports[0].of,
            full=some[0].target,
            ratio=float(np.median([one.value for one in some])),
            lowest=min(one.interval[0] for one in some),
            lost=sum(one < reports[0].of for one in points),
            points=points,
            unsure=sum(one.unsure for one in some),
        )


def told(rows: list[Row]) -> Table:
    """Return the rows as people read them."""
    heads = ("timed cell", "answer", "full", "ratio", "lowest", "over full", "lost", "spread", "noisy", "")
    table = table_of(*heads, title="Timed cells")
    for row in rows:
        numbers = map(words.number, (row.full, row.ratio, row.lowest, row.margin))
        runs = len(row.points)
        lost = f"{row.lost} of {runs}" if row.answer == "solved" else "-"
        spread = f"{max(row.points) - min(row.points):g} of {row.of:g}"
        table.add_row(
            row.cell, f"{row.answer}, {row.load}", *numbers, lost, spread, f"{row.unsure} of {runs}", row.mark
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("exercises", nargs="*", help="e.g. memory/soa_vs_aos; all by default")
    parser.add_argument("--runs", type=int, default=20, help="busy runs of each answer")
    parser.add_argument("--quiet", action="store_true", help="quiet runs only, as many")
    parser.add_argument("--twins", action="store_true", help="also twins that earn a part of a timed cell")
    chosen = parser.parse_args()
    loads = (
        {"quiet": chosen.runs} if chosen.quiet else {"quiet": min(QUIET_RUNS, chosen.runs), "busy": chosen.runs}
    )
    all_of = [one for one in read_all(ROOT / "solutions") if timed(one)]
    if unknown := set(chosen.exercises) - {one.name for one in all_of}:
        parser.error(f"no timed cell in {', '.join(sorted(unknown))}")
    work = [
        (exercise, answer, source, load, runs)
        for exercise in all_of
        if exercise.name in chosen.exercises or not chosen.exercises
        for answer, source in answers(exercise, chosen.twins).items()
        for load, runs in loads.items()
    ]
    target = ROOT / "_build" / "benchmarks" / f"{Path(__file__).stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for one in track(work, description="answers", console=Console(stderr=True)):
        rows += measured(*one)
        # Each is kept: all of it takes the better part of an hour.
        report = {
            "machine": machine.describe().cpu,
            "rows": [{**asdict(row), "margin": row.margin} for row in rows],
        }
        target.write_text(json.dumps(report, indent=2))
    Console().print(told(rows))


if __name__ == "__main__":
    main()
