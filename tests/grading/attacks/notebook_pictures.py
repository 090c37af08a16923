"""Displays many large pictures, for the judge to keep."""

SECTION = "notebook"
NOT_ON_STOCK = "there is no such message"
POINTS = HONEST_POINTS


def damage(notebook):
    from nbformat.v4 import new_code_cell

    shown = (
        "from IPython.display import display\n"
        "for i in range(5):\n"
        "    display({'image/png': b'\\x89PNG\\r\\n\\x1a\\n' + bytes([i]) * 1_000_000}, raw=True)"
    )
    for cell in notebook.cells:
        if cell.id == "target_answer":
            cell.source = HONEST
    notebook.cells += [new_code_cell(f"{shown}\n# {i}") for i in range(20)]
