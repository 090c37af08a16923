"""Reaches for the clean room through private names."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
@njit
def moving(numbers):
    sums = np.zeros(max(numbers.size - 1023, 0), np.int64)
    for i in range(sums.size):
        sums[i] = numbers[i : i + 1024].sum()
    return sums

def hidden():
    return (0).__class__.__base__.__subclasses__()
"""
)
