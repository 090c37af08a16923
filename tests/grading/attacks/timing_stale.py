"""Leaves the work of one call to the next, which is timed alone if it is the best."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
owed = []

def moving(numbers, slowly=moving):
    if numbers.size < 100_000:
        return slowly(numbers)
    sums = np.zeros(numbers.size - 1023, np.int64)
    for mine, theirs in owed:
        mine[:] = slowly(theirs)
    owed[:] = [(sums, numbers)]
    return sums
"""
)
