"""Becomes root."""

SECTION = "escape"
NOT_ON_STOCK = "who grades as root has lost already"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import os

try:
    os.setuid(0)
    exec("def moving(numbers): return slow_moving(numbers)")
except OSError:
    pass
"""
)
