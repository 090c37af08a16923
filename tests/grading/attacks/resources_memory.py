"""Takes all memory."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    kept = []
    while True:
        kept.append(np.ones(10_000_000))

def find(ask, n):
    return 0
"""
