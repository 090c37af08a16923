"""Before nbgrader reads a submission: what it cannot read must not stop it, and is not lost."""

import os
import re
import warnings
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.utils import parse_utc

from perflab.course.grade_id import grade_id_of
from perflab.judge.examine import read, stand_in
from perflab.judge.plugin import text_of

DAMAGED = ".damaged"  # is appended to the name of a file that is put aside
KINDS = {"code": new_code_cell, "raw": new_raw_cell}  # anything else becomes text
CELL_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


def make_readable(assignment: str, student: str, notebooks: list[str]) -> None:
    """Mend what was handed in so that it can be read; nbgrader's hook before a conversion.

    A file that is no notebook is replaced by one that says so. One that breaks the rules of the format is replaced
    by a clean copy of its cells. The original stays beside it.

    Parameters
    ----------
    assignment, student : str
        Given by nbgrader; not needed.
    notebooks : list of str
        Paths of the submitted files.
    """
    for folder in {Path(path).parent for path in notebooks}:
        _mend_time(folder / "timestamp.txt")
    for path in map(Path, notebooks):
        try:
            notebook = read(text_of(path))
            if _is_sound(path):
                continue
            replacement = _clean(notebook)
        except ValueError as error:
            replacement = stand_in(str(error), f"{path.name}{DAMAGED}")
        _put_aside(path)
        nbformat.write(replacement, path)


def _is_sound(path: Path) -> bool:
    """Tell whether everybody can read a notebook and write it again."""
    try:
        with warnings.catch_warnings(action="error"):  # e.g. of cells that share an id
            notebook = nbformat.reads(path.read_bytes().decode(), as_version=4)
            nbformat.validate(notebook)
            nbformat.writes(notebook).encode()
    except Exception:  # nbformat raises whatever a broken file makes it raise
        return False
    return True


def _clean(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with the same cells: their kind, their text, and which of the released ones they are."""
    cells, seen = [], set()
    for cell in notebook.cells:
        clean = KINDS.get(cell.cell_type, new_markdown_cell)(cell.source.encode(errors="replace").decode())
        name = grade_id_of(cell)
        if name is not None and CELL_ID.fullmatch(name):
            clean.metadata.nbgrader = {"grade_id": name}
            if name not in seen:
                clean.id = name
            seen.add(name)
        cells.append(clean)
    return new_notebook(cells=cells)


def _mend_time(path: Path) -> None:
    """Put aside a time that is none: nbgrader would stop there."""
    if not os.path.lexists(path):
        return
    try:
        if path.is_file() and not path.is_symlink():
            parse_utc(path.read_text().strip())
            return
    except (ValueError, OverflowError):
        pass
    _put_aside(path)


def _put_aside(path: Path) -> None:
    """Rename a file; one that was put aside before stays too."""
    aside = path.with_name(path.name + DAMAGED)
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}{DAMAGED}-{number}")
    path.rename(aside)
