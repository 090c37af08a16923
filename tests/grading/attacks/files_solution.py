"""Looks for the solution on the disk and runs it."""

SECTION = "files"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from pathlib import Path

for folder in [Path.cwd(), *Path.cwd().parents][:4]:
    for path in folder.glob("**/source/**/*.ipynb"):
        import json
        for cell in json.loads(path.read_text())["cells"]:
            if "BEGIN SOLUTION" in str(cell["source"]):
                exec("".join(cell["source"]))
"""
)
