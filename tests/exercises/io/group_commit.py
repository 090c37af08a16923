"""Broken twins of io/group_commit: answer source, and the points each tests cell may give (exact, or a range)."""

SERVED, PROMISES = "group_commit_served", "group_commit_promises"
SYNCS, WAIT, CALM = "group_commit_syncs", "group_commit_wait", "group_commit_calm"


def points(served, promises, syncs, wait, calm):
    return {SERVED: served, PROMISES: promises, SYNCS: syncs, WAIT: wait, CALM: calm}


SOLVED = """
def serve(disk):
    done = 0
    while (transaction := disk("wait")) is not None:
        while transaction is not None:
            disk("write", frame(transaction))
            done += 1
            transaction = disk("poll")
        disk("sync")
        disk("acknowledge", done)
    return done
"""
NAIVE = """
def serve(disk):
    done = 0
    while (transaction := disk("wait")) is not None:
        disk("write", frame(transaction))
        disk("sync")
        done += 1
        disk("acknowledge", done)
    return done
"""


def groups(size, how):
    """Return code that fills groups of one size by `how`: "poll" takes who is there, "wait" waits for them."""
    return f"""
def serve(disk):
    done = 0
    while (transaction := disk("wait")) is not None:
        size = 0
        while transaction is not None:
            disk("write", frame(transaction))
            size += 1
            transaction = disk("{how}") if size < {size} else None
        disk("sync")
        done += size
        disk("acknowledge", done)
    return done
"""


MUTANTS = {
    "naive": (NAIVE, points(1, 1, 0, 0, 1)),
    # Promises first, and makes it true afterwards.
    "wrong_but_fast": (
        SOLVED.replace(
            """        disk("sync")
        disk("acknowledge", done)
""",
            """        disk("acknowledge", done)
        disk("sync")
""",
        ),
        points(1, 0, 0, 0, 0),
    ),
    # Takes and promises whoever has come during the sync: they are not in it. On a calm day nobody comes.
    "promises_latecomers": (
        """
def serve(disk):
    done, transaction = 0, disk("wait")
    while transaction is not None:
        late = []
        while transaction is not None:
            disk("write", frame(transaction))
            done += 1
            transaction = disk("poll")
        disk("sync")
        while (transaction := disk("poll")) is not None:
            late.append(transaction)
            done += 1
        disk("acknowledge", done)
        for transaction in late:
            disk("write", frame(transaction))
        if late:
            disk("sync")
        transaction = disk("wait")
    return done
""",
        points(1, 0, 0, 0, 1),
    ),
    # Never syncs: the page cache would survive a crash of the program.
    "no_sync": (SOLVED.replace('        disk("sync")\n', ""), points(1, 0, 0, 0, 0)),
    # Saves write calls where syncs are expensive.
    "wrong_lever": (
        """
def serve(disk):
    done = 0
    while (transaction := disk("wait")) is not None:
        group = []
        while transaction is not None:
            group.append(transaction)
            transaction = disk("poll")
        disk("write", b"".join(map(frame, group)))
        for _ in group:
            disk("sync")
            done += 1
            disk("acknowledge", done)
    return done
""",
        points(1, 1, 0, 0, 1),
    ),
    # Remembers the promises of the last day.
    "memo": (
        """
earlier = {}

def serve(disk):
    transaction = disk("wait")
    key = transaction is None
    if key in earlier:
        return earlier[key]
    done = 0
    while transaction is not None:
        disk("write", frame(transaction))
        disk("sync")
        done += 1
        disk("acknowledge", done)
        transaction = disk("wait")
    earlier[key] = done
    return done
""",
        points(0, 0, 0, 0, 0),
    ),
    # One sync for the whole day: cheap, and everybody waits until the evening.
    "in_the_evening": (groups(10**9, "wait"), points(1, 1, 0, 0, 0)),
    # Waits until eight are there: whoever comes before a pause waits through it, and on a calm day everybody waits.
    "groups_of_eight": (groups(8, "wait"), points(1, 1, 0, 0, 0)),
    "groups_of_twelve": (groups(12, "wait"), points(1, 1, 0, 0, 0)),
    # Waits for four, then takes whoever is there: a lower bound on a group is a wait in each pause.
    "at_least_four": (
        SOLVED.replace(
            """        while transaction is not None:
""",
            """        first = done
        while transaction is not None:
""",
        ).replace('transaction = disk("poll")', 'transaction = disk("wait" if done - first < 4 else "poll")'),
        points(1, 1, 0, 0, 0),
    ),
    # A timer of 2 ms before each sync, made of empty writes: all that it adds is a wait.
    "timer": (
        SOLVED.replace(
            """        while transaction is not None:
""",
            """        for _ in range(200):
            disk("write", b"")
        while transaction is not None:
""",
        ),
        points(1, 1, 3, (0, 1), 0),
    ),
    # A timer of half a millisecond: company for few, and a wait for all.
    "short_timer": (
        SOLVED.replace(
            """        while transaction is not None:
""",
            """        for _ in range(50):
            disk("write", b"")
        while transaction is not None:
""",
        ),
        points(1, 1, 3, 2, 0),
    ),
    # Bounded groups of who is there: the lever, and a number that somebody has to tune.
    "at_most_eight": (groups(8, "poll"), points(1, 1, 3, (0, 1), 1)),
    "at_most_four": (groups(4, "poll"), points(1, 1, (1.5, 2.5), 0, 1)),
    # A bound so small that the queue grows: hardly better than a sync for each.
    "at_most_two": (groups(2, "poll"), points(1, 1, 0, 0, 1)),
}
