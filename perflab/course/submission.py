"""Bring a submission back into form before nbgrader grades it, so that a damaged one costs only itself.

nbgrader trusts the metadata of a submitted notebook: a tag can skip a tests cell, a duplicated cell stops the
whole batch, a deleted one leaves a submission ungraded. What the gradebook knows of a released notebook is
enough to put all of this right.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import SCHEMA_VERSION
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from perflab.course.form import restored
from perflab.course.grade_id import grade_id_of

# In place of nbgrader's own list: DeduplicateIds, which breaks a notebook's metadata, is not needed any more.
SANITIZE = [
    "perflab.course.submission.RestoreForm",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]


class RestoreForm(NbGraderPreprocessor):
    """Whitelist metadata, restore missing cells, drop duplicated ones: all from the gradebook."""

    release = Unicode(
        help="The folder of released assignments: the gradebook does not keep the order of cells."
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the submission in the form of the released notebook; nothing of its code is lost."""
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            known = released_cells(gradebook.find_notebook(about["notebook"], about["assignment"]))
        released = Path(self.release, about["assignment"], f"{about['notebook']}.ipynb")
        given: dict[str | None, str] = {}
        if released.is_file():
            given = {grade_id_of(cell): cell.source for cell in nbformat.read(released, as_version=4).cells}
            known = {name: known[name] for name in given if name in known}
        nb.cells = restored(nb.cells, known)
        for cell in nb.cells:
            name = grade_id_of(cell)
            # nbgrader would say of a cell as it was handed out that it "has changed": hidden tests are missing.
            if name in known and known[name].metadata.nbgrader.locked and cell.source == given.get(name):
                cell.source = known[name].source
        nb.metadata = NotebookNode({k: v for k, v in nb.metadata.items() if k in ("kernelspec", "language_info")})
        return nb, resources


def released_cells(notebook: Any) -> dict[str, NotebookNode]:
    """Return the cells that nbgrader knows of a released notebook, by grade id.

    Parameters
    ----------
    notebook : nbgrader.api.Notebook
    """
    grades = {cell.name: cell.max_score for cell in notebook.grade_cells}
    tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    known = {}
    for cell in notebook.source_cells:
        name = cell.name
        flags = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": name,
            "grade": name in grades,
            "solution": name in solutions,
            "locked": bool(cell.locked),
            "task": name in tasks,
            "cell_type": cell.cell_type,
            "checksum": cell.checksum,
        }
        points = grades.get(name, tasks.get(name))
        if points is not None:
            flags["points"] = points
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        known[name] = new(cell.source, metadata={"nbgrader": flags})
    return known
