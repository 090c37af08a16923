"""Makes a class of strings whose arrays lie anywhere in memory."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def moving(numbers, slowly=moving):
    kind = type(type(numbers))
    about = {"shape": (1,), "typestr": "<i8", "data": (id(np), False), "version": 3}
    np.array(kind("Anywhere", (), {"__array_interface__": about})())
    return slowly(numbers)
"""
)
