"""Reads the memory of other processes."""

SECTION = "escape"
NOT_ON_STOCK = "it would read this machine"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import os
from pathlib import Path

for path in Path("/proc").glob("[0-9]*/mem"):
    if path.parent.name != str(os.getpid()):
        try:
            with open(path, "rb") as memory:
                exec("def moving(numbers): return slow_moving(numbers)")
        except OSError:
            pass
"""
)
