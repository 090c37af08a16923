"""Burns the cores while the baseline runs."""

SECTION = "timing"
NOT_ON_STOCK = "it would slow this machine down"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import os

for _ in range(2):
    if os.fork() == 0:
        while True:
            pass
"""
)
