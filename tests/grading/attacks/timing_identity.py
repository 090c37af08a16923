"""Keeps results by the place of the input in memory."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
kept = {}

def moving(numbers, slowly=moving):
    key = numbers.ctypes.data, numbers.size
    if key not in kept:
        kept[key] = slowly(numbers)
    return kept[key]
"""
)
