"""Broken twins of concurrency/work_stealing: answer source, and the points of each tests cell (exact, or a range)."""

THIEVES, LAST, FENCE = "work_stealing_thieves", "work_stealing_last", "work_stealing_fence"
THREADS, LOCKED = "work_stealing_threads_agree", "work_stealing_locked"


def points(thieves, last, fence, threads, locked):
    return {THIEVES: thieves, LAST: last, FENCE: fence, THREADS: threads, LOCKED: locked}


PUSH = """
@njit
def push(ends, ring, task):
    b = atomics.load(ends, BOTTOM, "relaxed")
    if b - atomics.load(ends, TOP, "acquire") >= ring.size:
        return False
    atomics.store(ring, b & (ring.size - 1), task, "relaxed")
    atomics.store(ends, BOTTOM, b + 1, "release")
    return True
"""
TAKE = """
@njit
def take(ends, ring):
    b = atomics.load(ends, BOTTOM, "relaxed") - 1
    atomics.store(ends, BOTTOM, b, "relaxed")
    atomics.fence("seq_cst")
    t = atomics.load(ends, TOP, "relaxed")
    task = EMPTY
    if t <= b:
        task = atomics.load(ring, b & (ring.size - 1), "relaxed")
        if t < b:
            return task
        if not atomics.compare_exchange(ends, TOP, t, t + 1):
            task = EMPTY
    atomics.store(ends, BOTTOM, b + 1, "relaxed")
    return task
"""
STEAL = """
@njit
def steal(ends, ring):
    t = atomics.load(ends, TOP, "acquire")
    atomics.fence("seq_cst")
    b = atomics.load(ends, BOTTOM, "acquire")
    if t >= b:
        return EMPTY
    task = atomics.load(ring, t & (ring.size - 1), "relaxed")
    if not atomics.compare_exchange(ends, TOP, t, t + 1):
        return LOST
    return task
"""

MUTANTS = {
    # A deque for one thread.
    "naive": (
        """
@njit
def push(ends, ring, task):
    if ends[BOTTOM] - ends[TOP] == ring.size:
        return False
    ring[ends[BOTTOM] & (ring.size - 1)] = task
    ends[BOTTOM] += 1
    return True

@njit
def take(ends, ring):
    if ends[TOP] == ends[BOTTOM]:
        return EMPTY
    ends[BOTTOM] -= 1
    return ring[ends[BOTTOM] & (ring.size - 1)]

@njit
def steal(ends, ring):
    if ends[TOP] == ends[BOTTOM]:
        return EMPTY
    ends[TOP] += 1
    return ring[(ends[TOP] - 1) & (ring.size - 1)]
""",
        points(0, 0, 0, 0, 0),
    ),
    # Without the fence: the claim waits in the store buffer while TOP is read.
    "wrong_but_fast": (PUSH + TAKE.replace('    atomics.fence("seq_cst")\n', "") + STEAL, points(1, 2, 0, 0, 0)),
    # All in the strongest order, and fences besides: right, and it locks more often than a lock.
    "wrong_lever": (
        (PUSH + TAKE + STEAL)
        .replace(', "relaxed")', ")")
        .replace(', "release")', ")")
        .replace(', "acquire")', ")")
        .replace("    return True", '    atomics.fence("seq_cst")\n    return True'),
        points(1, 2, 2, 2, 0),
    ),
    # The owner remembers where TOP was, and looks again only if the deque seems empty.
    "memo": (
        PUSH
        + TAKE.replace(
            't = atomics.load(ends, TOP, "relaxed")',
            "t = ends[BOTTOM + 1]\n    if t >= b:\n        t = atomics.load(ends, TOP)\n        ends[BOTTOM + 1] = t",
        )
        + STEAL,
        points(1, 0, 0, 0, 0),
    ),
    # Takes the last task as if no thief could want it.
    "no_exchange_for_the_last": (
        PUSH
        + TAKE.replace(
            "if not atomics.compare_exchange(ends, TOP, t, t + 1):",
            'atomics.store(ends, TOP, t + 1, "relaxed")\n        if False:',
        )
        + STEAL,
        points(1, 0, 0, 0, 0),
    ),
    "bottom_stays_back": (
        PUSH + TAKE.replace("BOTTOM, b + 1", "BOTTOM, max(b, t)") + STEAL,
        points(1, 0, 0, 0, 0),
    ),
    # Reads the task after it has won, when its place may hold another one.
    "reads_too_late": (
        PUSH
        + TAKE
        + STEAL.replace('    task = atomics.load(ring, t & (ring.size - 1), "relaxed")\n', "").replace(
            "return task", "return atomics.load(ring, t & (ring.size - 1))"
        ),
        points(0, 2, 2, (0, 2), 0),
    ),
    "announces_too_early": (
        PUSH.replace(
            """    atomics.store(ring, b & (ring.size - 1), task, "relaxed")
    atomics.store(ends, BOTTOM, b + 1, "release")
""",
            """    atomics.store(ends, BOTTOM, b + 1, "release")
    atomics.store(ring, b & (ring.size - 1), task, "relaxed")
""",
        )
        + TAKE
        + STEAL,
        points(0, 2, 2, 0, 0),
    ),
    # Starts again at position 0 when it is empty, as the deque of 1998 did: it needs a tag then.
    "starts_again": (
        PUSH
        + TAKE.replace(
            '    atomics.store(ends, BOTTOM, b + 1, "relaxed")\n',
            "    atomics.store(ends, BOTTOM, 0)\n    atomics.store(ends, TOP, 0)\n",
        )
        + STEAL,
        points(1, 0, 0, 0, 0),
    ),
}
