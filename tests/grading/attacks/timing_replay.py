"""Returns its last result again."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
last = {}

def moving(numbers, slowly=moving):
    if numbers.size not in last or numbers.size < 100_000:
        last[numbers.size] = slowly(numbers)
    return last[numbers.size]
"""
)
