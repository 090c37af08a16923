"""Uses all cores where one is allowed."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
from concurrent.futures import ThreadPoolExecutor

@njit(nogil=True)
def part(numbers, sums, low, high):
    for i in range(low, high):
        total = 0
        for j in range(1024):
            total += numbers[i + j]
        sums[i] = total

pool = ThreadPoolExecutor(2)

def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    middle = sums.size // 2
    list(pool.map(lambda ends: part(numbers, sums, *ends), [(0, middle), (middle, sums.size)]))
    return sums
"""
)
