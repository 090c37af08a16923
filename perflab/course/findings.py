"""What a check found last, kept beside a learner's copies: `perflab progress` shows it."""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from perflab.course.results import CellResult

FOLDER = ".perflab"  # in work/, which git ignores


@dataclass(frozen=True)
class Findings:
    """What a check found.

    Attributes
    ----------
    code : str
        Of `perflab.course.original.code_of`: what was checked.
    when : float
        Seconds since the epoch.
    cells : tuple of CellResult
    """

    code: str
    when: float
    cells: tuple[CellResult, ...]


def keep(root: Path, name: str, code: str, cells: tuple[CellResult, ...]) -> None:
    """Keep what a check of the exercise `name` has found; a disk that takes nothing costs the table nothing."""
    path = _path(root, name)
    data = {"code": code, "when": time.time(), "cells": [asdict(cell) for cell in cells]}
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(data), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()


def kept(root: Path, name: str) -> Findings | None:
    """Return what the last check of the exercise `name` has found, or None.

    Raises
    ------
    ValueError
        If the file is damaged.
    """
    path = _path(root, name)
    try:
        data = json.loads(path.read_bytes())
        cells = tuple(_cell(cell) for cell in data["cells"])
        return Findings(str(data["code"]), float(data["when"]), cells)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be read and does not count. Check {name} again.") from error


def _cell(data: dict) -> CellResult:
    interval = data["interval"]
    cell = CellResult(**{**data, "interval": interval and (float(interval[0]), float(interval[1]))})
    numbers = (cell.of, cell.points or 0.0, cell.value or 0.0, cell.target or 0.0, cell.hint)
    if not all(isinstance(x, int | float) for x in numbers) or not all(
        isinstance(text, str) for text in (cell.grade_id, cell.why, cell.what)
    ):
        raise TypeError("a cell of other types")
    return cell


def _path(root: Path, name: str) -> Path:
    return root / "work" / FOLDER / f"{name}.json"
