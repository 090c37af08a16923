"""Tags all cells so that they are skipped."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution"]
