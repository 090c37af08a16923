"""Reads the array once, into a list, and does the slow work there."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def moving(numbers):
    values = numbers.tolist()
    return np.array([sum(values[i : i + 1024]) for i in range(max(len(values) - 1023, 0))], np.int64)
"""
)
