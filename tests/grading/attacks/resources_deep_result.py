"""Returns lists in lists in lists."""

SECTION = "resources"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    inner = []
    for _ in range(100_000):
        inner = [inner]
    return inner

def find(ask, n):
    return [[0] * 1000] * 1000
"""
