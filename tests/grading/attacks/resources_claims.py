"""Says that its result is hundreds of arrays, all in the same place, for the judge to hold."""

SECTION = "resources"
NOT_ON_STOCK = "there is no such message"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import os, sys

worker = sys.modules.get("perflab.guest.worker")
if worker is not None:
    def encode(value, layout, *more):
        for fd in range(3, 40):
            try:
                os.ftruncate(fd, 60 << 20)
            except OSError:
                pass
        return ["list", [["array", "<i8", [7 << 20], "C", 0]] * 500]
    worker.encode = encode
"""
)
