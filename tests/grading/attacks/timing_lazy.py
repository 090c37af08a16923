"""Returns a result that computes itself when somebody looks."""

SECTION = "timing"
POINTS = {**SLOW_POINTS, "correct": 0}
ANSWER = (
    SLOW
    + """
class Later:
    def __init__(self, numbers):
        self.numbers = numbers
    def __array__(self, dtype=None, copy=None):
        return slow_moving(self.numbers)
    shape = property(lambda self: np.asarray(self).shape)
    dtype = np.dtype(np.int64)

def moving(numbers):
    return Later(numbers)
"""
)
