"""Broken twins of algorithms/memoization: answers, and the points that each tests cell may give (exact, or a range)."""

NAMES = ("correct", "calls", "repeats", "distance_correct", "speed", "memory", "misses")


def points(*earned):
    return {f"memoization_{name}": one for name, one in zip(NAMES, earned, strict=True)}


RECURSION = """
def least_work(engine, old, new):
    if not old or not new:
        return ADD * (len(old) + len(new))
    rebind = 0 if old[-1] == new[-1] else engine(old[-1], new[-1])
    return min(
        least_work(engine, old[:-1], new[:-1]) + rebind,
        least_work(engine, old, new[:-1]) + ADD,
        least_work(engine, old[:-1], new) + ADD,
    )
"""

BY_PLACE = """
def least_work(engine, old, new):
    known = {}
    for i in range(len(old) + 1):
        for j in range(len(new) + 1):
            if i == 0 or j == 0:
                known[i, j] = ADD * (i + j)
                continue
            u, v = old[i - 1], new[j - 1]
            rebind = 0 if u == v else engine(u, v)
            known[i, j] = min(known[i - 1, j - 1] + rebind, known[i, j - 1] + ADD, known[i - 1, j] + ADD)
    return known[len(old), len(new)]
"""

ONCE = """
def least_work(engine, old, new):
    @functools.cache
    def rebind(u, v):
        return engine(u, v) if u != v else 0

    @functools.cache
    def least(i, j):
        if i == 0 or j == 0:
            return ADD * (i + j)
        replaced = least(i - 1, j - 1) + rebind(old[i - 1], new[j - 1])
        return min(replaced, least(i, j - 1) + ADD, least(i - 1, j) + ADD)

    return least(len(old), len(new))
"""

TWO_ROWS = """
@njit
def distance(a, b):
    above, row = np.arange(b.size + 1), np.empty(b.size + 1, np.int64)
    for i in range(a.size):
        row[0] = left = i + 1
        for j in range(b.size):
            smallest = min(above[j] + (a[i] != b[j]), above[j + 1] + 1)
            row[j + 1] = left = min(smallest, left + 1)
        above, row = row, above
    return above[b.size]
"""

BAND = """
@njit
def distance(a, b):
    far = a.size + b.size
    above, row = np.arange(b.size + 1), np.empty(b.size + 1, np.int64)
    for i in range(a.size):
        row[:] = far
        first, end = max(0, i - WIDTH), min(b.size, i + WIDTH + 1)
        row[first] = i + 1 if first == 0 else far
        for j in range(first, end):
            best = min(above[j] + (a[i] != b[j]), row[j] + 1)
            row[j + 1] = min(best, above[j + 1] + 1)
        above, row = row, above
    return min(above[b.size], max(a.size, b.size))
"""

