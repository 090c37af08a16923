"""Broken twins of algorithms/divide_and_conquer: an answer, and the points that each tests cell may give."""

CORRECT, STEPS = "divide_and_conquer_correct", "divide_and_conquer_steps"
SPEED = "divide_and_conquer_speed"


def points(correct, steps, speed):
    return {CORRECT: correct, STEPS: steps, SPEED: speed}


SORT = """
@njit
def sort(times, room):
    n, crossings = times.size, 0
    if n < 2:
        return 0
    middle = n // 2
    left, right = times[:middle], times[middle:]
    crossings = sort(left, room[:middle]) + sort(right, room[middle:])
    i = j = k = 0
    while i < middle and j < right.size:
        if left[i] <= right[j]:
            room[k] = left[i]
            i += 1
        else:
            room[k] = right[j]
            j += 1
            crossings += middle - i
        k += 1
    while i < middle:
        room[k] = left[i]
        i, k = i + 1, k + 1
    while j < right.size:
        room[k] = right[j]
        j, k = j + 1, k + 1
    for k in range(n):
        times[k] = room[k]
    return crossings


@njit
def crossed(times):
    return sort(times, np.empty_like(times))
"""

MUTANTS = {
    # The slow code.
    "naive": (
        """
@njit
def crossed(times):
    crossings = 0
    for i in range(times.size):
        time, behind = times[i], times[i + 1 :]
        for j in range(behind.size):
            crossings += behind[j] < time
    return crossings
""",
        points(3, 0, 0),
    ),
    # Counts neighbors only.
    "wrong_but_fast": (
        """
@njit
def crossed(times):
    crossings = 0
    for i in range(1, times.size):
        crossings += times[i] < times[i - 1]
    return crossings
""",
        points(0, 0, 0),
    ),
    # Takes equal times for crossed ones.
    "counts_ties": (SORT.replace("left[i] <= right[j]", "left[i] < right[j]"), points(0, 0, 0)),
    # Whole arrays in place of loops: the same pairs.
    "wrong_lever": (
        """
@njit(fastmath=True)
def crossed(times):
    crossings = 0
    for i in range(times.size):
        crossings += np.sum(times[i + 1 :] < times[i])
    return crossings
""",
        points(3, 0, 0),
    ),
    # Cuts, and asks all pairs between the halves: half of the pairs in each call are still all pairs.
    "cut_without_order": (
        """
@njit
def crossed(times):
    if times.size < 2:
        return 0
    middle = times.size // 2
    left, right = times[:middle], times[middle:]
    crossings = 0
    for i in range(middle):
        time = left[i]
        crossings += (right < time).sum()
    return crossings + crossed(left) + crossed(right)
""",
        points(3, 0, 0),
    ),
    # Answers with what came out for as many events: none come twice.
    "memo": (
        """
def slowly(times):
    crossings = 0
    for i in range(times.size):
        crossings += int((times[i + 1 :] < times[i]).sum())
    return crossings


outcomes = {}


def crossed(times):
    key = times[:20].tobytes(), times.size
    if key not in outcomes:
        outcomes[key] = slowly(times)
    return outcomes[key]
""",
        points(3, 0, 0),
    ),
    # Sorts by insertion, and counts its moves: fast where events are hardly late, and all pairs otherwise.
    "insertion": (
        """
@njit
def crossed(times):
    crossings = 0
    for i in range(1, times.size):
        time, j = times[i], i
        while j > 0 and times[j - 1] > time:
            times[j] = times[j - 1]
            j -= 1
        times[j] = time
        crossings += i - j
    return crossings
""",
        points(3, 0, 0),
    ),
    # Blocks of counters over the ranks: n to the 1.5 steps, better than all pairs, and too many.
    "blocks_of_counters": (
        """
@njit
def crossed(times):
    n, rank, crossings = times.size, 0, 0
    order, ranks = np.argsort(times), np.empty(times.size, np.int64)
    for k in range(n):
        rank += k > 0 and times[order[k]] != times[order[k - 1]]
        ranks[order[k]] = rank
    width = max(1, int(np.sqrt(n)))
    seen, blocks = np.zeros(n + width, np.int64), np.zeros(n // width + 2, np.int64)
    for i in range(n):
        block = ranks[i] // width
        for j in range(ranks[i] + 1, (block + 1) * width):
            crossings += seen[j]
        for b in range(block + 1, n // width + 1):
            crossings += blocks[b]
        seen[ranks[i]] += 1
        blocks[block] += 1
    return crossings
""",
        points(3, 0, (0, 2)),
    ),
    # Right but for a stream in reverse, and but for one in order: each is a case of its own.
    "wrong_in_reverse": (
        SORT.replace("    return sort(", "    if np.all(times[1:] < times[:-1]) and times.size > 3:\n        return 0\n    return sort("),
        points(0, 0, 0),
    ),
    # Another algorithm of n log n steps, which is legal: a tree of counters over the ranks.
    "tree_of_counters": (
        """
@njit
def crossed(times):
    n, rank, crossings = times.size, 0, 0
    order, ranks, tree = np.argsort(times), np.empty(times.size, np.int64), np.zeros(times.size + 2, np.int64)
    for k in range(n):
        rank += k > 0 and times[order[k]] != times[order[k - 1]]
        ranks[order[k]] = rank
    for i in range(n - 1, -1, -1):
        j = ranks[i]
        while j > 0:
            crossings += tree[j]
            j -= j & -j
        j = ranks[i] + 1
        while j <= n:
            tree[j] += 1
            j += j & -j
    return crossings
""",
        points(3, 4, (0, 2)),
    ),
}
