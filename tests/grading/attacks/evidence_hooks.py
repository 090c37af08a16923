"""Has a function by the name of the instrument's own hook."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def _perflab_item(*args):
    return 0

def moving(numbers, slowly=moving):
    _perflab_load = _perflab_store = _perflab_item
    return slowly(numbers)
"""
)
