"""Says that its result has billions of elements that take no room."""

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
        return ["array", "|S0", [1 << 31], "C", 0]
    worker.encode = encode
"""
)
