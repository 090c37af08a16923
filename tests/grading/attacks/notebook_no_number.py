"""Lets the tests cells end in numbers that are none."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.cell_type, cell.source = "code", "float('nan')"
    notebook.cells.insert(3, notebook.cells[2].copy())
    notebook.cells[3].source = "import perflab.check as check\ncheck.correct = check.counts = lambda *a, **k: True"
    notebook.cells[3].id = "mine"
    notebook.cells[3].metadata = {}
