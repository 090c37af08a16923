"""Returns a number that is none."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    return np.full(max(numbers.size - 1023, 0), np.nan)

def find(ask, n):
    return float("nan")
"""
