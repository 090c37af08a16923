"""Lets a function of its own pass for one of NumPy's, which gets its arrays unwatched."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import functools

@functools.wraps(np.sum)
def work(numbers):
    return np.array([numbers[i : i + 1024].sum() for i in range(max(numbers.size - 1023, 0))], np.int64)

def moving(numbers):
    return work(numbers)
"""
)
