"""Writes scripts into text cells and outputs."""

SECTION = "output"
POINTS = NOTHING
ANSWER = WRONG


def damage(notebook):
    from nbformat.v4 import new_code_cell, new_markdown_cell

    script = "<script>document.title = 'was here'</script><img src=x onerror=alert(1)>"
    notebook.cells.append(new_markdown_cell(script))
    notebook.cells.append(new_code_cell(f"from IPython.display import HTML\nHTML({script!r})"))
