"""Never ends, in compiled code that no interrupt reaches."""

SECTION = "resources"
NOT_ON_STOCK = "it takes minutes"
POINTS = NOTHING
ANSWER = """
@njit
def moving(numbers):
    i = 0
    while i >= 0:
        i = (i + 1) % 1000
    return numbers

def find(ask, n):
    return 0
"""
