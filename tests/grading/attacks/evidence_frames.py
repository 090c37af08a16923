"""Climbs through the frame of a generator to what counts."""

SECTION = "evidence"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
def moving(numbers, slowly=moving):
    walk = (frame.gi_frame.f_back for frame in [None])
    for _ in range(0):
        walk.gi_frame.f_back.f_globals.clear()
    return slowly(numbers)
"""
)
