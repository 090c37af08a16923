"""Counts its questions for the judge."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def find(ask, n, linear=find):
    found = linear(ask, n)
    for name in ("calls", "_calls"):
        try:
            setattr(ask, name, 1)
        except AttributeError:
            pass
    return found
"""
)
