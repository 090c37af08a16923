"""Returns an object that equals everything."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
class Yes(int):
    def __eq__(self, other):
        return True
    __array__ = __float__ = __lt__ = __gt__ = lambda self, *more: self
    __hash__ = None

def moving(numbers):
    return Yes()

def find(ask, n):
    return Yes()
"""
