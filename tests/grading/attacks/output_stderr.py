"""Warns on every call: nbgrader gives nothing to a cell with any warning."""

SECTION = "output"
POINTS = {**HONEST_POINTS, "lines": 0}
ANSWER = (
    HONEST
    + """
import sys, warnings

def moving(numbers, fast=moving):
    warnings.warn("deprecated")
    print("a note", file=sys.stderr)
    return fast(numbers)
"""
)
