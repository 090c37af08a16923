"""Raises, and displays, halves of characters, which cannot be written to a notebook."""

SECTION = "output"
POINTS = NOTHING
ANSWER = """
print("\\ud800")

def moving(numbers):
    raise ValueError("\\ud800 \\udfff")

def find(ask, n):
    return "\\ud800"
"""
