"""Broken twins of concurrency/steal_or_share: answer source, and the points of each tests cell (exact, or a range)."""

CORRECT, STATIC = "steal_or_share_correct", "steal_or_share_static"
BOUND, MOVED = "steal_or_share_bound", "steal_or_share_moved"


def points(correct, static, bound, moved):
    return {CORRECT: correct, STATIC: static, BOUND: bound, MOVED: moved}


def stealing(own, theirs, victim):
    return f"""
def run_stealing(pool, workers):
    rng = np.random.default_rng(2)
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "{own}")
        if worth is None:
            pool("steal", me, {victim}, "{theirs}")
        else:
            total += worth
    return total
"""


ANYBODY = "(me + int(rng.integers(1, workers))) % workers"

MUTANTS = {
    # Each does its own, and rests.
    "naive": (
        """
def run_stealing(pool, workers):
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is None:
            pool("rest", me)
        else:
            total += worth
    return total
""",
        points(2, 0, 0, 0),
    ),
    # Done when the first worker has nothing left.
    "wrong_but_fast": (
        """
def run_stealing(pool, workers):
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is None:
            return total
        total += worth
    return total
""",
        points(0, 0, 0, 0),
    ),
    # Work sharing: the busy ones pay for the balance, and most tasks move.
    "wrong_lever": (
        """
def run_stealing(pool, workers):
    rng = np.random.default_rng(3)
    total, gave = 0, set()
    while (me := pool("next")) is not None:
        if workers > 1 and me not in gave and pool("size", me) > 1:
            gave.add(me)
            pool("give", me, (me + int(rng.integers(1, workers))) % workers, "front")
            continue
        gave.discard(me)
        worth = pool("run", me, "back")
        if worth is None:
            pool("rest", me)
        else:
            total += worth
    return total
""",
        points(2, 0, 0, 0),
    ),
    # Gives to those that rest, and to nobody else: near the bound, with few moves, and who has work still pays.
    "gives_to_who_rests": (
        """
def run_stealing(pool, workers):
    total, resting = 0, []
    while (me := pool("next")) is not None:
        if me in resting:
            resting.remove(me)
        if resting and pool("size", me) > 1:
            pool("give", me, resting.pop(), "front")
            continue
        worth = pool("run", me, "back")
        if worth is None:
            pool("rest", me)
            resting.append(me)
        else:
            total += worth
    return total
""",
        points(2, 0, 0, 0),
    ),
    # Gives, to anybody, the first times only, and then each does its own.
    "gives_blindly_at_first": (
        """
def run_stealing(pool, workers):
    rng = np.random.default_rng(3)
    total, gave = 0, [0] * workers
    while (me := pool("next")) is not None:
        if workers > 1 and gave[me] < 20 and pool("size", me) > 3:
            gave[me] += 1
            pool("give", me, (me + int(rng.integers(1, workers))) % workers, "front")
            continue
        worth = pool("run", me, "back")
        if worth is None:
            pool("rest", me)
        else:
            total += worth
    return total
""",
        points(2, 0, 0, 0),
    ),
    # Steals, and gives one task away besides.
    "steals_and_gives_once": (
        """
def run_stealing(pool, workers):
    rng = np.random.default_rng(2)
    total, gave = 0, False
    while (me := pool("next")) is not None:
        if not gave and workers > 1 and pool("size", me) > 1:
            gave = True
            pool("give", me, (me + 1) % workers, "front")
            continue
        worth = pool("run", me, "back")
        if worth is None:
            pool("steal", me, (me + int(rng.integers(1, workers))) % workers, "front")
        else:
            total += worth
    return total
""",
        points(2, 0, 0, 0),
    ),
    # Steals now and then, and rests otherwise: few moves, since little is balanced.
    "steals_seldom": (
        """
def run_stealing(pool, workers):
    rng = np.random.default_rng(2)
    total, tries = 0, [0] * workers
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is not None:
            total += worth
        elif tries[me] < 8 and workers > 1:
            tries[me] += 1
            pool("steal", me, (me + int(rng.integers(1, workers))) % workers, "front")
        else:
            pool("rest", me)
    return total
""",
        points(2, (0, 1), 0, 0),
    ),
    # Remembers the sum for as many workers.
    "memo": (
        """
known = {}

def run_stealing(pool, workers):
    if workers not in known:
        known[workers] = 0
        while (me := pool("next")) is not None:
            worth = pool("run", me, "back")
            if worth is None:
                pool("rest", me)
            else:
                known[workers] += worth
    return known[workers]
""",
        points(0, 0, 0, 0),
    ),
    # Robs the first one, who has all at the start and nothing later.
    "always_from_the_first": (stealing("back", "front", "0 if me else 1"), points((0, 2), 0, 0, 0)),
    # Thieves get the smallest tasks, and the owner walks the tree in breadth.
    "wrong_ends": (stealing("front", "back", ANYBODY), points(2, (0, 0.5), 0, 0)),
    # Thieves get the youngest, and come back soon.
    "same_end": (stealing("back", "back", ANYBODY), points(2, 1, (0, 0.5), (0, 0.5))),
    # Thieves get the oldest, and the owner takes that, too: it walks the tree in breadth.
    "owner_at_the_front": (stealing("front", "front", ANYBODY), points(2, (0.5, 1), 0, 0)),
    # Other victims than random ones, which is no part of the lever.
    "from_the_neighbor": (
        stealing("back", "front", "(me + 1) % workers"),
        points(2, 1, (0, 3), (2, 3)),
    ),
    "in_turn": (
        """
def run_stealing(pool, workers):
    turn = [0] * workers
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is None:
            turn[me] = turn[me] % (workers - 1) + 1
            pool("steal", me, (me + turn[me]) % workers, "front")
        else:
            total += worth
    return total
""",
        points(2, 1, 3, 3),
    ),
    # Calls the course's work sharing.
    "delegates": (
        """
def run_stealing(pool, workers):
    return run_shared(pool, workers)
""",
        points(2, 0, 0, 0),
    ),
    # Looks into the pool: what is no verb is out of reach.
    "looks_inside": (
        """
def run_stealing(pool, workers):
    total = 0
    while (me := pool("next")) is not None:
        worth = pool("run", me, "back")
        if worth is None:
            full = max(range(workers), key=lambda other: len(pool.deques[other]))
            pool("steal", me, full if full != me else (me + 1) % workers, "front")
        else:
            total += worth
    return total
""",
        points(0, 0, 0, 0),
    ),
}
