"""Lets a process work that it started earlier and that is no child of its own."""

SECTION = "timing"
NOT_ON_STOCK = "it would deadlock a kernel"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import multiprocessing.shared_memory as shm
import os, time

here, there = os.pipe(), os.pipe()
if os.fork() == 0:
    if os.fork():
        os._exit(0)
    while size := int.from_bytes(os.read(here[0], 8), "little") - 1:
        data = b""
        while len(data) < size - 1:
            data += os.read(here[0], size - 1 - len(data))
        numbers = np.frombuffer(data, np.int64)
        sums = np.array([numbers[i : i + 1024].sum() for i in range(numbers.size - 1023)], np.int64)
        data = sums.astype(np.int64).tobytes()
        os.write(there[1], len(data).to_bytes(8, "little"))
        while data:
            data = data[os.write(there[1], data):]
    os._exit(0)
os.wait()

def moving(numbers):
    data = numbers.tobytes()
    os.write(here[1], (len(data) + 2).to_bytes(8, "little"))
    while data:
        data = data[os.write(here[1], data):]
    size, parts = int.from_bytes(os.read(there[0], 8), "little"), b""
    while len(parts) < size:
        parts += os.read(there[0], size - len(parts))
    return np.frombuffer(parts, np.int64).copy()
"""
)
