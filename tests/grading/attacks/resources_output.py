"""Prints without end."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    while True:
        print("x" * 100_000)

def find(ask, n):
    return 0
"""
