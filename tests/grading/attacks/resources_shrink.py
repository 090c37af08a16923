"""Takes away the memory in which the judge looks for arguments and results, while it works."""

SECTION = "resources"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import os

def moving(numbers, slowly=moving):
    for file in range(3, 64):
        try:
            os.ftruncate(file, 0)
        except OSError:
            pass
    return slowly(numbers)
"""
)
