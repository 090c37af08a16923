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
    atomics.store(ends, BOTTOM, b, "release")
    atomics.fence("seq_cst")
    t = atomics.load(ends, TOP, "relaxed")
    task = EMPTY
    if t <= b:
        task = atomics.load(ring, b & (ring.size - 1), "relaxed")
        if t < b:
            return task
        if not atomics.compare_exchange(ends, TOP, t, t + 1):
            task = EMPTY
    atomics.store(ends, BOTTOM, b + 1, "release")
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
    # A fence only where the deque seems nearly empty: a thief may steal seven tasks meanwhile.
    "fences_near_the_end": (
        PUSH
        + TAKE.replace(
            '    atomics.fence("seq_cst")\n',
            '    if b - atomics.load(ends, TOP, "relaxed") < 7:\n        atomics.fence("seq_cst")\n',
        )
        + STEAL,
        points(1, 2, 2, 0, 0),
    ),
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
            '    atomics.store(ends, BOTTOM, b + 1, "release")\n',
            "    atomics.store(ends, BOTTOM, 0)\n    atomics.store(ends, TOP, 0)\n",
        )
        + STEAL,
        points(1, 0, 0, 0, 0),
    ),
    # What a model of x86 cannot see, and the notebook says so: orders that C11 and Armv8 need. Full points here, and
    # none once the tests run under a weak memory as well.
    "no_release": (
        (PUSH + TAKE + STEAL).replace(', "release")', ', "relaxed")').replace(', "acquire")', ', "relaxed")'),
        points(1, 2, 2, 2, 2),
    ),
    # The given lock, in the new form: right, and all wait for whoever is stopped while it has the lock.
    "delegates": (
        """
@njit
def push(ends, ring, task):
    return push_locked(ends, ring, task)

@njit
def take(ends, ring):
    return take_locked(ends, ring)

@njit
def steal(ends, ring):
    return steal_locked(ends, ring)
""",
        points(0, 0, 0, 0, 0),
    ),
    # A lock that needs no word: whoever has it has moved TOP far away.
    "lock_in_top": (
        """
@njit
def hold(ends):
    while True:
        top = atomics.load(ends, TOP)
        if top < 1 << 40 and atomics.compare_exchange(ends, TOP, top, top + (1 << 40)):
            return top

@njit
def push(ends, ring, task):
    top = hold(ends)
    room = ends[BOTTOM] - top < ring.size
    if room:
        ring[ends[BOTTOM] & (ring.size - 1)] = task
        ends[BOTTOM] += 1
    atomics.store(ends, TOP, top, "release")
    return room

@njit
def take(ends, ring):
    top = hold(ends)
    task = EMPTY
    if top < ends[BOTTOM]:
        ends[BOTTOM] -= 1
        task = ring[ends[BOTTOM] & (ring.size - 1)]
    atomics.store(ends, TOP, top, "release")
    return task

@njit
def steal(ends, ring):
    top = hold(ends)
    task = EMPTY
    if top < ends[BOTTOM]:
        task = ring[top & (ring.size - 1)]
        top += 1
    atomics.store(ends, TOP, top, "release")
    return task
""",
        points(0, 0, 0, 0, 0),
    ),
    # Cilk-5's deque, as the chapter has it: the thieves lock, and the owner where one task may be left.
    "cilk_5": (
        PUSH
        + """
@njit
def hold(ends):
    while not atomics.compare_exchange(ends, LOCK, 0, 1):
        hints.pause()

@njit
def take(ends, ring):
    mine = atomics.load(ends, BOTTOM, "relaxed") - 1
    atomics.store(ends, BOTTOM, mine, "release")
    atomics.fence("seq_cst")
    if atomics.load(ends, TOP, "relaxed") <= mine:
        return atomics.load(ring, mine & (ring.size - 1), "relaxed")
    hold(ends)
    left = atomics.load(ends, TOP, "relaxed") <= mine
    if not left:
        atomics.store(ends, BOTTOM, mine + 1, "release")
    atomics.store(ends, LOCK, 0, "release")
    return atomics.load(ring, mine & (ring.size - 1), "relaxed") if left else EMPTY

@njit
def steal(ends, ring):
    hold(ends)
    top = atomics.load(ends, TOP, "relaxed")
    atomics.store(ends, TOP, top + 1, "release")
    atomics.fence("seq_cst")
    task = EMPTY
    if top >= atomics.load(ends, BOTTOM, "acquire"):
        atomics.store(ends, TOP, top, "release")
    else:
        task = atomics.load(ring, top & (ring.size - 1), "relaxed")
    atomics.store(ends, LOCK, 0, "release")
    return task
""",
        points(0, 0, 0, (0, 2), 0),
    ),
    # The owner is free of locks, and thieves exclude each other.
    "thieves_lock": (
        PUSH
        + TAKE
        + """
@njit
def steal(ends, ring):
    while not atomics.compare_exchange(ends, LOCK, 0, 1):
        hints.pause()
    t = atomics.load(ends, TOP, "acquire")
    atomics.fence("seq_cst")
    task = EMPTY
    if t < atomics.load(ends, BOTTOM, "acquire"):
        task = atomics.load(ring, t & (ring.size - 1), "relaxed")
        if not atomics.compare_exchange(ends, TOP, t, t + 1):
            task = LOST
    atomics.store(ends, LOCK, 0, "release")
    return task
""",
        points(0, 2, 0, 2, 0),
    ),
    # Always finds space, and overwrites the oldest task of a full deque.
    "push_never_refuses": (
        PUSH.replace(
            '    if b - atomics.load(ends, TOP, "acquire") >= ring.size:\n        return False\n', ""
        )
        + TAKE
        + STEAL,
        points(0, 2, 2, (0, 2), 0),
    ),
}
