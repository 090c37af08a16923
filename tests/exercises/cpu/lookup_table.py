"""Broken twins of cpu/lookup_table: an answer, and the points that each tests cell may give (exact, or a range)."""

CORRECT, ACCESSES, GUESSES, SPEED = (
    f"lookup_table_{cell}" for cell in ("correct", "accesses", "guesses", "speed")
)


def points(correct, accesses, guesses, speed):
    return {CORRECT: correct, ACCESSES: accesses, GUESSES: guesses, SPEED: speed}


# A loop over the bytes, with something before it, and a question.
BRANCHY = """
@njit
def {name}(name, ranges, out):
    {before}
    end = 0
    for i in range(name.size):
        c = name[i]
        {question}
        if stays:
            out[end] = c
            end += 1
        else:
            high, low = c >> 4, c & 15
            out[end] = UNDERSCORE
            out[end + 1] = ZERO + high if high < 10 else A - 10 + high
            out[end + 2] = ZERO + low if low < 10 else A - 10 + low
            end += 3
    return out[:end]
"""
# The same, where the answer to the question is a number.
ARITHMETIC = """
@njit
def escape(name, ranges, out):
    {before}
    end = np.uintp(0)
    for i in range(name.size):
        c = name[i]
        {question}
        high, low = c >> 4, c & 15
        out[end] = UNDERSCORE + stays * (np.int64(c) - UNDERSCORE)
        out[end + np.uintp(1)] = ZERO + high + 39 * (high >= 10)
        out[end + np.uintp(2)] = ZERO + low + 39 * (low >= 10)
        end += np.uintp(3) - np.uintp(2) * np.uintp(stays)
    return out[:end]
"""
RANGE_AFTER_RANGE = """stays = False
        for k in range(ranges.shape[0]):
            if ranges[k, 0] <= c <= ranges[k, 1]:
                stays = True
                break"""
ALL_RANGES = """stays = np.int64(0)
        for k in range(ranges.shape[0]):
            stays |= (ranges[k, 0] <= c) & (c <= ranges[k, 1])"""
TABLE = """plain = np.empty(256, np.bool_)
    for c in range(256):
        plain[c] = False
    for k in range(ranges.shape[0]):
        for c in range(ranges[k, 0], np.int64(ranges[k, 1]) + 1):
            plain[c] = True"""
# What a table says, asked in conditional expressions.
SELECTS = """
@njit
def escape(name, ranges, out):
    {before}
    end = np.uintp(0)
    for i in range(name.size):
        c = name[i]
        stays = plain[c]
        high, low = c >> 4, c & 15
        out[end] = c if stays else UNDERSCORE
        out[end + np.uintp(1)] = ZERO + high if high < 10 else A - 10 + high
        out[end + np.uintp(2)] = ZERO + low if low < 10 else A - 10 + low
        end += np.uintp(1) if stays else np.uintp(3)
    return out[:end]
"""
# Where a range begins or the bytes behind one, in order: c lies in a range if an odd number of them are at most c, and
# ranges do not overlap.
DISJOINT_EDGES = """turns = np.empty(257, np.bool_)
    for c in range(257):
        turns[c] = False
    for k in range(ranges.shape[0]):
        for edge in range(2):
            c = np.int64(ranges[k, edge]) + edge
            turns[c] = not turns[c]
    edges = np.empty(256, np.int64)
    count = 0
    for c in range(256):
        if turns[c]:
            edges[count] = c
            count += 1
    for c in range(count, 256):
        edges[c] = 999"""
# The same for ranges that may overlap.
EDGES = (
    TABLE
    + """
    edges = np.empty(256, np.int64)
    count = 0
    for c in range(256):
        if plain[c] != (c > 0 and plain[c - 1]):
            edges[count] = c
            count += 1
    for c in range(count, 256):
        edges[c] = 999"""
)
HALVING_WRITTEN_OUT = "at = 0\n" + "".join(
    f"        at += {half} * (edges[at + {half - 1}] <= c)\n" for half in (128, 64, 32, 16, 8, 4, 2, 1)
)
# The first two of eight steps, without the array.
HALVING_FROM_LOCALS = (
    "at = 128 * (second <= c) + 64 * ((first <= c) - (second <= c) + (third <= c))\n"
    + "".join(f"        at += {half} * (edges[at + {half - 1}] <= c)\n" for half in (32, 16, 8, 4, 2, 1))
)
NAIVE = BRANCHY.format(name="escape", before="", question=RANGE_AFTER_RANGE)

MUTANTS = {
    # The slow code.
    "naive": (NAIVE, points(1, 0, 0, 0)),
    # Escapes nothing.
    "wrong_but_fast": (
        """
@njit
def escape(name, ranges, out):
    for i in range(name.size):
        out[i] = name[i]
    return out[: name.size]
""",
        points(0, 0, 0, 0),
    ),
    # Half of the lever: a table for the question, and a branch on its answer.
    "wrong_lever": (
        BRANCHY.format(name="escape", before=TABLE, question="stays = plain[c]"),
        points(1, 4.5, 0, (0, 1)),
    ),
    # The same with the first two questions asked of three locals, in place of the array: still more to read than a table.
    "searches_from_locals": (
        ARITHMETIC.format(
            before=EDGES + "\n    first, second, third = edges[63], edges[127], edges[191]",
            question=HALVING_FROM_LOCALS + "        stays = at & 1",
        ),
        points(1, 0, 1.5, (0, 1)),
    ),
    # Takes it for granted that no ranges overlap.
    "searches_disjoint_ranges": (
        ARITHMETIC.format(before=DISJOINT_EDGES, question=HALVING_WRITTEN_OUT + "        stays = at & 1"),
        points(0, 0, 0, 0),
    ),
    # The table of the first call, kept for all: each call has ranges of its own.
    "keeps_the_first_table": (
        """
@njit
def table_of(ranges):
    """
        + TABLE
        + """
    return plain
"""
        + ARITHMETIC.format(before="", question="stays = np.int64(plain[c])").replace(
            "def escape(name, ranges, out)", "def with_table(name, plain, out)"
        )
        + """
kept = []


def escape(name, ranges, out):
    if not kept:
        kept.append(table_of(ranges))
    return with_table(name, kept[0], out)
""",
        points(0, 0, 0, 0),
    ),
    # Lets the given code do it, and answers with what came out for a name that looks the same: no name comes twice.
    "memo": (
        """
memo = {}


def escape(name, ranges, out):
    key = name.size, name[:64].tobytes(), ranges.tobytes()
    if key not in memo:
        memo[key] = escape_branchy(name, ranges, out).copy()
    return memo[key]
""",
        points(1, 0, 0, 0),
    ),
}
