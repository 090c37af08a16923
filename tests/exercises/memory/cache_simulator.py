"""Broken twins of memory/cache_simulator: an answer, and the points that each tests cell may give (exact, or a range)."""

DIRECT, LRU = "cache_simulator_direct", "cache_simulator_lru"
STEPS, SPEED = "cache_simulator_steps", "cache_simulator_speed"


def points(direct, lru, steps, speed):
    return {DIRECT: direct, LRU: lru, STEPS: steps, SPEED: speed}


BY_USE = """
@njit
def simulate(addresses, line, sets, ways):
    kept = np.full((sets, ways), -1, np.int64)
    missed = np.empty(addresses.size, np.bool_)
    for i in range(addresses.size):
        number = addresses[i] // line
        row = kept[number % sets]
        place = 0
        while place < ways - 1 and row[place] != number:
            place += 1
        missed[i] = row[place] != number
        for k in range(place, 0, -1):
            row[k] = row[k - 1]
        row[0] = number
    return missed
"""

# A history of each set, and where in it a line was seen last.
WITH_A_DICTIONARY = """
def simulate(addresses, line, sets, ways):
    history = [[] for _ in range(sets)]
    last = {}
    missed = np.ones(addresses.size, bool)
    for i in range(addresses.size):
        number = int(addresses[i]) // line
        row = history[number % sets]
        if number in last:
            missed[i] = len(set(row[last[number] + 1 :])) >= ways
        last[number] = len(row)
        row.append(number)
    return missed
"""

MUTANTS = {
    # The definition under another name.
    "naive": (
        """
@njit
def simulate(addresses, line, sets, ways):
    return look_back(addresses, line, sets, ways)
""",
        points(1, 1, 0, 0),
    ),
    # First in, first out: a hit need not move anything, which is quick, and not what was asked.
    "wrong_but_fast": (
        BY_USE.replace("        for k in", "        if not missed[i]:\n            continue\n        for k in"),
        points(1, 0, 0, 0),
    ),
    # Asks dictionaries and sets, which are quick, and looks back all the same.
    "wrong_lever": (WITH_A_DICTIONARY, points(1, 1, 0, (0, 2.5))),
    # Keeps state, but searches all of it, as if a line could be anywhere.
    "searches_everything": (
        """
@njit
def simulate(addresses, line, sets, ways):
    kept = np.full(sets * ways, -1, np.int64)
    used = np.full(sets * ways, -1, np.int64)
    missed = np.empty(addresses.size, np.bool_)
    for i in range(addresses.size):
        number = addresses[i] // line
        at, oldest = -1, -1
        for k in range(kept.size):
            if kept[k] == number:
                at = k
            if k // ways == number % sets and (oldest < 0 or used[k] < used[oldest]):
                oldest = k
        missed[i] = at < 0
        at = max(at, oldest) if at < 0 else at
        kept[at] = number
        used[at] = i
    return missed
""",
        points(1, 1, 0, 0),
    ),
    # Set by set, but it still looks back: each access is linked to the one before of its set. In lists of Python,
    # which are counted as arrays are.
    "history_of_a_set": (
        """
def simulate(addresses, line, sets, ways):
    numbers, before, last, missed = [], [], [-1] * sets, []
    for now, address in enumerate(addresses.tolist()):
        number = address // line
        at = last[number % sets]
        numbers.append(number)
        before.append(at)
        last[number % sets] = now
        others = []
        while at >= 0 and numbers[at] != number and len(others) < ways:
            if numbers[at] not in others:
                others.append(numbers[at])
            at = before[at]
        missed.append(at < 0 or len(others) == ways)
    return np.array(missed, bool)
""",
        points(1, 1, 0, (0, 2.5)),
    ),
    # Looks back through the history of a set as far as the cache reaches: that is what it holds. Allowed.
    "stops_in_time": (
        """
def simulate(addresses, line, sets, ways):
    history = [[] for _ in range(sets)]
    missed = np.ones(addresses.size, bool)
    for i in range(addresses.size):
        number = int(addresses[i]) // line
        row = history[number % sets]
        others = set()
        for other in reversed(row):
            if other == number:
                missed[i] = False
                break
            others.add(other)
            if len(others) == ways:
                break
        row.append(number)
    return missed
""",
        points(1, 1, 3, (0, 3)),
    ),
    # A line is what it is on most processors: 64 bytes.
    "always_64": (BY_USE.replace("// line", "// 64"), points(0, 0, 0, 0)),
    # The course's own cache, wherever it is imported.
    "imports_the_model": (
        """
def simulate(addresses, line, sets, ways):
    from perflab.models import cache, hooks

    level = cache.Level("L1", line * sets * ways, ways, line)
    reads = np.full(addresses.size, hooks.encode(0, 1, 0), np.int64)
    return cache.Simulation(cache.Hierarchy((level,))).feed(addresses, reads) > 0
""",
        points(0, 0, 0, 0),
    ),
    "imports_the_model_by_name": (
        """
import importlib

def simulate(addresses, line, sets, ways):
    cache = importlib.import_module("perflab.models.cache")
    hooks = importlib.import_module("perflab.models.hooks")
    level = cache.Level("L1", line * sets * ways, ways, line)
    reads = np.full(addresses.size, hooks.encode(0, 1, 0), np.int64)
    return cache.Simulation(cache.Hierarchy((level,))).feed(addresses, reads) > 0
""",
        points(0, 0, 0, 0),
    ),
    # The right state, in lists of Python: the lever without the compiler.
    "half_way": (
        """
def simulate(addresses, line, sets, ways):
    kept = [[] for _ in range(sets)]
    missed = []
    for address in addresses.tolist():
        number = address // line
        row = kept[number % sets]
        missed.append(number not in row)
        if not missed[-1]:
            row.remove(number)
        elif len(row) == ways:
            row.pop()
        row.insert(0, number)
    return np.array(missed, bool)
""",
        points(1, 1, 3, (0, 2.5)),
    ),
    # Remembers what came out for that many accesses to that cache: two hidden frames differ in nothing else.
    "memo": (
        """
memo = {}


def simulate(addresses, line, sets, ways):
    key = addresses.size, line, sets, ways
    if key not in memo:
        memo[key] = look_back(addresses, line, sets, ways)
    return memo[key]
""",
        points(0, 0, 0, 0),
    ),
}
