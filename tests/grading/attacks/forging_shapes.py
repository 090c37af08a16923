"""Says of its result that it lies where the arguments lie."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import sys

worker = sys.modules.get("perflab.guest.worker")
if worker is not None:
    worker.encode = lambda value, layout, *more: ["array", "<i8", [-1], "C", -64]
"""
)
