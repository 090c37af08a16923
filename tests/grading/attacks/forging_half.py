"""Returns sums rounded to numbers of 16 bits, for which a comparison may expect to be coarse."""

SECTION = "forging"
POINTS = {**NOTHING, "found": 1}  # up to 2,048 all integers are numbers of 16 bits
ANSWER = (
    HONEST
    + """
def moving(numbers, exactly=moving):
    return exactly(numbers).astype(np.float16)

def find(ask, n):
    return np.float16(next(i for i in range(n) if ask(i)))
"""
)
