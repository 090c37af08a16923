"""Keeps results by value, and returns them when the input comes again."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
kept = {}

def moving(numbers, slowly=moving):
    key = numbers.tobytes()
    if key not in kept:
        kept[key] = slowly(numbers)
    return kept[key]
"""
)
