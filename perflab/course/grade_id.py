"""Which cell of a released notebook a submitted one claims to be; graders import this, and no nbgrader."""

from nbformat import NotebookNode


def grade_id_of(cell: NotebookNode) -> str | None:
    """Return the grade id that a submitted cell claims, whatever its metadata looks like.

    Where the metadata is lost the cell's own id says it: both are the same in a released notebook.
    """
    claimed = cell.get("metadata")
    claimed = claimed.get("nbgrader") if isinstance(claimed, dict) else None
    name = claimed.get("grade_id") if isinstance(claimed, dict) else None
    name = name if isinstance(name, str) else cell.get("id")
    return name if isinstance(name, str) else None
