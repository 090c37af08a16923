"""Turns the tests cells into text."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    from nbformat.v4 import new_markdown_cell

    notebook.cells = [
        new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)
        if "tests" in str(cell.metadata)
        else cell
        for cell in notebook.cells
    ]
