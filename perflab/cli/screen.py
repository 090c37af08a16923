"""What all commands share: the application, both streams, and a line that says what runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

app = typer.Typer(help="Performance engineering from Python.", no_args_is_help=True, add_completion=False)
out = Console(highlight=False, markup=False)  # students choose what is printed
err = Console(stderr=True, highlight=False, markup=False)

Root = Annotated[Path, typer.Option("--root", help="The course; by default the current folder.")]


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Show the step that runs and how long it takes; what is yielded names the next step."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("")
        yield lambda step: bar.update(task, description=step)


def table_of(*heads: str, title: str | None = None, names: Iterable[str] = ()) -> Table:
    """Return an empty table that shows every name whole, however narrow the terminal is.

    Rich cuts a word that does not fit to its beginning, and many names begin alike. Here it goes on below.

    Parameters
    ----------
    *heads : str
    title : str, optional
    names : iterable of str, optional
        What will stand in the first column: in one piece, if it leaves half of the line to the other columns.
    """
    table = Table(title=title)
    for head in heads:
        table.add_column(head, overflow="fold")
    table.columns[0].min_width = min(max(map(len, names), default=0), out.width // 2)
    return table
