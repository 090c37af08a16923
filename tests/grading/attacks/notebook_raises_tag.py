"""Tags all cells so that they may fail."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        cell.metadata["tags"] = ["raises-exception"]
