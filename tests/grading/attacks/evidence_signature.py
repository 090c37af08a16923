"""Lets Numba evaluate the string of a signature beside the instrument."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import perflab.models.lines

REPLACE = "import perflab.models.lines as m; m.watched = lambda fn, args, **more: (0, fn(*args))"

@njit("exec('" + REPLACE + "', {}) or int64[:](int64[:])")
def unused(numbers):
    return numbers

@njit(f"exec({REPLACE!r}, {{}}) or int64[:](int64[:])")
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    for i in range(sums.size):
        for j in range(1024):
            sums[i] += numbers[i + j]
    return sums
"""
)
