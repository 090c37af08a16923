"""Replaces the instrument that counts."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
from perflab.models import lines

lines.fetched = lambda *args, **more: 0

@njit
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    far = np.zeros(sums.size * 64, np.int64)
    for i in range(sums.size):
        far[i * 64] = numbers[i : i + 1024].sum()
    for i in range(sums.size):
        sums[i] = far[i * 64]
    return sums
"""
)
