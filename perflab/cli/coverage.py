"""A command for authors: coverage."""

import json
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from perflab.cli.screen import Root, app, out, table_of
from perflab.course import CourseError
from perflab.course.coverage import KINDS, Coverage
from perflab.course.coverage import coverage as coverage_of


@app.command()
def coverage(
    root: Root = Path("."),
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show what of the curriculum the course covers, point by point; fail where a chapter misses one."""
    found = coverage_of(root)
    if as_json:
        sys.stdout.write(json.dumps([asdict(topic) for topic in found], indent=1, default=str) + "\n")
    else:
        out.print(_points_table(found))
        out.print(_areas_table(found))
        out.print(_in_words(found), soft_wrap=True)
    if problems := [problem for topic in found for problem in topic.problems]:
        raise CourseError("\n".join(map(str, problems)))


def _points_table(found: list[Coverage]) -> Table:
    """Return the points of the topics that have a chapter."""
    table = table_of("point", "kind", "", "line", "exercises", title="Topics that have a chapter")
    for topic in found:
        if topic.chapter is None:
            continue
        table.add_section()
        table.add_row(topic.id, style="bold")
        for point in topic.points:
            name = point.id.removeprefix(f"{topic.id}/")
            names = "\n".join(exercise.split("/")[1] for exercise in point.exercises)
            table.add_row(f"  {name}", point.kind, point.state, str(point.line or "-"), names)
    return table


def _areas_table(found: list[Coverage]) -> Table:
    """Return how many points of each kind are covered, by area, with the topics that are open."""
    table = table_of("area", *KINDS, "no chapter yet", title="Points covered, of all in the curriculum")
    areas = [(area, [*topics]) for area, topics in groupby(found, key=lambda topic: topic.id.split("/")[0])]
    for area, topics in [*areas, ("together", found)]:
        counts = [[topic.count(kind) for topic in topics] for kind in KINDS]
        sums = [(sum(covered for covered, _ in pairs), sum(of for _, of in pairs)) for pairs in counts]
        cells = [f"{covered} of {of}" if of else "-" for covered, of in sums]
        absent = [topic.id.split("/")[1] for topic in topics if topic.chapter is None]
        if area == "together":
            table.add_section()
        table.add_row(area, *cells, f"{len(absent)} topics" if area == "together" else ", ".join(absent))
    return table


def _in_words(found: list[Coverage]) -> str:
    written = [topic for topic in found if topic.chapter]
    points = [point for topic in written for point in topic.points]
    good = sum(point.state == "covered" for point in points)
    practiced = sum(bool(point.exercises) for point in points)
    return (
        f"{len(written)} of {len(found)} topics have a chapter. Of the {len(points)} points of these, {good} are "
        f"covered in their kind, and {practiced} have an exercise."
    )
