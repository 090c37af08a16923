"""Warns in its cell and on every call: nbgrader gives nothing to a cell with any warning."""

SECTION = "output"
POINTS = HONEST_POINTS
ANSWER = (
    HONEST
    + """
import sys, warnings

warnings.warn("deprecated")

def find(ask, n, fast=find):
    warnings.warn("deprecated")
    print("a note", file=sys.stderr)
    return fast(ask, n)
"""
)
