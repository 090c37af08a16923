"""Broken twins of system/cheap_clock: answer source, and the points each tests cell may give (exact, or a range)."""

TICKS, CORRECT, SLOW = "cheap_clock_ticks", "cheap_clock_correct", "cheap_clock_slow"
CALLS, SPEED = "cheap_clock_calls", "cheap_clock_speed"


def points(ticks, correct, slow, calls, speed):
    return {TICKS: ticks, CORRECT: correct, SLOW: slow, CALLS: calls, SPEED: speed}


TO_SECONDS = """
def in_seconds(ticks, first, last):
    return first[1] + (ticks - first[0]) * ((last[1] - first[1]) / (last[0] - first[0]))
"""
# Turns the ticks into floats first: a counter that has run for years has more digits than they hold.
ROUNDED = TO_SECONDS.replace("(ticks - first[0])", "(ticks.astype(np.float64) - float(first[0]))")
BY_CLOCK = """
@njit
def trace(turns):
    results = np.empty(turns.size, np.uint64)
    stamps = np.empty(turns.size)
    now = np.zeros(2, np.int64)
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
        clock_gettime(MONOTONIC, now.ctypes.data)
        stamps[i] = now[0] + now[1] * 1e-9
    return results, stamps
"""
BY_CALL = BY_CLOCK.replace("clock_gettime(MONO", "syscall(NUMBER, MONO")

MUTANTS = {
    "naive": (ROUNDED + BY_CALL, points(0, 2, 3, 0, 0)),
    # Takes a tick for a nanosecond.
    "wrong_but_fast": (
        TO_SECONDS
        + """
@njit
def trace(turns):
    results = np.empty(turns.size, np.uint64)
    stamps = np.empty(turns.size)
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
        stamps[i] = hints.cycles() * 1e-9
    return results, stamps
""",
        points(2, 0, 0, 0, 0),
    ),
    # Saves the arithmetic behind each reading, where the trip is what costs.
    "wrong_lever": (
        TO_SECONDS
        + """
@njit
def trace(turns):
    results = np.empty(turns.size, np.uint64)
    raw = np.empty((turns.size, 2), np.int64)
    address = raw.ctypes.data
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
        syscall(NUMBER, MONOTONIC, address + 16 * i)
    return results, raw[:, 0] + raw[:, 1] * 1e-9
""",
        points(2, 2, 3, 0, 0),
    ),
    "vdso": (TO_SECONDS + BY_CLOCK, points(2, 2, 3, 2, (0, 3))),
    # Cheap, and it stands still for milliseconds.
    "coarse": (TO_SECONDS + BY_CLOCK.replace("(MONOTONIC", "(6"), points(2, 2, 0, 2, 3)),
    # The time of day: somebody may set it back.
    "wall": (TO_SECONDS + BY_CLOCK.replace("(MONOTONIC", "(0"), points(2, 0, 0, 0, 0)),
    # One reading before and one after, and the rest is made up.
    "memo": (
        TO_SECONDS
        + """
remembered = {}

@njit
def run(turns):
    results = np.empty(turns.size, np.uint64)
    for i in range(turns.size):
        results[i] = handle(i, turns[i])
    return results

def trace(turns):
    key = (turns.size, turns[:20].tobytes())
    if key not in remembered:
        remembered[key] = run(turns), np.full(turns.size, time.monotonic())
    return remembered[key]
""",
        points(2, 2, 0, 2, 3),
    ),
}
