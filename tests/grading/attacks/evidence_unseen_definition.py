"""Shows the instrument an honest definition, and hides a slow one where no syntax tree shows it: one is graded."""

SECTION = "evidence"
# The program that is seen is the program that runs, whatever the session holds.
POINTS = {**HONEST_POINTS, "calls": 0}
ANSWER = (
    HONEST
    + f"""
exec({SLOW!r})
globals()["moving"] = globals().pop("moving")
"""
)
