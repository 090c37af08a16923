"""Lets NumPy hand its arrays to a function of its own, unwatched."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def work(numbers):
    return np.array([numbers[i : i + 1024].sum() for i in range(max(numbers.size - 1023, 0))], np.int64)

def moving(numbers):
    if numbers.size < 1024:
        return np.zeros(0, np.int64)
    return np.apply_along_axis(work, 0, numbers)
"""
)
