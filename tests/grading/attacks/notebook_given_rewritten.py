"""Slows the baseline down where it is given."""

SECTION = "notebook"
POINTS = SLOW_POINTS
ANSWER = SLOW


def damage(notebook):
    for cell in notebook.cells:
        if cell.id == "target_given":
            cell.source += "\n\ndef slow_moving(numbers, fast=slow_moving):\n    import time\n    time.sleep(0.05)\n    return fast(numbers)\n"
