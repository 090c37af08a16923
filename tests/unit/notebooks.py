"""Small notebooks with cells of each role, as they are released."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

FLAGS = {"schema_version": 3, "task": False, "cell_type": "code"}


def cell(name: str, source: str, role: str, points: float = 1.0) -> NotebookNode:
    """Return a cell; a tests cell says its grade id in its first line."""
    flags = {**FLAGS, "grade_id": name, "grade": role == "tests", "solution": role == "answer"}
    flags["locked"] = role != "answer"
    if role == "tests":
        flags["points"] = points
        source = f"# grade_id: {name} ({points:g} points)\n{source}"
    return new_code_cell(source, id=name, metadata={"nbgrader": flags, "perflab": {"role": role}})


def notebook(*cells: tuple[str, str, str]) -> NotebookNode:
    """Return a notebook of cells: name, role and source each; without a name it is the learner's own."""
    made = [cell(name, source, role) if name else new_code_cell(source) for name, role, source in cells]
    return new_notebook(cells=made)
