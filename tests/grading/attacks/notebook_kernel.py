"""Asks for another kernel."""

SECTION = "notebook"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    notebook.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
