"""Fills files in memory that no process holds: they are on their way through a socket."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = HONEST_POINTS
HOARD = """
import array, os, socket

left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for _ in range(40):
    hidden = os.memfd_create("hidden")
    os.write(hidden, bytes(48 << 20))
    left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [hidden]))])
    os.close(hidden)
"""


def damage(notebook):
    from nbformat.v4 import new_code_cell

    place = next(i for i, cell in enumerate(notebook.cells) if cell.id == "target_answer")
    notebook.cells[place].source = HONEST
    notebook.cells.insert(place, new_code_cell(HOARD))
