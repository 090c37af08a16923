"""Fills the disk."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    with open("/tmp/big", "wb") as file:
        while True:
            file.write(bytes(1 << 20))

def find(ask, n):
    return 0
"""
