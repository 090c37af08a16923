"""Writes marks into the gradebook."""

SECTION = "files"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import sqlite3
from pathlib import Path

for folder in [Path.cwd(), *Path.cwd().parents]:
    if (folder / "gradebook.db").exists():
        with sqlite3.connect(folder / "gradebook.db") as gradebook:
            gradebook.execute("UPDATE grade SET manual_score = 99")
"""
)
