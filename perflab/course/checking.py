"""Check a learner's notebook as grading would, and say all that is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from perflab.course.errors import CourseError
from perflab.course.findings import keep
from perflab.course.original import as_graded, code_of, copy_of, original_of
from perflab.course.reasons import reason, troubles
from perflab.course.results import CellResult, result
from perflab.course.running import Fate, run


@dataclass(frozen=True)
class Checked:
    """What a check of a notebook found.

    Attributes
    ----------
    cells : tuple of CellResult
        One for each tests cell.
    remarks : tuple of str
        What had to be put right before, and which cells failed that are no tests cells.
    notebook : NotebookNode
        As it was run, with its outputs.
    """

    cells: tuple[CellResult, ...]
    remarks: tuple[str, ...]
    notebook: NotebookNode

    @property
    def full(self) -> bool:
        """Whether all points were earned."""
        return all(cell.full for cell in self.cells)


def check(
    path: Path,
    notebook: NotebookNode,
    limit: float,
    pictures: bool = False,
    step: Callable[[str], None] = lambda name: None,
) -> Checked:
    """Run the notebook that was read from `path`, and keep what was found if it is a learner's copy in work/.

    See `perflab.course.running.run` for the other parameters.

    Raises
    ------
    CourseError
        If it has no graded cell and is a copy of no exercise of the course around it.
    """
    original = original_of(path, notebook)
    code = code_of(notebook, original)
    remarks: list[str] = []
    if original is not None:
        notebook, remarks = as_graded(notebook, original)
    if not any(cell.metadata.get("nbgrader", {}).get("grade") for cell in notebook.cells):
        raise CourseError(f"{path}: no graded cell. Give an exercise, e.g. work/memory/soa_vs_aos.ipynb.")
    fates = run(notebook, limit, pictures, step)
    files = {file.name for file in path.parent.iterdir()}
    cells = tuple(outcome(fate, fates, original) for fate in fates if fate.role == "tests")
    if place := copy_of(path):
        keep(*place, code, cells)
    return Checked(cells, (*remarks, *troubles(fates, files)), notebook)


def outcome(fate: Fate, fates: list[Fate], original: NotebookNode | None) -> CellResult:
    """Return what a tests cell gave; nothing, with the reason, where it did not come to its end by itself."""
    found = result(fate.cell)
    why = reason(fate, fates, original)
    if not why:
        return found
    return replace(found, why=why, points=None if fate.ending is None else 0.0)
