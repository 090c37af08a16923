"""What commands print can be read, however narrow the terminal is."""

import pytest
from rich.console import Console

from perflab.cli.learner import _points_table
from perflab.cli.screen import out, table_of
from perflab.course.results import CellResult

NAMES = ["divide_and_conquer_correct", "divide_and_conquer_copies", "divide_and_conquer_speed"]


def column(text: str, number: int) -> str:
    """Return what a column of a printed table holds, its lines put together."""
    rows = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    return "".join(row[1 + number].strip() for row in rows)


def test_names_stay_in_one_piece_where_half_of_the_line_is_enough(monkeypatch):
    monkeypatch.setattr(out, "_width", 52)
    table = table_of("tests cell", "why", names=NAMES)
    for name in NAMES:
        table.add_row(name, "The target is reached. " * 5)
    with out.capture() as captured:
        out.print(table)
    assert all(name in captured.get() for name in NAMES)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 200])
def test_no_name_is_cut(width):
    table = table_of("tests cell", "points", "why", title="work/algorithms/divide_and_conquer.ipynb")
    for name in NAMES:
        table.add_row(name, "1.5 of 3", "The target is reached. " * 5)
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    assert column(captured.get(), 0) == "".join(NAMES)
    assert "…" not in captured.get()


@pytest.mark.parametrize("width", [60, 80])
def test_the_hint_can_be_read_beside_a_long_measurement(monkeypatch, width):
    monkeypatch.setattr(out, "_width", width)
    what = "urgent_first_branchy over urgent_first"
    cell = CellResult("branchless_partition_branches", 0.0, 3.5, "", what, 0.986, 2.0, (0.891, 1.01), hint=3)
    with out.capture() as captured:
        out.print(_points_table("work/cpu/branchless_partition.ipynb", (cell,)))
    assert column(captured.get(), 4) == "3"
    assert column(captured.get(), 0) == "branchless_partition_branchestogether"
