"""Returns an object that runs code when it is unpickled."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
import os

class Gadget:
    def __reduce__(self):
        return os.system, ("touch /tmp/perflab-was-here",)

def moving(numbers):
    return Gadget()

def find(ask, n):
    return Gadget()
"""
