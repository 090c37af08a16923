"""A command for instructors after grading: statistics."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from perflab.cli.grade import Assignment, Class, Gradebook
from perflab.cli.screen import app, out, table_of
from perflab.words import counted

if TYPE_CHECKING:
    from perflab.judge.statistics import Distribution, Item, Statistics

BLOCKS = "▁▂▃▄▅▆▇█"
BAR = 40  # characters of the longest


@app.command()
def statistics(
    assignment: Assignment,
    root: Class = Path("class"),
    gradebook: Gradebook = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show how difficult the tests cells of a graded assignment were, and how well each tells students apart."""
    # It takes a second to import.
    from perflab.course.classroom import configured
    from perflab.judge.gradebook import url_of
    from perflab.judge.statistics import statistics as statistics_of

    root = root.resolve()
    found = statistics_of(root, assignment, url_of(root, configured(root, gradebook=gradebook)))
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")
        return
    out.print(_items_table(found))
    out.print(_reasons_table(found.items))
    out.print(_points_table(found.points))
    out.print(_in_words(found), soft_wrap=True)


def _items_table(found: "Statistics") -> Table:
    table = table_of("tests cell", title=found.assignment)
    for head in ("of", "mean share", "none", "all", "discrimination", "quartiles", "0 to all", "for a human"):
        table.add_column(head, justify="left" if head == "0 to all" else "right")
    for i, item in enumerate(found.items):
        if i and item.notebook != found.items[i - 1].notebook:
            table.add_section()
        shares = (f"{share:.0%}" for share in (item.difficulty, item.none, item.full))
        told = "-" if item.discrimination is None else f"{item.discrimination:.2f}"
        quartiles = " ".join(f"{points:g}" for points in item.points.quartiles[1:4])
        waiting = str(item.flagged or "")
        table.add_row(
            item.grade_id, f"{item.points.of:g}", *shares, told, quartiles, _sparkline(item.points), waiting
        )
    return table


def _sparkline(points: "Distribution") -> str:
    """Return a histogram in one line; a dot where nobody is."""
    most = max(points.histogram)
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * n / most)] if n else "." for n in points.histogram)


def _reasons_table(items: "tuple[Item, ...]") -> Table:
    table = table_of("tests cell", "students", "why points are missing")
    for item in items:
        table.add_section()
        for i, (why, students) in enumerate(item.reasons):
            # Text, since an answer's words are no markup.
            table.add_row("" if i else item.grade_id, str(students), Text(why))
    return table


def _points_table(points: "Distribution") -> Table:
    table = Table("points", "students", title="All tests cells together")
    step, most = points.of / len(points.histogram), max(points.histogram)
    for i, students in enumerate(points.histogram):
        bar = "█" * round(BAR * students / most)
        table.add_row(f"{i * step:.3g} to {(i + 1) * step:.3g}", f"{bar} {students}" if students else "")
    return table


def _in_words(found: "Statistics") -> str:
    low, *middle, high = (f"{points:g}" for points in found.points.quartiles)
    said = (
        f"{counted(found.students, 'student')}: {found.points.mean:.1f} of {found.points.of:g} points on average, "
        f"from {low} to {high}, quartiles {', '.join(middle)}."
    )
    if found.waiting:
        are = "is" if found.waiting == 1 else "are"
        said += f" {counted(found.waiting, 'student')} handed in and {are} not graded yet."
    if found.nothing:
        said += f" {counted(found.nothing, 'student')} handed in nothing that can be graded."
    return said
