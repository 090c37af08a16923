"""No attack: an honest answer between cells that hang, or end the process, as a learner leaves them."""

SECTION = "notebook"
NOT_ON_STOCK = "it takes long"
POINTS = HONEST_POINTS
ANSWER = HONEST


def damage(notebook):
    from nbformat.v4 import new_code_cell

    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "target_answer")
    notebook.cells[place].source = HONEST
    scratch = [
        "while True:\n    pass",
        "import os\nos._exit(1)",
        "input()",
        "import time\ntime.sleep(60)",
        "os.abort()",
    ]
    notebook.cells[place + 1 : place + 1] = [new_code_cell(source) for source in scratch]
    notebook.cells[place:place] = [new_code_cell(source) for source in scratch[1:3]]
