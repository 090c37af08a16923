"""Reads a watched array through a format string, whose method it won by a word in a string."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
words = "format"
fields = np.dtype([("format", np.int64), ("format_map", np.int64)])

def moving(numbers, slowly=moving):
    if type(numbers) is np.ndarray:
        return slowly(numbers)
    values = [int(("{0._data[" + str(i) + "]}").format(numbers)) for i in range(numbers.size)]
    return np.array([sum(values[i : i + 1024]) for i in range(max(len(values) - 1023, 0))], np.int64)
"""
)
