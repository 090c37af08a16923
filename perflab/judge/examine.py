"""One examination as a pure function of texts: what workers of a pool or a cluster do, each with a helper."""

import atexit
import hashlib
import json
import platform
import warnings
from dataclasses import replace
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from perflab.check.report import Report
from perflab.judge import bubblewrap, limits, scratch
from perflab.judge.exam import Exam
from perflab.judge.helper import Allowance, Helper, HelperError, SpentError
from perflab.judge.lane import seat
from perflab.judge.outputs import plain
from perflab.judge.sandbox import SandboxError
from perflab.judge.script import role_of
from perflab.judge.settings import Settings
from perflab.judge.trusted import Trusted
from perflab.judge.verdict import CellVerdict, Verdict

TRIES = 3  # of machinery that fails; a student's code gets one
MOST_BYTES = 20 << 20  # of a submitted file
TOO_LARGE = f"The file is larger than {MOST_BYTES >> 20} MiB."
MOST_CELLS = 2000  # of a submitted notebook: each later step looks at all of them
# What the judge's own work on one submission may take: some thirty times what that on an honest one does.
ALLOWANCE = Allowance(cpu=60, memory=2 << 30)
LIVES = 10  # so many sandboxes, one after the other, may live as long as they may, until it has lasted too long

DAMAGED = "perflab_damaged"  # says in a notebook's metadata that it stands in for a file that was none

_prepared: dict[str, Trusted] = {}  # one at most: the notebook that this helper examines at present


def examine(
    trusted: str,
    submitted: str,
    settings: dict,
    seed: int | None = None,
    quiet: bool = False,
    pictures: bool = False,
    more: bool = False,
) -> str:
    """Return the verdict on a submission as JSON.

    Parameters
    ----------
    trusted : str
        The instructor's notebook, as the text of its file.
    submitted : str
        The student's; it may be anything.
    settings : dict
        See `Settings.to_dict`.
    seed : int, optional
        Of an earlier verdict, to reproduce it.
    quiet : bool
        Whether nothing else is graded on this machine meanwhile; the verdict says so.
    pictures : bool
        Whether to run show cells as well, for their outputs.
    more : bool
        Whether this process is to examine another submission: what that needs starts meanwhile.

    Raises
    ------
    NoSandboxError
        If there is no sandbox.
    """
    held = Settings.from_dict(settings)
    held.starter()  # no sandbox: say so whatever was handed in
    given = {"trusted": trusted, "submitted": submitted, "settings": settings}
    given |= {"seed": seed, "quiet": quiet, "pictures": pictures, "more": more}
    why = ""
    for _ in range(TRIES):
        try:
            return _examiner.ask("examine", LIVES * held.limits.wall, **given)
        except SpentError as error:
            why = f"Not graded: to look at this {error}. Your instructor will look at it."
            return refused(nbformat.reads(trusted, as_version=4), why).to_json()
        except HelperError as error:
            why = f"The grader failed, not the student: {plain(str(error))}."
    return refused(nbformat.reads(trusted, as_version=4), why, problem=True).to_json()


def forget() -> None:
    """End what exams that this process has asked for share, and what was started for the next one."""
    _examiner.end()


def _examine(
    trusted: str,
    submitted: str,
    settings: dict,
    seed: int | None,
    quiet: bool,
    pictures: bool,
    more: bool,
) -> str:
    """Do what `examine` says, in its helper."""
    notebook = nbformat.reads(trusted, as_version=4)
    verdict = _read_and_run(notebook, trusted, submitted, Settings.from_dict(settings), seed, pictures, more)
    return replace(verdict, quiet=quiet).to_json()


def _bury(process: int) -> None:
    """Remove what a helper has left that was ended in the middle of its work."""
    scratch.remove_of(process)
    limits.remove_of(process)


def _shared(trusted: str, settings: Settings) -> Trusted:
    """Return what exams of one notebook share; that of another one is closed."""
    key = hashlib.sha256(f"{settings!r}\0{trusted}".encode()).hexdigest()
    if key not in _prepared or not _prepared[key].alive:
        _close()
        _prepared[key] = Trusted(nbformat.reads(trusted, as_version=4), settings.starter(lasting=True))
    return _prepared[key]


def _close() -> None:
    """End what exams in this helper share, and what was started for the next one."""
    while _prepared:
        _prepared.popitem()[1].close()
    bubblewrap.end_ahead()


_examiner = Helper({"examine": _examine}, ALLOWANCE, _close, _bury)
atexit.register(forget)


def refused(notebook: NotebookNode, why: str, problem: bool = False) -> Verdict:
    """Return a verdict without points on a submission that cannot be examined, flagged for a human."""
    flags = [cell.metadata.nbgrader for cell in notebook.cells if role_of(cell) == "tests"]
    cells = tuple(CellVerdict(f.grade_id, Report("not graded", 0.0, float(f.points), why), why) for f in flags)
    return Verdict(cells, "", machine=platform.node(), problem=problem)


def _read_and_run(
    notebook: NotebookNode,
    trusted: str,
    submitted: str,
    settings: Settings,
    seed: int | None,
    pictures: bool,
    more: bool,
) -> Verdict:
    try:
        answers = read(submitted)
    except ValueError as error:
        return refused(notebook, str(error))
    if why := answers.metadata.get(DAMAGED):
        return refused(notebook, str(why))
    why = ""
    for _ in range(TRIES):
        try:
            with seat() as cores:
                shared = _shared(trusted, settings)
                with settings.kin(shared.forbids, more) as start:
                    return Exam(shared, answers, start, seed, pictures, cores).run()
        except ValueError as error:
            return refused(notebook, f"Not graded: {plain(str(error))}.")
        except SandboxError as error:
            why = f"The grader failed, not the student: {error}."
            _close()
    return refused(notebook, why, problem=True)


def read(text: str) -> NotebookNode:
    """Return a submitted notebook.

    Raises
    ------
    ValueError
        If the text is none; its text is for a human.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(TOO_LARGE)
    try:
        notebook = _parsed(text)
        cells = [cell for cell in notebook.cells if _is_cell(cell)]
    except Exception as error:  # nbformat raises whatever a broken file makes it raise
        raise ValueError(f"The file cannot be read as a notebook: {type(error).__name__}.") from error
    if len(cells) > MOST_CELLS:
        raise ValueError(f"The notebook has more than {MOST_CELLS:,} cells.")
    if not isinstance(notebook.get("metadata"), dict):
        notebook.metadata = NotebookNode()
    notebook.cells = cells
    return notebook


def _parsed(text: str) -> NotebookNode:
    """Return a notebook, where nbformat fails at one value of it what the others say."""
    try:
        with warnings.catch_warnings(action="ignore"):  # one for each cell that lacks an id, or shares one
            return nbformat.reads(text, as_version=4)
    except Exception:
        cells = [cell for cell in json.loads(text)["cells"] if isinstance(cell, dict)]
        for cell in cells:
            source = cell.get("source")
            if isinstance(source, list) and all(isinstance(line, str) for line in source):
                cell["source"] = "".join(source)
        if not any(map(_is_cell, cells)):
            raise
        return nbformat.from_dict({"cells": cells, "metadata": {}})


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and all(isinstance(cell.get(key), str) for key in ("cell_type", "source"))


def stand_in(why: str, path: str) -> NotebookNode:
    """Return a notebook in the place of a file that is none, which is kept at `path`."""
    said = new_markdown_cell(f"**{why}** The file is kept as `{path}`.")
    return new_notebook(cells=[said], metadata={DAMAGED: why})
