"""Hands in tens of thousands of cells, each to be looked at many times."""

SECTION = "notebook"
NOT_ON_STOCK = "it takes minutes"
POINTS = NOTHING
ANSWER = HONEST


def damage(notebook):
    from nbformat.v4 import new_markdown_cell

    notebook.cells += [new_markdown_cell("x") for _ in range(20_000)]
