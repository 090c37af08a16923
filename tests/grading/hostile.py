"""A notebook that tries to run something in the browser of whoever looks at it."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from quick import submission

EVIL = "window.hacked=1"
MARKUP = [
    f"<script>{EVIL}</script>",
    f"<img src=x onerror='{EVIL}'>",
    f"<svg onload='{EVIL}'><animate onbegin='{EVIL}'/></svg>",
    f"<a href='javascript:{EVIL}'>look</a>",
    f"[look](javascript:{EVIL})",
    f"[look](JaVaScRiPt:{EVIL})",
    f"[look](&#106;avascript:{EVIL})",
    f"![x](x' onerror='{EVIL})",
    f'<details open ontoggle="{EVIL}">x</details>',
    f"<iframe srcdoc='<script>parent.{EVIL}</script>'></iframe>",
    f"<style>@import 'javascript:{EVIL}';</style>",
    f"<p style='background:url(javascript:{EVIL})' onclick='{EVIL}'>x</p>",
    f"<math><mtext><script>{EVIL}</script></mtext></math>",
    f"<math href='javascript:{EVIL}'>x</math>",
    f"`<script>{EVIL}</script>`",
    f"```html\n<script>{EVIL}</script>\n```",
    f"$\\href{{javascript:{EVIL}}}{{x}}$",
    f"$$\\href{{javascript:{EVIL}}}{{x}}$$",
    f"$<script>{EVIL}</script>$",
    f"$$<img src=x onerror={EVIL}>$$",
]
DISPLAYS = f"""
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
for one in (HTML, Javascript, Latex, Markdown):
    display(one({MARKUP[0]!r}))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='{EVIL}'></svg>"))
display({{"text/html": {MARKUP[1]!r}, "application/javascript": {EVIL!r}, "text/plain": {MARKUP[1]!r}}}, raw=True)
print({MARKUP[1]!r})
print("\\x1b[31m<script>{EVIL}</script>")
"""
ANSWER = f"""
def find(ask, n):
    return {MARKUP[0]!r}
"""


def hostile() -> nbformat.NotebookNode:
    """Return the notebook; whatever runs says so in ``window.hacked``."""
    notebook = nbformat.reads(submission(ANSWER).decode(), as_version=4)
    notebook.metadata.title = MARKUP[0]
    for text in MARKUP:
        notebook.cells.append(new_markdown_cell(text))
        notebook.cells.append(new_raw_cell(text, metadata={"format": "text/html", "raw_mimetype": "text/html"}))
    attached = new_markdown_cell("![x](attachment:x.svg)")
    attached.attachments = {"x.svg": {"image/svg+xml": MARKUP[2]}}
    lying = new_code_cell("1", outputs=[new_output("display_data", {"text/html": MARKUP[0]})])
    notebook.cells[1:1] = [
        new_code_cell(DISPLAYS),
        new_code_cell(f"raise ValueError({MARKUP[1]!r})"),
        lying,
        attached,
    ]
    return notebook
