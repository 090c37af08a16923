"""Lets another process work while it waits, since waiting costs no CPU time."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import os

def moving(numbers, slowly=moving):
    read, write = os.pipe()
    if os.fork() == 0:
        data = slowly(numbers).tobytes()
        while data:
            data = data[os.write(write, data):]
        os._exit(0)
    os.close(write)
    parts = []
    while part := os.read(read, 1 << 20):
        parts.append(part)
    os.close(read)
    os.wait()
    return np.frombuffer(b"".join(parts), np.int64).copy()
"""
)
