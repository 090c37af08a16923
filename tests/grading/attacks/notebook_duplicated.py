"""Hands in every cell twice: nbgrader stops the whole batch."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    import copy

    copies = copy.deepcopy(notebook.cells)
    for i, cell in enumerate(copies):
        cell.id = f"copy_{i}"
    notebook.cells += copies
