"""Hands in more code than anybody writes."""

SECTION = "notebook"
NOT_ON_STOCK = "a matter of limits that nbgrader does not set"
POINTS = NOTHING
ANSWER = HONEST


def damage(notebook):
    for cell in notebook.cells:
        if cell.id == "target_answer":
            cell.source += "\n# " + "x" * 1_000_000
