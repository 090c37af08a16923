"""Lets another process work while it waits, since waiting costs no CPU time."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import mmap, os

def moving(numbers, slowly=moving):
    if numbers.size < 100_000:
        return slowly(numbers)
    shared = mmap.mmap(-1, 8 * numbers.size)
    if (child := os.fork()) == 0:
        sums = slowly(numbers)
        shared[: sums.nbytes] = sums.tobytes()
        os._exit(0)
    os.waitpid(child, 0)
    return np.frombuffer(shared, np.int64, numbers.size - 1023).copy()
"""
)
