"""Returns an array whose comparisons always succeed."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
class Agreeable(np.ndarray):
    def __array_function__(self, function, types, args, kwargs):
        return True
    def __array_ufunc__(self, *args, **kwargs):
        return np.ones(self.shape, bool)

def moving(numbers):
    return np.zeros(max(numbers.size - 1023, 0), np.int64).view(Agreeable)

def find(ask, n):
    return np.zeros(()).view(Agreeable)
"""
