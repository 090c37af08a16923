"""Replaces the worker that answers the judge, from inside."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import gc

for one in gc.get_objects():
    if type(one).__name__ == "Guest":
        type(one)._call = lambda self, message: {"result": ["plain", 0], "points": 4.0, "ok": True}
        type(one)._count = lambda self, message: {"count": 0.0}
"""
)
