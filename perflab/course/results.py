"""Read points and reasons from an executed notebook, as nbgrader reads them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from perflab.course.errors import CourseError

# That of perflab.check.report, whose package imports Numba: who only reads results need not wait for it.
MIME = "application/vnd.perflab.report+json"
NOT_RUN = "not run yet"


@dataclass(frozen=True)
class CellResult:
    """What a tests cell gave.

    Attributes
    ----------
    grade_id : str
    points : float or None
        None if the cell has not been run.
    of : float
    why : str
        The sentence of the check's report, or what went wrong.
    what : str
        What was measured, e.g. "ratio"; nothing where nothing was.
    value, target : float or None
        What came out and what earns everything.
    interval : (float, float) or None
        The 99 % interval of a timed ratio.
    hint : int
        Which hint to open next; 0 for none.
    """

    grade_id: str
    points: float | None
    of: float
    why: str
    what: str = ""
    value: float | None = None
    target: float | None = None
    interval: tuple[float, float] | None = None
    hint: int = 0

    @property
    def full(self) -> bool:
        """Whether all points were earned."""
        return self.points is not None and self.points >= self.of


class NoNotebookError(CourseError):
    """A file that is no notebook.

    Attributes
    ----------
    reason : str
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{path}: no Jupyter notebook ({reason}). Give the path of an .ipynb file.")


def open_notebook(path: Path) -> NotebookNode:
    """Return the notebook at `path`.

    Raises
    ------
    CourseError
        If there is none.
    NoNotebookError
        If it is no notebook.
    """
    try:
        data = path.read_bytes()
        notebook = nbformat.reads(data.decode(), as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror or error}. Is the path right?") from error
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoNotebookError(path, reason if data.strip() else "it is empty") from error
    return notebook


def results(notebook: NotebookNode) -> list[CellResult]:
    """Return what each automatically graded cell of an executed notebook gave."""
    flagged = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [result(cell) for cell in flagged if cell.metadata.get("nbgrader", {}).get("grade")]


def result(cell: NotebookNode) -> CellResult:
    """Return what a tests cell shows."""
    about = cell.metadata.nbgrader
    of = float(about.points)
    if cell.execution_count is None and not cell.outputs:
        return CellResult(about.grade_id, None, of, NOT_RUN)
    try:
        points = _points(cell)
    except ValueError as error:
        return CellResult(about.grade_id, None, of, str(error))
    for output in cell.outputs:
        if output.output_type == "execute_result" and MIME in output.data:
            return _reported(CellResult(about.grade_id, points, of, ""), output.data[MIME])
        if output.output_type == "error":
            lines = output.evalue.splitlines()
            return CellResult(about.grade_id, points, of, f"{output.ename}: {lines[0].strip() if lines else ''}")
    return CellResult(about.grade_id, points, of, "")


def _points(cell: NotebookNode) -> float:
    """Return the points of a cell that was run, as nbgrader reads them.

    Raises
    ------
    ValueError
        If they are more than the cell gives.
    """
    if len(cell.outputs) == 1:
        (output,) = cell.outputs
        if output.output_type == "error":
            return 0.0
        if output.output_type == "execute_result" and MIME in output.data:
            # A check gives a plain float within the range, which has one reading.
            points = float(output.data["text/plain"])
            if 0 <= points <= float(cell.metadata.nbgrader.points):
                return points
    from nbgrader.utils import determine_grade  # takes as long to import as some notebooks to run

    return determine_grade(cell)[0]


def _reported(found: CellResult, report: dict[str, Any]) -> CellResult:
    """Return a result with what the check's report says."""
    interval = report.get("interval")
    return replace(
        found,
        why=report["sentence"],
        what=report.get("what", ""),
        value=report.get("value"),
        target=report.get("target"),
        interval=interval and (interval[0], interval[1]),
        hint=report.get("hint", 0),
    )
