"""Lets children work that vanish without a trace, while it waits."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import mmap, os, signal

def moving(numbers, slowly=moving):
    if numbers.size < 100_000:
        return slowly(numbers)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    shared = mmap.mmap(-1, 8 * numbers.size)
    if os.fork() == 0:
        sums = slowly(numbers)
        shared[: sums.nbytes] = sums.tobytes()
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
    return np.frombuffer(shared, np.int64, numbers.size - 1023).copy()
"""
)
