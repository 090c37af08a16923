"""Copies the answer of another submission."""

SECTION = "files"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import json
from pathlib import Path

for folder in [Path.cwd(), *Path.cwd().parents][:4]:
    for path in folder.glob("**/honest*/**/*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["id"] == "target_answer":
                exec("".join(cell["source"]))
"""
)
