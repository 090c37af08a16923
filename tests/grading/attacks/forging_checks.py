"""Replaces the checks by ones that are always content."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
from perflab import check

for name in ("correct", "faster", "counts"):
    setattr(check, name, lambda *args, points, **more: float(points))
"""
)
