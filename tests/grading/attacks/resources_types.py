"""Says that its result is of a type with a million fields, for the judge to build."""

SECTION = "resources"
NOT_ON_STOCK = "there is no such message"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import sys

worker = sys.modules.get("perflab.guest.worker")
if worker is not None:
    def encode(value, layout, *more):
        return ["array", ",".join(["i4"] * 1_000_000), [1], "C", 0]
    worker.encode = encode
"""
)
