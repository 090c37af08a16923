"""Lets NumPy hand parts of its arrays to a function of its own, unwatched, where they are padded."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)

    def work(padded, width, axis, more):
        sums[:] = [padded[i + 1 : i + 1025].sum() for i in range(sums.size)]

    np.pad(numbers, 1, mode=work)
    return sums
"""
)
