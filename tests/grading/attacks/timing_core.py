"""Lets a child work on a core of its own, at the same time and unseen."""

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
    half = numbers.size // 2
    shared = mmap.mmap(-1, 8 * numbers.size)
    cores = list(range(os.cpu_count()))
    if os.fork() == 0:
        os.sched_setaffinity(0, cores[:1])
        sums = slowly(numbers[half:])
        shared[1 : 1 + sums.nbytes] = sums.tobytes()
        shared[0] = 1
        os._exit(0)
    os.sched_setaffinity(0, cores[1:] or cores)
    first = slowly(numbers[: half + 1023])
    while not shared[0]:
        pass
    second = np.frombuffer(shared, np.uint8, 8 * (numbers.size - half - 1023), 1).copy().view(np.int64)
    return np.concatenate([first, second])
"""
)
