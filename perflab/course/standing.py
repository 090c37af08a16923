"""Where a learner stands: what `perflab check` and the notebook's own outputs say, whichever is newer."""

from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from perflab.course.findings import Findings, kept
from perflab.course.original import as_graded, code_of, role_of
from perflab.course.results import MIME, NOT_RUN, CellResult, open_notebook, result


@dataclass(frozen=True)
class Known:
    """What is known of one tests cell.

    Attributes
    ----------
    cell : CellResult
    by : str
        "check" or "notebook", where its outputs were saved; "" if it was not run.
    stale : bool
        Whether the code that it was run with has changed since.
    """

    cell: CellResult
    by: str
    stale: bool


@dataclass(frozen=True)
class Standing:
    """Where a learner stands in one exercise.

    Attributes
    ----------
    cells : tuple of Known
    remark : str
        What else to say, e.g. that what was kept is damaged.
    """

    cells: tuple[Known, ...]
    remark: str = ""

    @property
    def earned(self) -> float:
        """The points, stale ones included."""
        return sum(known.cell.points or 0.0 for known in self.cells)

    @property
    def of(self) -> float:
        """The points that the exercise gives automatically."""
        return sum(known.cell.of for known in self.cells)

    @property
    def stale(self) -> bool:
        """Whether something was run with other code than what is written now."""
        return any(known.stale for known in self.cells)

    @property
    def by(self) -> list[str]:
        """Who ran its cells."""
        return sorted({known.by for known in self.cells if known.by})


def standing(root: Path, name: str, source: Path) -> Standing:
    """Return where a learner stands in the exercise `name`, whose own notebook is `source`.

    Raises
    ------
    CourseError
        If the learner's copy is no notebook.
    """
    original = nbformat.read(source, as_version=4)
    copy = root / "work" / f"{name}.ipynb"
    notebook = open_notebook(copy) if copy.exists() else original
    graded, _ = as_graded(notebook, original)
    remark = ""
    try:
        found = kept(root, name)
    except ValueError as error:
        found, remark = None, str(error)
    code = code_of(notebook, original)
    cells = (cell for cell in graded.cells if role_of(cell) == "tests")
    return Standing(tuple(_known(cell, graded, found, code) for cell in cells), remark)


def _known(cell: NotebookNode, notebook: NotebookNode, found: Findings | None, code: str) -> Known:
    """Return the newer of what a check has kept and what the cell shows."""
    saved = result(cell)
    by_id = {one.grade_id: one for one in found.cells} if found else {}
    checked = by_id.get(saved.grade_id)
    card = next((output.data[MIME] for output in cell.outputs if MIME in output.get("data", {})), {})
    if found and checked and (saved.why == NOT_RUN or found.when >= _when(card)):
        # Points are what the exercise gives now, if the course has changed it since.
        return Known(replace(checked, of=saved.of), "check", found.code != code)
    return Known(saved, "" if saved.why == NOT_RUN else "notebook", _has_changed(card, notebook))


def _when(card: dict) -> float:
    """Return when a card was made; 0.0 for one of an earlier version, and for an error, which does not say."""
    when = card.get("when")
    return float(when) if isinstance(when, int | float) else 0.0


def _has_changed(card: dict, notebook: NotebookNode) -> bool:
    """Tell whether a cell that a card rests on is not there any more as it was."""
    rests_on = card.get("rests_on")
    if not isinstance(rests_on, list) or not rests_on:
        return False
    from perflab.course.kernel import file_of  # takes its time, and most cards of most exercises are not there

    return not {file_of(cell.source) for cell in notebook.cells if cell.cell_type == "code"}.issuperset(rests_on)
