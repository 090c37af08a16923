"""Puts a pass of its own into the compiler that runs beside the instrument."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
class Passes:
    def __init__(self, *parts):
        import perflab.models.lines
        perflab.models.lines.watched = lambda fn, args, **more: (0, fn(*args))

options = {"pipeline" + "_class": Passes}

def moving(numbers, slowly=moving):
    try:
        njit(**options)(slowly.py_func)(numbers)
    except Exception:
        pass
    return slowly(numbers)
"""
)
