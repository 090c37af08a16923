"""Broken twins of io/group_commit: answer source, and the points each tests cell may give (exact, or a range)."""

SERVED, RECOVERED = "group_commit_served", "group_commit_recovered"
PROMISES, SYNCS, WAIT = "group_commit_promises", "group_commit_syncs", "group_commit_wait"


def points(served, recovered, promises, syncs, wait):
    return {SERVED: served, RECOVERED: recovered, PROMISES: promises, SYNCS: syncs, WAIT: wait}


SERVE = """
def serve(disk):
    done = 0
    while waiting := disk("wait"):
        for transaction in waiting:
            disk("write", frame(transaction))
        disk("sync")
        done += len(waiting)
        disk("acknowledge", done)
    return done
"""
RECOVER = """
def recover(log):
    found, place = [], 0
    while place + HEAD.size <= len(log):
        size, checksum = HEAD.unpack_from(log, place)
        body = log[place + HEAD.size:place + HEAD.size + size]
        if size == 0 or len(body) < size or zlib.crc32(body) != checksum:
            break
        found.append(body)
        place += HEAD.size + size
    return found
"""
NAIVE = """
def serve(disk):
    done = 0
    while waiting := disk("wait"):
        for transaction in waiting:
            disk("write", frame(transaction))
            disk("sync")
            done += 1
            disk("acknowledge", done)
    return done
"""

MUTANTS = {
    "naive": (NAIVE + RECOVER, points(1, 2, 2, 0, 0)),
    # Promises first, and makes it true afterwards.
    "wrong_but_fast": (
        SERVE.replace('        disk("sync")\n', "").replace(
            '        disk("acknowledge", done)\n', '        disk("acknowledge", done)\n        disk("sync")\n'
        )
        + RECOVER,
        points(1, 2, 0, 0, 0),
    ),
    # Saves write calls where syncs cost.
    "wrong_lever": (
        """
def serve(disk):
    done = 0
    while waiting := disk("wait"):
        disk("write", b"".join(map(frame, waiting)))
        for _ in waiting:
            disk("sync")
            done += 1
            disk("acknowledge", done)
    return done
"""
        + RECOVER,
        points(1, 2, 2, 0, 0),
    ),
    # Remembers the promises of the last day.
    "memo": (
        """
earlier = {}

def serve(disk):
    first = disk("wait")
    key = len(first)
    if key in earlier:
        return earlier[key]
    done = 0
    waiting = first
    while waiting:
        for transaction in waiting:
            disk("write", frame(transaction))
            disk("sync")
            done += 1
            disk("acknowledge", done)
        waiting = disk("wait")
    earlier[key] = done
    return done
"""
        + RECOVER,
        points(0, 2, 0, 0, 0),
    ),
    # One sync for the whole day: cheap, and everybody waits until the evening.
    "in_the_evening": (
        """
def serve(disk):
    done = 0
    while waiting := disk("wait"):
        for transaction in waiting:
            disk("write", frame(transaction))
        done += len(waiting)
    disk("sync")
    disk("acknowledge", done)
    return done
"""
        + RECOVER,
        points(1, 2, 2, 2, 0),
    ),
    "groups_of_four": (
        """
def serve(disk):
    done = 0
    while waiting := disk("wait"):
        for first in range(0, len(waiting), 4):
            for transaction in waiting[first:first + 4]:
                disk("write", frame(transaction))
            disk("sync")
            done += len(waiting[first:first + 4])
            disk("acknowledge", done)
    return done
"""
        + RECOVER,
        points(1, 2, 2, (1, 2), (0, 0.5)),
    ),
    "believes_zeros": (SERVE + RECOVER.replace("size == 0 or ", ""), points(1, 0, 2, 2, 1)),
    "no_checksum": (SERVE + RECOVER.replace(" or zlib.crc32(body) != checksum", ""), points(1, 0, 2, 2, 1)),
    # Goes on behind a bad record: what it finds there was never acknowledged, and something before it is missing.
    "leaves_a_gap": (
        SERVE
        + """
def recover(log):
    found, place = [], 0
    while place + HEAD.size <= len(log):
        size, checksum = HEAD.unpack_from(log, place)
        body = log[place + HEAD.size:place + HEAD.size + size]
        if size == 0 or len(body) < size:
            break
        if zlib.crc32(body) == checksum:
            found.append(body)
        place += HEAD.size + size
    return found
""",
        points(1, 0, 2, 2, 1),
    ),
}
