"""Commands for instructors: grade | forget.

What they need takes a second to import. It is imported where it is used: workers start meanwhile.
"""

import json
import os
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from perflab.cli.screen import app, err, out, steps, table_of
from perflab.course.errors import CourseError
from perflab.judge import pool
from perflab.words import counted

if TYPE_CHECKING:
    from traitlets.config import Config

    from perflab.judge.batch import Outcome
    from perflab.judge.forget import Stored
    from perflab.judge.replay import Replay
    from perflab.judge.settings import Settings
    from perflab.judge.verdict import CellVerdict

# This process writes the gradebook. It gives way to those that examine: they measure, and wait for each other.
BEHIND = 15

Class = Annotated[Path, typer.Option("--class", help="The folder of the class.")]
Gradebook = Annotated[str, typer.Option(help="Its URL; by default as nbgrader_config.py says, or SQLite.")]
Assignment = Annotated[str, typer.Argument(help="Its name, e.g. memory-locality.")]


@app.command()
def grade(
    assignment: Assignment,
    root: Class = Path("class"),
    jobs: Annotated[int | None, typer.Option(min=1, help="Submissions side by side; by default, cores.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="A dask scheduler's address, or `local` for one on this machine.")
    ] = None,
    student: Annotated[str | None, typer.Option("--replay", help="A student: examine again, same inputs.")] = None,
    gradebook: Gradebook = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="Run student code as you, with all your rights.")
    ] = False,
) -> None:
    """Grade all submissions of an assignment in sandboxes and write the gradebook."""
    root = root.resolve()
    if student is not None:
        _replay(root, assignment, student, unsafe, gradebook)
        return
    jobs = jobs or len(os.sched_getaffinity(0))
    pools = pool.cluster(cluster, jobs) if cluster else nullcontext(pool.local_pool(jobs))
    with pools as workers:
        os.setpriority(os.PRIO_PROCESS, 0, BEHIND)
        outcome = _graded(root, assignment, workers, unsafe, gradebook)
    if as_json:
        sys.stdout.write(_as_json(outcome) + "\n")
    else:
        _print(assignment, outcome)
    if outcome.failed:
        lines = [f"{who}: nbgrader could not write the grades: {why}" for who, why in outcome.failed.items()]
        why = "\n".join(lines)
        raise CourseError(f"{why}\nAll other grades are written; grade again when this is mended.")


def _replay(root: Path, assignment: str, student: str, unsafe: bool, gradebook: str) -> None:
    from perflab.judge.replay import replay

    _, settings = _settings(root, unsafe, gradebook)
    with steps() as step:
        step(f"examine {student} again")
        twice = replay(root, assignment, student, settings)
    out.print(_replay_table(student, twice))


def _graded(root: Path, assignment: str, workers: pool.Pool, unsafe: bool, gradebook: str) -> "Outcome":
    from perflab.judge import batch

    config, settings = _settings(root, unsafe, gradebook)
    parts = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    times = TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()
    with Progress(*parts, *times, console=err, transient=True) as bar:
        task = bar.add_task(f"grade {assignment}", total=None)
        return batch.grade(
            root,
            assignment,
            config,
            settings,
            workers,
            lambda done, of: bar.update(task, completed=done, total=of),
        )


def _settings(root: Path, unsafe: bool, gradebook: str) -> "tuple[Config, Settings]":
    from perflab.course.classroom import configured
    from perflab.judge.settings import Settings

    config = configured(root, "none" if unsafe else "", gradebook)
    return config, Settings(config.Judge.get("sandbox", "bubblewrap"))


def _print(assignment: str, outcome: "Outcome") -> None:
    out.print(_grades_table(assignment, outcome))
    equal = len(outcome.verdicts) - outcome.examined - outcome.known
    said = f"{counted(outcome.examined, 'notebook')} examined now"
    said += f", {equal} equal to one of them" if equal else ""
    said += f", {outcome.known} known from before. "
    out.print(f"{said}Grades written now: those of {counted(outcome.written, 'student')}.", soft_wrap=True)
    if outcome.timeless:
        count = "counts" if len(outcome.timeless) == 1 else "count"
        out.print(
            f"{counted(len(outcome.timeless), 'submission')} without timestamp.txt {count} as on time: "
            f"{', '.join(outcome.timeless)}.",
            soft_wrap=True,
        )


@app.command()
def forget(
    student: Annotated[str, typer.Argument(help="The id, as in submitted/.")],
    root: Class = Path("class"),
    gradebook: Gradebook = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete what the class keeps of a student: files, verdicts, rows of the gradebook."""
    from perflab.course.classroom import configured
    from perflab.judge import forget as keeping
    from perflab.judge.gradebook import url_of

    root = root.resolve()
    url = url_of(root, configured(root, gradebook=gradebook))
    found = keeping.stored(root, student, url)
    out.print(_of_student(root, found), markup=False, soft_wrap=True)
    if not (yes or typer.confirm("Delete all of this for good?", err=True)):
        raise CourseError("Nothing was deleted.")
    keeping.forget(found, url)
    out.print(
        f"Deleted. What archives in {root / 'downloaded'} and the exchange hold of {student} is still there.",
        markup=False,
        soft_wrap=True,
    )


def _of_student(root: Path, found: "Stored") -> str:
    from perflab.judge.plugin import VERDICTS

    lines = [f"Of {found.student} are kept:"]
    lines += [f"  {folder}" for folder in found.folders]
    if found.verdicts:
        verdicts = counted(len(found.verdicts), "verdict")
        lines.append(f"  {verdicts} in {root / VERDICTS} that no other student's work uses")
    if found.in_gradebook:
        lines.append("  rows of the gradebook: submissions, grades and comments")
    return "\n".join(lines)


def _grades_table(assignment: str, outcome: "Outcome") -> Table:
    late = any(row.penalty for row in outcome.rows)
    heads = ("student", "notebook", "points", *(["late"] if late else []), "for a human")
    table = table_of(*heads, title=assignment)
    for row in outcome.rows:
        points = "-" if row.points is None else f"{row.points:g} of {row.of:g}"
        notebook = f"{row.notebook} (handed in as {row.file})" if row.file else row.notebook or "-"
        taken = [f"-{row.penalty:g}" if row.penalty else ""] if late else []
        table.add_row(row.student, notebook, points, *taken, "\n".join(row.human))
    return table


def _as_json(outcome: "Outcome") -> str:
    verdicts = [
        {"student": student, "notebook": notebook, **json.loads(verdict.to_json())}
        for (student, notebook), verdict in sorted(outcome.verdicts.items())
    ]
    about = {"examined": outcome.examined, "known": outcome.known, "written": outcome.written}
    rows = [asdict(row) for row in outcome.rows]
    return json.dumps({**about, "timeless": outcome.timeless, "rows": rows, "verdicts": verdicts}, indent=1)


def _replay_table(student: str, twice: "list[Replay]") -> Table:
    table = table_of("notebook", "tests cell", "of", "then", "now", title=f"{student}, with the same inputs")
    for one in twice:
        then = {cell.grade_id: cell for cell in one.then.cells}
        table.add_section()
        for cell in one.now.cells:
            before = _found(then[cell.grade_id]) if cell.grade_id in then else "-"
            table.add_row(one.notebook, cell.grade_id, f"{cell.report.of:g}", before, _found(cell))
    return table


def _found(cell: "CellVerdict") -> str:
    """Return the points of a tests cell and why, with what was measured."""
    report = cell.report
    measured = [f"{name}: {value}" for name, value in report.rows]
    return "\n".join([f"{report.points:g} points", report.sentence, *measured])
