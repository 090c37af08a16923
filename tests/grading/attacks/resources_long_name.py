"""Returns a record with a field whose name would fill the report."""

SECTION = "resources"
NOT_ON_STOCK = "there is no such message"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    return np.zeros(max(numbers.size - 1023, 0), [("x" * 2_000_000, np.int64)])

def find(ask, n):
    raise ValueError("x" * 2_000_000)
"""
