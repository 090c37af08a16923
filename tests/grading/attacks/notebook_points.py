"""Raises the points in the metadata."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata.nbgrader.points = 1000