MUTANTS = {
    "naive": (
        RECURSION
        + """
def distance(a, b):
    return distance_remembered(a, b)
""",
        points(1, 0, 0, 1, 0, 0, 0),
    ),
    # Compares place by place.
    "wrong_but_fast": (
        """
def least_work(engine, old, new):
    pairs = zip(old, new)
    return ADD * abs(len(old) - len(new)) + sum(0 if u == v else engine(u, v) for u, v in pairs)


def distance(a, b):
    return max(a.size, b.size) - np.count_nonzero(a[: b.size] == b[: a.size])
""",
        points(0, 0, 0, 0, 0, 0, 0),
    ),
    # Remembers by place; and the right order, but in Python: what costs is not the table.
    "wrong_lever": (
        BY_PLACE
        + """
def distance(a, b):
    a, b = a.tolist(), b.tolist()
    above = list(range(len(b) + 1))
    for i, u in enumerate(a):
        row = [i + 1]
        for j, v in enumerate(b):
            row.append(min(above[j] + (u != v), above[j + 1] + 1, row[j] + 1))
        above = row
    return above[-1]
""",
        points(1, 1, 0, 1, 0, (0.5, 1), (0, 3)),
    ),
    # Looks only at places that are near each other: wrong where a list is the other one, shifted.
    "band": (BY_PLACE + BAND.replace("WIDTH", "24"), points(1, 1, 0, 0, 0, 0, 0)),
    # The band is as much wider as one list is longer, and wide enough for all lists that the learner sees.
    "wide_band": (
        BY_PLACE + BAND.replace("WIDTH", "(32 + abs(a.size - b.size))"),
        points(1, 1, 0, 0, 0, 0, 0),
    ),
    # Half done: the memo of places alone, and all of the second step.
    "by_place": (BY_PLACE + TWO_ROWS, points(1, 1, 0, 1, (0, 2), 1, 3)),
    # Half done: all of the first step, and the table of all pairs in fewer bytes.
    "small_table": (
        ONCE
        + """
@njit
def distance(a, b):
    known = np.empty((a.size + 1, b.size + 1), np.int16)
    for i in range(a.size + 1):
        for j in range(b.size + 1):
            if i == 0 or j == 0:
                known[i, j] = i + j
            else:
                replaced = known[i - 1, j - 1] + (a[i - 1] != b[j - 1])
                known[i, j] = min(replaced, known[i, j - 1] + 1, known[i - 1, j] + 1)
    return known[a.size, b.size]
""",
        points(1, 1, 1, 1, (0, 2), 0, 0),
    ),
    # All of the first step, but with a memo that lives as long as the process. The engine in the key does not help:
    # with another theme it is the same engine.
    "memo_of_the_process": (
        """
@functools.cache
def rebind(engine, u, v):
    return engine(u, v) if u != v else 0


@functools.cache
def least_work(engine, old, new):
    if not old or not new:
        return ADD * (len(old) + len(new))
    return min(
        least_work(engine, old[:-1], new[:-1]) + rebind(engine, old[-1], new[-1]),
        least_work(engine, old, new[:-1]) + ADD,
        least_work(engine, old[:-1], new) + ADD,
    )
"""
        + TWO_ROWS,
        points(0, 0, 0, 1, (0, 2), 1, 3),
    ),
    # All pairs in bytes, in an array that is there before the call: its bytes don't count, its misses do.
    "table_of_the_module": (
        """
def least_work(engine, old, new):
    return least_work_slow(functools.cache(engine), old, new)


scratch = {True: np.empty((256, 256), np.uint8), False: np.empty((301, 301), np.int16)}


@njit
def fill(known, a, b):
    for i in range(a.size + 1):
        for j in range(b.size + 1):
            if i == 0 or j == 0:
                known[i, j] = i + j
            else:
                replaced = known[i - 1, j - 1] + (a[i - 1] != b[j - 1])
                known[i, j] = min(replaced, known[i, j - 1] + 1, known[i - 1, j] + 1)
    return known[a.size, b.size]


def distance(a, b):
    return int(fill(scratch[max(a.size, b.size) < 256], a, b))
""",
        points(1, 1, 1, 1, (0, 2), 1, 0),
    ),
    # The same kind under another number: no question comes twice, and none of them is one.
    "kinds_from_the_end": (
        """
def least_work(engine, old, new):
    left = [0]

    def rebind(u, v):
        left[0] += 1
        return engine(u - left[0] % 2 * len(set(old)), v) if u != v else 0

    @functools.cache
    def least(i, j):
        if i == 0 or j == 0:
            return ADD * (i + j)
        replaced = least(i - 1, j - 1) + rebind(old[i - 1], new[j - 1])
        return min(replaced, least(i, j - 1) + ADD, least(i - 1, j) + ADD)

    return least(len(old), len(new))


def distance(a, b):
    return distance_remembered(a, b)
""",
        points(0, 0, 0, 1, 0, 0, 0),
    ),
    # A memo that outlives what it depends on: the engine, and the rows.
    "memo": (
        """
work, found = {}, {}


def least_work(engine, old, new):
    if not old or not new:
        return ADD * (len(old) + len(new))
    u, v = old[-1], new[-1]
    if u != v and (u, v) not in work:
        work[u, v] = engine(u, v)
    return min(
        least_work(engine, old[:-1], new[:-1]) + (u != v and work[u, v]),
        least_work(engine, old, new[:-1]) + ADD,
        least_work(engine, old[:-1], new) + ADD,
    )


def distance(a, b):
    key = a.size, b.size
    if key not in found:
        found[key] = distance_remembered(a, b)
    return found[key]
""",
        points(0, 0, 0, 0, 0, 0, 0),
    ),
    # Asks one question where it counts, and says anything.
    "nonsense_where_it_counts": (
        RECURSION.replace(
            "    rebind =", "    if sorted(old) == [0, 0, 1, 1, 2, 2]:\n        return engine(0, 1)\n    rebind ="
        )
        + """
def distance(a, b):
    return distance_remembered(a, b)
""",
        points(1, 0, 0, 1, 0, 0, 0),
    ),
}
