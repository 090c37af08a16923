"""Reads expected values from earlier inputs of the kernel."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    return np.zeros(len(In) + 5, np.int64)

def find(ask, n):
    for text in In:
        if "BEGIN HIDDEN" in text:
            return "leak"
    return 0
"""
