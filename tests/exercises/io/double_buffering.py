"""Broken twins of io/double_buffering: answer source, and the points each tests cell may give (exact, or a range)."""

CORRECT, TIME, UNEVEN = "double_buffering_correct", "double_buffering_time", "double_buffering_uneven"


def points(correct, time, uneven):
    return {CORRECT: correct, TIME: time, UNEVEN: uneven}


MUTANTS = {
    "naive": (
        """
def digest(device, count):
    digests = []
    for _ in range(count):
        device("start")
        digests.append(device("work", device("finish")))
    return digests
""",
        points(2, 0, 0),
    ),
    # Never works on the last block.
    "wrong_but_fast": (
        """
def digest(device, count):
    digests = []
    if count:
        device("start")
    for number in range(count - 1):
        block = device("finish")
        device("start")
        digests.append(device("work", block))
    return digests
""",
        points(0, 0, 0),
    ),
    # Computes here what the modeled processor should: no time passes on its clock, but for reading.
    "wrong_lever": (
        """
def digest(device, count):
    digests = []
    for _ in range(count):
        device("start")
        block = device("finish")
        digests.append(zlib.crc32(block))
        device("work", block)
    return digests
""",
        points(2, 0, 0),
    ),
    # Both buffers are filled, then both are worked on: batches, but no overlap.
    "in_pairs": (
        """
def digest(device, count):
    digests = []
    for first in range(0, count, 2):
        both = min(2, count - first)
        for _ in range(both):
            device("start")
        blocks = [device("finish") for _ in range(both)]
        digests += [device("work", block) for block in blocks]
    return digests
""",
        points(2, 0, 0),
    ),
    "every_second": (
        """
def digest(device, count):
    digests = []
    for first in range(0, count, 2):
        device("start")
        block = device("finish")
        more = first + 1 < count
        if more:
            device("start")
        digests.append(device("work", block))
        if more:
            digests.append(device("work", device("finish")))
    return digests
""",
        points(2, (0.5, 2), (0, 1)),
    ),
    # Remembers what it returned for as many blocks.
    "memo": (
        """
seen = {}

def digest(device, count):
    if count not in seen:
        seen[count] = []
        for _ in range(count):
            device("start")
            seen[count].append(device("work", device("finish")))
    return seen[count]
""",
        points((0, 2), 0, 0),
    ),
    # Starts the next block too late: the device waits while the processor works, as before.
    "late_start": (
        """
def digest(device, count):
    digests = []
    if count:
        device("start")
    for number in range(count):
        digests.append(device("work", device("finish")))
        if number + 1 < count:
            device("start")
    return digests
""",
        points(2, 0, 0),
    ),
    # Overlaps the first half, then runs out of care.
    "half_of_the_image": (
        """
def digest(device, count):
    digests = []
    if count:
        device("start")
    for number in range(count):
        block = device("finish")
        ahead = number < count // 2
        if ahead and number + 1 < count:
            device("start")
        digests.append(device("work", block))
        if not ahead and number + 1 < count:
            device("start")
    return digests
""",
        points(2, (0.5, 2), (0, 1.5)),
    ),
    # Computes the digests itself and never gives a buffer back.
    "without_the_processor": (
        """
def digest(device, count):
    digests = []
    for _ in range(count):
        device("start")
        digests.append(zlib.crc32(device("finish")))
    return digests
""",
        points(0, 0, 0),
    ),
    # Forgets to start in time at every third block.
    "every_third_late": (
        """
def digest(device, count):
    digests = []
    if count:
        device("start")
    for number in range(count):
        block = device("finish")
        late = number % 3 == 2
        if not late and number + 1 < count:
            device("start")
        digests.append(device("work", block))
        if late and number + 1 < count:
            device("start")
    return digests
""",
        points(2, (0.5, 2.5), (0, 1)),
    ),
    # Two reads are always under way, and the next starts when a buffer is free: the lever in another order.
    "two_under_way": (
        """
def digest(device, count):
    digests = []
    for _ in range(min(2, count)):
        device("start")
    for number in range(count):
        digests.append(device("work", device("finish")))
        if number + 2 < count:
            device("start")
    return digests
""",
        points(2, 3, 2),
    ),
}
