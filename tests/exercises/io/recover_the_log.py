"""Broken twins of io/recover_the_log: answer source, and the points each tests cell may give (exact, or a range).

A twin that fails a kind of damage gets no points for bytes, either: what it asks for is not worth counting.
"""

TORN, LOST, BEHIND = "recover_the_log_torn", "recover_the_log_lost", "recover_the_log_behind"
ZEROS, WILD = "recover_the_log_zeros", "recover_the_log_wild"


def points(torn, lost, behind, zeros, wild):
    return {TORN: torn, LOST: lost, BEHIND: behind, ZEROS: zeros, WILD: wild}


ALL, NOTHING = points(1, 2, 2, 2, 3), points(0, 0, 0, 0, 0)
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
        NOTHING,
    ),
    # Reads a batch in place of records; whoever does that needs no bound on a length.
    "all_at_once": (ALL_AT_ONCE, ALL),
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
        NOTHING,
    ),
    # Plays safe: the last record may be torn, so it does not count.
    "wrong_lever": (
        SOLVED.replace("return found", "return found[:-1]"),
        NOTHING,
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
        NOTHING,
    ),
    # Leaves the work to what the tests compare with, as a notebook could when that was printed in it.
    "asks_the_judge": ("def recover(log):\n    return survived(log)\n", NOTHING),
    "believes_zeros": (SOLVED.replace("size == 0 or ", ""), points(1, 2, 2, 0, 0)),
    # The checksum finds most short bodies as well, not one that is whole and said to be longer.
    "no_length": (SOLVED.replace("size == 0 or size > end - place", "size == 0"), points(1, 0, 2, 2, 0)),
    # Finds those, too, after memory for 4 GiB was taken.
    "length_afterwards": (
        SOLVED.replace("size == 0 or size > end - place", "size == 0").replace(
            "if zlib", "if len(transaction) != size or zlib"
        ),
        points(1, 2, 2, 2, 0),
    ),
    # A bound that knows the clients, or believes it does.
    "sizes_as_seen": (SOLVED.replace("size == 0 or size > end - place", "not 40 <= size < 80"), NOTHING),
    "at_most_1_MiB": (
        SOLVED.replace("size == 0 or size > end - place", "not 0 < size <= 1 << 20").replace(
            "if zlib", "if len(transaction) != size or zlib"
        ),
        points(0, 2, 2, 2, 0),
    ),
    "at_most_5_MiB": (
        SOLVED.replace("size == 0 or size > end - place", "not 0 < size <= 5 << 20").replace(
            "if zlib", "if len(transaction) != size or zlib"
        ),
        points(1, 2, 2, 2, 0),
    ),
    # Takes zeros at the end for space that was reserved: they may belong to the last transaction.
    "strips_zeros": (
        """
def recover(log):
    found, rest = [], log("read", 0, log("size")).rstrip(b"\\0")
    while len(rest) > HEAD.size:
        size, checksum = HEAD.unpack_from(rest)
        transaction, rest = rest[HEAD.size:HEAD.size + size], rest[HEAD.size + size:]
        if len(transaction) != size or zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
    return found
""",
        points(0, (0, 2), (0, 2), 0, 0),
    ),
    # Strips them, and gives the last body as many as it lacks: also if they were cut off.
    "strips_and_pads": (
        """
def recover(log):
    found, rest = [], log("read", 0, log("size")).rstrip(b"\\0")
    while len(rest) > HEAD.size:
        size, checksum = HEAD.unpack_from(rest)
        if size > 5 << 20:
            break
        transaction, rest = rest[HEAD.size:HEAD.size + size].ljust(size, b"\\0"), rest[HEAD.size + size:]
        if zlib.crc32(transaction) != checksum:
            break
        found.append(transaction)
    return found
""",
        points(0, (0, 2), 2, (0, 2), 0),
    ),
    # Takes the shortest body that fits the checksum, whatever length the head says.
    "searches_for_the_body": (
        """
def recover(log):
    found, rest = [], log("read", 0, log("size"))
    while len(rest) > HEAD.size:
        size, checksum = HEAD.unpack_from(rest)
        said, sum_so_far = rest[HEAD.size:], 0
        for end in range(min(len(said), 1 << 12)):
            sum_so_far = zlib.crc32(said[end:end + 1], sum_so_far)
            if sum_so_far == checksum:
                break
        else:
            if size > 1 << 12 and zlib.crc32(said[:size]) == checksum:
                end = size - 1
            else:
                break
        found.append(said[:end + 1])
        rest = said[end + 1:]
    return found
""",
        points(1, 0, 2, (0, 2), 0),
    ),
    # Reads no more of the length than the usual sizes need.
    "one_byte_of_the_length": (
        SOLVED.replace("if size == 0", "size &= 255\n        if size == 0"),
        NOTHING,
    ),
    "three_bytes_of_the_length": (
        SOLVED.replace("if size == 0", "size &= (1 << 24) - 1\n        if size == 0"),
        points(1, 0, 2, 2, 0),
    ),
    # Reads ahead, as files do.
    "blocks_of_4_KiB": (
        """
def recover(log):
    found, rest, place, end = [], b"", 0, log("size")
    while True:
        while len(rest) < HEAD.size and place < end:
            rest += log("read", place, 4096)
            place = min(place + 4096, end)
        if len(rest) < HEAD.size:
            return found
        size, checksum = HEAD.unpack_from(rest)
        if not 0 < size <= end - place + len(rest) - HEAD.size:
            return found
        more = max(HEAD.size + size - len(rest), 0)
        rest += log("read", place, more)
        place += more
        transaction, rest = rest[HEAD.size:HEAD.size + size], rest[HEAD.size + size:]
        if zlib.crc32(transaction) != checksum:
            return found
        found.append(transaction)
""",
        ALL,
    ),
    # Returns what it read from, not copies.
    "views": (
        ALL_AT_ONCE.replace(
            '[], log("read", 0, log("size"))', '[], memoryview(bytearray(log("read", 0, log("size"))))'
        ),
        ALL,
    ),
    "no_length_and_believes_zeros": (
        SOLVED.replace("        if size == 0 or size > end - place:\n            break\n", ""),
        points(1, 0, 2, 0, 0),
    ),
    "no_checksum": (SOLVED.replace("zlib.crc32(transaction) != checksum", "False"), points(1, 0, 0, 2, 0)),
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
        points(1, 2, 0, 2, 0),
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
        points(1, 0, 0, 2, 0),
    ),
}
