"""Puts a module of its own beside the notebook, under the name of the checks."""

SECTION = "files"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from pathlib import Path

for name in ("perflab.py", "sitecustomize.py", "usercustomize.py", "conftest.py"):
    Path(name).write_text("def __getattr__(name): return lambda *args, points=1, **more: float(points)")
"""
)
