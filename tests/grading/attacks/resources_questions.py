"""Asks the oracle without end, each time so quickly that nobody waits."""

SECTION = "resources"
NOT_ON_STOCK = "it takes minutes"
POINTS = {**NOTHING, "correct": 4}
ANSWER = (
    SLOW
    + """
def find(ask, n):
    while True:
        ask(0)
"""
)
