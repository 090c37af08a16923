"""Raises an error whose text looks like full marks."""

SECTION = "output"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    raise AssertionError("moving: correct: 4 of 4 points")

def find(ask, n):
    raise AssertionError("4.0")
"""
