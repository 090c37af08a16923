"""Adds a graded cell of its own."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    from nbformat.v4 import new_code_cell

    flags = {
        "grade": True,
        "grade_id": "bonus",
        "points": 100,
        "schema_version": 3,
        "locked": False,
        "solution": False,
    }
    notebook.cells.append(new_code_cell("100.0", metadata={"nbgrader": {**flags, "task": False}}))
