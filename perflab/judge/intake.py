"""Before nbgrader reads a submission: what it cannot read must not stop it, and is not lost."""

import os
import re
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from nbgrader.utils import parse_utc

from perflab.course.grade_id import grade_id_of
from perflab.judge.examine import MOST_BYTES, TOO_LARGE, read, stand_in
from perflab.judge.helper import Allowance, Helper, HelperError
from perflab.judge.plugin import text_of

DAMAGED = ".damaged"  # is appended to the name of a file that is put aside
KINDS = {"code": new_code_cell, "raw": new_raw_cell}  # anything else becomes text
CELL_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
MOST_FILE = 100 << 20  # bytes, as nbgrader has it where students hand in
MOST_TIME = 100  # bytes of a file that holds a time
MOST_DEPTH = 64  # levels of a notebook that nbgrader, deeper in its own calls, need not fail at
ALLOWANCE = Allowance(cpu=60, memory=1 << 30)  # of one file; the largest that is read takes a few seconds
WALL = 600.0  # seconds


def make_readable(assignment: str, student: str, notebooks: list[str]) -> None:
    """Mend what was handed in so that it can be read; nbgrader's hook before a conversion.

    A file that is no notebook is replaced by one that says so. One that breaks the rules of the format is replaced
    by a clean copy of its cells. The original stays beside it, under a name that nbgrader passes over. Links,
    pipes, devices and files that are too large get such a name, too.

    Parameters
    ----------
    assignment, student : str
        Given by nbgrader; not needed.
    notebooks : list of str
        Paths of the submitted files.
    """
    folders = {Path(path).parent for path in notebooks}
    for folder in folders:
        _mend_time(folder / "timestamp.txt")
    for path in map(Path, notebooks):
        try:
            replacement = _reader.ask("replacement", WALL, path=str(path))
        except HelperError as error:
            why = f"The file cannot be read as a notebook: {error}."
            replacement = nbformat.writes(stand_in(why, f"{path.name}{DAMAGED}"))
        if replacement is not None:
            _put_aside(path)
            path.write_text(replacement, encoding="utf-8")
    for strange in sorted(path for folder in folders for path in _strange(folder)):
        _put_aside(strange)


def _replacement(path: str) -> str | None:
    """Return the text of what takes the place of a file, if something has to."""
    file = Path(path)
    try:
        if file.lstat().st_size > MOST_BYTES:
            raise ValueError(TOO_LARGE)
        notebook = read(text_of(file))
        if _is_sound(file):
            return None
        return nbformat.writes(_clean(notebook))
    except ValueError as error:
        return nbformat.writes(stand_in(str(error), f"{file.name}{DAMAGED}"))


_reader = Helper({"replacement": _replacement}, ALLOWANCE)


def _is_sound(path: Path) -> bool:
    """Tell whether everybody can read a notebook and write it again."""
    try:
        with warnings.catch_warnings(action="error"):  # e.g. of cells that share an id
            notebook = nbformat.reads(path.read_bytes().decode(), as_version=4)
            nbformat.validate(notebook)
            nbformat.writes(notebook).encode()
        return not _is_deep(notebook)
    except Exception:  # nbformat raises whatever a broken file makes it raise
        return False


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_DEPTH):
        inner = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [part for parts in inner for part in parts]
    return bool(level)


def _clean(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with the same cells: kind, text, pasted pictures, which of the released ones they are."""
    cells, seen = [], set()
    for cell in notebook.cells:
        clean = KINDS.get(cell.cell_type, new_markdown_cell)(_sound(cell.source))
        if clean.cell_type != "code" and (attachments := _attachments(cell.get("attachments"))):
            clean.attachments = attachments
        name = grade_id_of(cell)
        if name is not None and CELL_ID.fullmatch(name):
            clean.metadata.nbgrader = {"grade_id": name}
            if name not in seen:
                clean.id = name
            seen.add(name)
        cells.append(clean)
    return new_notebook(cells=cells)


def _attachments(given: Any) -> dict[str, dict[str, str]]:
    """Return what was pasted into a cell, as files by name, each as text by kind; nothing that is not such."""
    files = given.items() if isinstance(given, dict) else ()
    kept = {
        _sound(name): {_sound(kind): _sound(text) for kind, text in kinds.items() if isinstance(text, str)}
        for name, kinds in files
        if isinstance(kinds, dict)
    }
    return {name: kinds for name, kinds in kept.items() if kinds}


def _sound(text: str) -> str:
    """Return a text that can be written to a file."""
    return text.encode(errors="replace").decode()


def _strange(folder: Path) -> Iterator[Path]:
    """Yield what nbgrader would follow, wait for, or copy for long: links, pipes, devices and large files."""
    for place, names, files in os.walk(folder):
        for path in (Path(place, name) for name in (*names, *files)):
            seen = path.lstat()
            large = stat.S_ISREG(seen.st_mode) and seen.st_size > MOST_FILE
            if (large or not stat.S_ISREG(seen.st_mode) | stat.S_ISDIR(seen.st_mode)) and DAMAGED not in path.name:
                yield path


def _mend_time(path: Path) -> None:
    """Put aside a time that is none: nbgrader would stop there."""
    if not os.path.lexists(path):
        return
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_TIME:
            with warnings.catch_warnings(action="ignore"):  # of time zones that nobody knows
                parse_utc(path.read_text().strip())
            return
    except Exception:  # the parser raises whatever a text makes it raise
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
