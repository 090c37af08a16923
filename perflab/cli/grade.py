"""Commands for instructors: grade."""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from perflab.cli.screen import app, err, out, steps
from perflab.course.classroom import class_config
from perflab.judge import batch
from perflab.judge.replay import Replay, replay
from perflab.judge.settings import Settings

Class = Annotated[Path, typer.Option("--class", help="The folder of the class.")]
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
    gradebook: Annotated[str, typer.Option(help="Its URL; by default SQLite in the class.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help="Run student code as you, with all your rights.")
    ] = False,
) -> None:
    """Grade all submissions of an assignment in sandboxes and write the gradebook."""
    settings = Settings("none" if unsafe else "bubblewrap")
    if student is not None:
        with steps() as step:
            step(f"examine {student} again")
            twice = replay(root, assignment, student, settings)
        out.print(_replay_table(student, twice))
        return
    jobs = jobs or len(os.sched_getaffinity(0))
    pools = batch.cluster(cluster, jobs) if cluster else nullcontext(batch.local_pool(jobs))
    parts = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with pools as open_pool, Progress(*parts, TimeElapsedColumn(), console=err, transient=True) as bar:
        task = bar.add_task(f"grade {assignment}", total=None)
        config = class_config(root.resolve(), settings.sandbox, gradebook)
        outcome = batch.grade(
            root.resolve(),
            assignment,
            config,
            settings,
            open_pool,
            lambda done, of: bar.update(task, completed=done, total=of),
        )
    if as_json:
        sys.stdout.write(_as_json(outcome) + "\n")
        return
    out.print(_grades_table(assignment, outcome))
    known = len(outcome.verdicts) - outcome.examined
    out.print(
        f"{outcome.examined} examined now, {known} known from before. "
        f"Grades written now: those of {outcome.written} students.",
        soft_wrap=True,
    )


def _grades_table(assignment: str, outcome: batch.Outcome) -> Table:
    table = Table("student", "notebook", "points", "for a human", title=assignment)
    for (student, notebook), verdict in sorted(outcome.verdicts.items()):
        possible = sum(cell.report.of for cell in verdict.cells)
        table.add_row(student, notebook, f"{verdict.points:g} of {possible:g}", "\n".join(verdict.flags))
    return table


def _as_json(outcome: batch.Outcome) -> str:
    verdicts = [
        {"student": student, "notebook": notebook, **json.loads(verdict.to_json())}
        for (student, notebook), verdict in sorted(outcome.verdicts.items())
    ]
    return json.dumps({"examined": outcome.examined, "written": outcome.written, "verdicts": verdicts}, indent=1)


def _replay_table(student: str, twice: list[Replay]) -> Table:
    table = Table("notebook", "tests cell", "then", "now", "why, now", title=f"{student}, with the same inputs")
    for one in twice:
        then = {cell.grade_id: cell.report for cell in one.then.cells}
        for cell in one.now.cells:
            before = f"{then[cell.grade_id].points:g}" if cell.grade_id in then else "-"
            report = cell.report
            table.add_row(
                one.notebook, cell.grade_id, before, f"{report.points:g} of {report.of:g}", report.sentence
            )
    return table
