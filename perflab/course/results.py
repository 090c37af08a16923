"""Read points and reasons from an executed notebook, as nbgrader reads them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade, is_grade

from perflab.check.report import MIME
from perflab.course.classroom import CELL_SECONDS, KERNEL_ARGUMENTS
from perflab.course.errors import CourseError


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
    """

    grade_id: str
    points: float | None
    of: float
    why: str


def open_notebook(path: Path) -> NotebookNode:
    """Return the notebook at `path`.

    Raises
    ------
    CourseError
        If there is none, or it is no notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror or error}. Is the path right?") from error
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CourseError(f"{path}: no Jupyter notebook ({reason}). Give the path of an .ipynb file.") from error
    return notebook


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run a notebook in a kernel as nbgrader does, in `folder`; return it with its outputs."""
    runner = Execute(timeout=CELL_SECONDS, skip_cells_with_tag="", extra_arguments=KERNEL_ARGUMENTS)
    return runner.preprocess(notebook, {"metadata": {"path": str(folder)}})[0]


def results(notebook: NotebookNode) -> list[CellResult]:
    """Return what each automatically graded cell of an executed notebook gave."""
    return [_result(cell) for cell in notebook.cells if cell.cell_type == "code" and is_grade(cell)]


def _result(cell: NotebookNode) -> CellResult:
    about = cell.metadata.nbgrader
    if cell.execution_count is None and not cell.outputs:
        return CellResult(about.grade_id, None, float(about.points), "not run yet")
    try:
        points, of = determine_grade(cell)
    except ValueError as error:
        return CellResult(about.grade_id, None, float(about.points), str(error))
    return CellResult(about.grade_id, points, of, _why(cell.outputs))


def _why(outputs: list[Any]) -> str:
    for output in outputs:
        if output.output_type == "execute_result" and MIME in output.data:
            return _in_short(output.data[MIME])
        if output.output_type == "error":
            lines = output.evalue.splitlines()
            return f"{output.ename}: {lines[0].strip() if lines else ''}"
    return ""


def _in_short(report: dict[str, Any]) -> str:
    ratio = dict(map(tuple, report["rows"])).get("ratio")
    return f"{report['sentence']} Ratio {ratio}." if ratio else report["sentence"]
