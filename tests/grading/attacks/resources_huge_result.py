"""Returns more than fits."""

SECTION = "resources"
NOT_ON_STOCK = "it would stop this machine"
POINTS = NOTHING
ANSWER = """
def moving(numbers):
    return np.broadcast_to(np.int64(0), (1 << 40,))

def find(ask, n):
    return "x" * (64 << 20)
"""
