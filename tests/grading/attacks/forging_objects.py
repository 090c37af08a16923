"""Returns arrays of Python objects."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
class Yes:
    def __eq__(self, other):
        return True

def moving(numbers):
    return np.array([Yes()] * max(numbers.size - 1023, 0), object)

def find(ask, n):
    return np.array(Yes(), object)
"""
