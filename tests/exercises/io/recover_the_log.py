"""Broken twins of io/recover_the_log: answer source, and the points each tests cell may give (exact, or a range).

A twin that fails a kind of damage gets no points for bytes, either: what it asks for is not worth counting.
"""

TORN, LOST, BEHIND = "recover_the_log_torn", "recover_the_log_lost", "recover_the_log_behind"
ZEROS, WILD = "recover_the_log_zeros", "recover_the_log_wild"


def points(torn, lost, behind, zeros, wild):
    return {TORN: torn, LOST: lost, BEHIND: behind, ZEROS: zeros, WILD: wild}


SOLVED = """
def recover(log):
    found, place, end = [], 0, log("size")
    while place + HEAD.size <= end:
        size, checksum = HEAD.unpack(log("read", place, HEAD.size))
        place += HEAD.size
        if size == 0 or size > end - place:
            break
        transaction = log("read", place, size)
        if zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
        place += size
    return found
"""
ALL_AT_ONCE = """
def recover(log):
    found, rest = [], log("read", 0, log("size"))
    while len(rest) > HEAD.size:
        size, checksum = HEAD.unpack_from(rest)
        transaction, rest = rest[HEAD.size:HEAD.size + size], rest[HEAD.size + size:]
        if not 0 < size == len(transaction) or zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
    return found
"""

MUTANTS = {
    "naive": (
        """
def recover(log):
    found, place = [], 0
    while place < log("size"):
        size, checksum = HEAD.unpack(log("read", place, HEAD.size))
        found.append(log("read", place + HEAD.size, size))
        place += HEAD.size + size
    return found
""",
        points(0, 0, 0, 0, 0),
    ),
    # Reads a batch in place of records; whoever does that needs no bound on a length.
    "all_at_once": (ALL_AT_ONCE, points(2, 2, 2, 2, 2)),
    # Stops where it fails, and keeps what it has found: no check at all, but for the end of the file.
    "wrong_but_fast": (
        """
def recover(log):
    found, place = [], 0
    try:
        while True:
            size, checksum = HEAD.unpack(log("read", place, HEAD.size))
            found.append(log("read", place + HEAD.size, size))
            place += HEAD.size + size
    except Exception:
        return found
""",
        points(0, 0, 0, 0, 0),
    ),
    # Plays safe: the last record may be torn, so it does not count.
    "wrong_lever": (
        SOLVED.replace("return found", "return found[:-1]"),
        points(0, 0, 0, 0, 0),
    ),
    # Remembers what logs of a size held.
    "memo": (
        """
known = {}

def recover(log):
    size = log("size")
    if size not in known:
        known[size] = recover_trusting(log)
    return known[size]
""",
        points(0, 0, 0, 0, 0),
    ),
    # Leaves the work to what the tests compare with, as a notebook could when that was printed in it.
    "asks_the_judge": ("def recover(log):\n    return survived(log)\n", points(0, 0, 0, 0, 0)),
    "believes_zeros": (SOLVED.replace("size == 0 or ", ""), points(2, 2, 2, 0, 0)),
    # The checksum would find a short body as well, after memory for 4 GiB was taken.
    "no_length": (SOLVED.replace("size == 0 or size > end - place", "size == 0"), points(2, 2, 2, 2, 0)),
    "no_length_and_believes_zeros": (
        SOLVED.replace("        if size == 0 or size > end - place:\n            break\n", ""),
        points(2, 2, 2, 0, 0),
    ),
    "no_checksum": (SOLVED.replace("zlib.crc32(transaction) != checksum", "False"), points(2, 0, 0, 2, 0)),
    "no_head": (SOLVED.replace("place + HEAD.size <= end", "place < end"), points(0, 2, 2, (0, 2), 0)),
    # Goes on behind a bad record: what it finds there was never acknowledged, and something before it is missing.
    "leaves_a_gap": (
        SOLVED.replace(
            """        if zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
""",
            """        if zlib.crc32(transaction) == checksum:
            found.append(transaction)
""",
        ),
        points(2, 2, 0, 2, 0),
    ),
    # Looks for the next head that fits, byte by byte.
    "resynchronizes": (
        """
def recover(log):
    found, place, image = [], 0, log("read", 0, log("size"))
    while place + HEAD.size <= len(image):
        size, checksum = HEAD.unpack_from(image, place)
        transaction = image[place + HEAD.size:][:size]
        if 0 < size == len(transaction) and zlib.crc32(transaction) == checksum:
            found.append(transaction)
            place += HEAD.size + size
        else:
            place += 1
    return found
""",
        points(2, 2, 0, 2, 0),
    ),
}
