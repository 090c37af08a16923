"""Is wrong by one in one place."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = """
@njit
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    for i in range(sums.size):
        sums[i] = numbers[i : i + 1024].sum()
    if sums.size:
        sums[-1] += 1
    return sums

def find(ask, n):
    return next((i for i in range(n) if ask(i)), 0) + 1
"""
