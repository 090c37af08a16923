"""Returns the right values in a type of half the size."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
@njit
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int8)
    for i in range(sums.size):
        sums[i] = numbers[i : i + 1024].sum()
    return sums

def find(ask, n):
    return np.int8(next(i for i in range(n) if ask(i)))
"""
