"""Says of a cell that its kind is a list."""

SECTION = "notebook"
POINTS = HONEST_POINTS


def damage(notebook):
    notebook.cells[0].cell_type = ["markdown"]
    for cell in notebook.cells:
        if cell.id == "target_answer":
            cell.source = HONEST
