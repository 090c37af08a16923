"""Reaches for private names by strings."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
from operator import attrgetter

cache = attrgetter("py_func.__globals__")

def moving(numbers, slowly=moving):
    cache(slowly)
    return slowly(numbers)
"""
)
