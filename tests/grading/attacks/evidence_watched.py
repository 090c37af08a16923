"""Sees that it is watched, and fetches less then."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def moving(numbers, slowly=moving):
    if type(numbers) is not np.ndarray:
        return numbers
    return slowly(numbers)
"""
)
