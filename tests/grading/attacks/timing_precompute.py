"""Computes in a thread between the calls, what the next call will need."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import threading, time

ready = {}

def ahead():
    while True:
        for one in list(seen):
            ready[one.tobytes()] = True
        time.sleep(0.001)

seen = []
threading.Thread(target=ahead, daemon=True).start()

def moving(numbers, slowly=moving):
    seen.append(numbers)
    return slowly(numbers)
"""
)
