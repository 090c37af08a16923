"""Hands in outputs that say full marks."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    from nbformat.v4 import new_output

    for cell in notebook.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            data = {"text/plain": repr(float(cell.metadata.nbgrader.points))}
            cell.outputs = [new_output("execute_result", data, execution_count=1)]
