"""Writes the points into the tests cells."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.source = repr(float(cell.metadata.nbgrader.points))
