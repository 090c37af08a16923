"""Works only where it thinks that nobody compares."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import os, sys

calls = []

def moving(numbers, slowly=moving):
    calls.append(numbers.size)
    if numbers.size == 100_000 and calls.count(100_000) > 1:
        return np.zeros(numbers.size - 1023, np.int64)
    return slowly(numbers)
"""
)
