"""Takes NumPy's name for its own module: what NumPy defines gets its arrays unwatched."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
__name__ = "numpy"

def work(numbers):
    return np.array([numbers[i : i + 1024].sum() for i in range(max(numbers.size - 1023, 0))], np.int64)

def moving(numbers):
    return work(numbers) if __name__ else numbers
"""
)
