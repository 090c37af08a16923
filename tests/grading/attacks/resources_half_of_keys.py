"""Returns a dictionary half of whose keys collide, for the judge to build."""

SECTION = "resources"
NOT_ON_STOCK = "there is no such message"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    return {**{i * (2**61 - 1): 0 for i in range(3000)}, **{i + 1: 0 for i in range(3000)}}

def find(ask, n):
    return moving(None)
"""
