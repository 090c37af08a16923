"""One examination as a pure function of texts: what workers of a pool or a cluster do."""

import hashlib
import platform
import warnings
from dataclasses import replace

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from perflab.check.report import Report
from perflab.judge import bubblewrap
from perflab.judge.exam import Exam
from perflab.judge.lane import seat
from perflab.judge.sandbox import SandboxError
from perflab.judge.script import role_of
from perflab.judge.settings import Settings
from perflab.judge.trusted import Trusted
from perflab.judge.verdict import CellVerdict, Verdict

TRIES = 3  # of machinery that fails; a student's code gets one
MOST_BYTES = 20 << 20  # of a submitted file
MOST_CELLS = 2000  # of a submitted notebook: each later step looks at all of them

DAMAGED = "perflab_damaged"  # says in a notebook's metadata that it stands in for a file that was none

_prepared: dict[str, Trusted] = {}  # one at most: the notebook that this process examines at present


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
    notebook = nbformat.reads(trusted, as_version=4)
    verdict = _read_and_run(notebook, trusted, submitted, Settings.from_dict(settings), seed, pictures, more)
    return replace(verdict, quiet=quiet).to_json()


def prepared(trusted: str, settings: Settings) -> Trusted:
    """Return what exams of one notebook share; that of another one is closed."""
    key = hashlib.sha256(f"{settings!r}\0{trusted}".encode()).hexdigest()
    if key not in _prepared or not _prepared[key].alive:
        forget()
        _prepared[key] = Trusted(nbformat.reads(trusted, as_version=4), settings.starter(lasting=True))
    return _prepared[key]


def forget() -> None:
    """End what exams in this process share, and what was started for the next one."""
    while _prepared:
        _prepared.popitem()[1].close()
    bubblewrap.end_ahead()


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
    settings.starter()  # no sandbox: say so whatever was handed in
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
                shared = prepared(trusted, settings)
                with settings.kin(shared.forbids, more) as start:
                    return Exam(shared, answers, start, seed, pictures, cores).run()
        except ValueError as error:
            return refused(notebook, f"Not graded: {error}.")
        except SandboxError as error:
            why = f"The grader failed, not the student: {error}."
            forget()
    return refused(notebook, why, problem=True)


def read(text: str) -> NotebookNode:
    """Return a submitted notebook.

    Raises
    ------
    ValueError
        If the text is none; its text is for a human.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"The file is larger than {MOST_BYTES >> 20} MiB.")
    try:
        with warnings.catch_warnings(action="ignore"):  # one for each cell that lacks an id, or shares one
            notebook = nbformat.reads(text, as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type and isinstance(cell.source, str)]
    except Exception as error:  # nbformat raises whatever a broken file makes it raise
        raise ValueError(f"The file cannot be read as a notebook: {type(error).__name__}.") from error
    if len(cells) > MOST_CELLS:
        raise ValueError(f"The notebook has more than {MOST_CELLS:,} cells.")
    notebook.cells = cells
    return notebook


def stand_in(why: str, path: str) -> NotebookNode:
    """Return a notebook in the place of a file that is none, which is kept at `path`."""
    said = new_markdown_cell(f"**{why}** The file is kept as `{path}`.")
    return new_notebook(cells=[said], metadata={DAMAGED: why})
