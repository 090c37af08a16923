"""Searches the callers for the reference and asks it."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
import sys

def reference(name):
    frame = sys._getframe()
    while frame is not None:
        for values in (frame.f_locals, frame.f_globals):
            if callable(values.get(name)):
                return values[name]
        frame = frame.f_back

def moving(numbers):
    expected = reference("reference") or reference("against")
    return expected(numbers) if expected else np.zeros(3, np.int64)

def find(ask, n):
    return 0
"""
