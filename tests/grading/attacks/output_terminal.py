"""Prints what terminals obey."""

SECTION = "output"
POINTS = NOTHING
ANSWER = """
print("\\x1b]0;was here\\x07\\x1b[2J")

def moving(numbers):
    raise ValueError("\\x1b[2J")

def find(ask, n):
    raise ValueError("\\x1b]52;c;\\x07")
"""
