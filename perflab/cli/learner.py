"""Commands for learners: work | check | progress.

What a check needs takes a second to import. It is imported once every path is known to be right.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from perflab.cli.screen import Root, app, err, out, steps, table_of
from perflab.course.errors import CourseError
from perflab.words import number

if TYPE_CHECKING:
    from perflab.course.checking import Checked
    from perflab.course.results import CellResult

LIMIT = 60.0  # seconds of one cell; those of a solved exercise take four, all together
MISSED, BROKEN = 1, 2  # exit codes: something was not earned; something cannot be checked


@app.command()
def work(root: Root = Path(".")) -> None:
    """Copy the exercises that are missing to work/; never touch a copy that is there."""
    for name, source in _exercises(root).items():
        copy = root / "work" / f"{name}.ipynb"
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_name(f".{copy.name}.part")  # a copy is whole, or not there
            shutil.copyfile(source, part)
            part.replace(copy)
            out.print(f"added {copy}", markup=False, soft_wrap=True)


@app.command()
def check(
    exercises: Annotated[
        list[str], typer.Argument(help="Names, such as memory/soa_vs_aos or soa_vs_aos, or paths of notebooks.")
    ],
    limit: Annotated[float, typer.Option(min=1.0, help="Seconds that one cell may take.")] = LIMIT,
    pictures: Annotated[bool, typer.Option("--pictures", help="Run the cells that draw, too.")] = False,
) -> None:
    """Run notebooks from top to bottom, as grading does, and show their points.

    Exit codes: 0 if all points were earned, 1 if some were not, 2 if something cannot be checked. With several
    notebooks all are run, and the highest code counts.
    """
    from perflab.course.choosing import chosen
    from perflab.course.results import open_notebook

    code = 0
    opened = []
    for argument in exercises:
        try:
            path = chosen(argument, Path.cwd())
            opened.append((path, open_notebook(path)))
        except CourseError as error:
            _say(error)
            code = BROKEN
    for path, notebook in opened:
        from perflab.course.checking import check as check_notebook

        try:
            with steps() as step:
                step(f"start a kernel for {path.stem}")
                found = check_notebook(path, notebook, limit, pictures, step)
        except CourseError as error:
            _say(error)
            code = BROKEN
            continue
        except KeyboardInterrupt:
            err.print("Stopped. What was found so far is not kept.", soft_wrap=True)
            raise typer.Exit(BROKEN) from None
        _show(_title(path), found)
        code = max(code, 0 if found.full else MISSED)
    raise typer.Exit(code)


@app.command()
def progress(root: Root = Path(".")) -> None:
    """Show the points of your copies in work/: what check and your saved notebooks found last."""
    from perflab.course.results import NoNotebookError
    from perflab.course.standing import standing

    exercises = _exercises(root)
    table = table_of("exercise", "points", "from", "to do next", title="Your exercises", names=exercises)
    remarks = []
    stale = False
    for name, source in exercises.items():
        try:
            found = standing(_course(root), name, source)
        except NoNotebookError as error:
            advice = "Move it away, then `perflab work` adds a fresh one."
            table.add_row(name, "-", "", f"Your copy is no notebook ({error.reason}). {advice}")
            continue
        left = [known.cell for known in found.cells if not known.cell.full]
        next_ = f"{left[0].grade_id}: {left[0].why}" if left else ""
        points = f"{number(found.earned)} of {number(found.of)}"
        if found.stale:
            stale, points, next_ = True, f"{points}, stale", f"Check it again. {next_}".strip()
        table.add_row(name, points, " and ".join(found.by), next_)
        remarks += [found.remark] if found.remark else []
    out.print(table)
    if stale:
        out.print("Stale: the code has changed since these points were found.", soft_wrap=True)
    for remark in remarks:
        err.print(remark, soft_wrap=True)


def _course(root: Path) -> Path:
    """Return the course that `root` is in.

    Raises
    ------
    CourseError
        If there is none.
    """
    from perflab.course.original import course_of

    if (found := course_of(root)) is None:
        raise CourseError(f"{root.resolve()}: no exercises here. Go to the course, or run `make exercises`.")
    return found


def _exercises(root: Path) -> dict[str, Path]:
    """Return the generated notebooks of the course that `root` is in, by their names."""
    from perflab.course.original import exercises_of

    return exercises_of(_course(root))


def _say(error: CourseError) -> None:
    err.print(str(error), style="red", soft_wrap=True)


def _title(path: Path) -> str:
    """Return the name of an exercise where a learner's copy is meant, else the path."""
    from perflab.course.original import copy_of

    place = copy_of(path)
    return place[1] if place else str(path)


def _show(title: str, found: "Checked") -> None:
    """Print the points, what had to be put right, and why points are missing."""
    out.print(_points_table(title, found.cells))
    for remark in found.remarks:
        out.print(remark, soft_wrap=True)
    reasons: dict[str, list[str]] = {}
    for cell in found.cells:
        if not cell.full and cell.why:
            reasons.setdefault(cell.why, []).append(cell.grade_id)
    for why, cells in reasons.items():
        out.print(f"{', '.join(cells)}: {why}", soft_wrap=True)


def _points_table(title: str, cells: "tuple[CellResult, ...]") -> Table:
    names = [cell.grade_id for cell in cells]
    table = table_of("tests cell", "points", "measured", "target", "hint", title=title, names=names)
    for cell in cells:
        points = "-" if cell.points is None else number(cell.points)
        hint = str(cell.hint) if cell.hint and not cell.full else ""
        table.add_row(cell.grade_id, f"{points} of {number(cell.of)}", _measured(cell), _target(cell), hint)
    earned, possible = sum(cell.points or 0.0 for cell in cells), sum(cell.of for cell in cells)
    table.add_row("together", f"{number(earned)} of {number(possible)}", "", "", "")
    _shrink(table, table.columns[2])
    return table


def _shrink(table: Table, gives_way: Column) -> None:
    """Let one column give way where the terminal is narrow, so that none behind it is cut."""
    others = [column for column in table.columns if column is not gives_way]
    widths = [max(map(len, (str(column.header), *map(str, column.cells)))) for column in others]
    widths[0] = min(widths[0], out.width // 2)
    frame = 3 * len(table.columns) + 1
    room, least = out.width - sum(widths) - frame, len(str(gives_way.header))
    gives_way.max_width = max(least, room)
    if room < least:  # then names go on below, too
        table.columns[0].min_width = max(1, widths[0] - (least - room))


def _measured(cell: "CellResult") -> str:
    """Return what a cell has measured: the value, what it is, and the interval that it lies in."""
    if cell.value is None:
        return ""
    value = f"{number(cell.value)} ({cell.what})" if cell.what else number(cell.value)
    if cell.interval is None:
        return value
    low, high = cell.interval
    return f"{value}\n99 % sure of {number(low)} to {number(high)}"


def _target(cell: "CellResult") -> str:
    return "" if cell.target is None else number(cell.target)
