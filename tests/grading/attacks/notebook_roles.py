"""Gives the tests cells another role."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        cell.metadata["perflab"] = {"role": "show"}
