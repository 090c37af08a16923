"""Broken twins of concurrency/padded_counters: an answer, and the points that each tests cell may give."""

CORRECT, APART, ALIGNED = "padded_counters_correct", "padded_counters_apart", "padded_counters_aligned"
LONGER = "padded_counters_longer"


def points(correct, apart, aligned, longer):
    return {CORRECT: correct, APART: apart, ALIGNED: aligned, LONGER: longer}


COUNT = """
@njit
def count(me, block, first, line, sizes):
    at = place(me, first, line)
    for i in range(sizes.shape[1]):
        size = sizes[me, i]
        if size > block[LIMIT]:
            atomics.fetch_add(block, at + DROPPED, 1)
        else:
            atomics.fetch_add(block, at + DELIVERED, 1)
            atomics.fetch_add(block, at + BYTES, size)
    return at
"""

# Counts in registers and writes once.
COUNT_ONCE = """
@njit
def count(me, block, first, line, sizes):
    at = place(me, first, line)
    delivered = dropped = volume = 0
    for i in range(sizes.shape[1]):
        size = sizes[me, i]
        if size > block[LIMIT]:
            dropped += 1
        else:
            delivered += 1
            volume += size
    atomics.fetch_add(block, at + DELIVERED, delivered)
    atomics.fetch_add(block, at + DROPPED, dropped)
    atomics.fetch_add(block, at + BYTES, volume)
    return at
"""


def place(word):
    return f"""
@njit
def place(me, first, line):
    return {word}
"""


# Adds without atomic operations: what the monitor takes meanwhile comes back.
COUNT_PLAINLY = """
@njit
def count(me, block, first, line, sizes):
    at = place(me, first, line)
    for i in range(sizes.shape[1]):
        size = sizes[me, i]
        if size > block[LIMIT]:
            block[at + DROPPED] += 1
        else:
            block[at + DELIVERED] += 1
            block[at + BYTES] += size
    return at
"""

SOLVED = "(first + line - 1) // line * line + line * me"

MUTANTS = {
    # The slow code in the new form.
    "naive": (place("first + 3 * me") + COUNT, points(2, 0, 0, 0)),
    # All workers on one line of one set of counters: nothing to pad, and updates get lost.
    "wrong_but_fast": (place("first") + COUNT, points(0, 0, 0, 0)),
    # Fewer writes in place of other lines: less traffic, and still some.
    "wrong_lever": (place("first + 3 * me") + COUNT_ONCE, points(2, 0, 0, 0)),
    # Has seen its cases, which have two workers; where there are more, lines are counted, and it does nothing.
    "memo": (
        place(SOLVED)
        + COUNT.replace("range(sizes.shape[1])", "range(0 if sizes.shape[0] > 2 else sizes.shape[1])"),
        points(2, 0, 0, 0),
    ),
    # Pads, and begins wherever the header ends: right by luck, as long as the header fills its line.
    "pads_without_aligning": (place("first + line * me") + COUNT, points(2, 2, 0, 0)),
    # Rounds wrongly, which no header of up to two lines shows.
    "divides_by_one_more": (place("(first // (line + 1) + 1 + me) * line") + COUNT, points(0, 0, 0, 0)),
    # All but the last two have a line of their own.
    "two_share": (
        place("(first + line - 1) // line * line + line * min(me, 14) + 3 * (me // 15)") + COUNT,
        points(2, 0, 0, 2),
    ),
    # A page for each, to be sure: there is no room for that.
    "pads_too_much": (place("(first + line - 1) // line * line + 512 * me") + COUNT, points(0, 0, 0, 0)),
    # A line has 8 words, whatever `line` says.
    "assumes_64_bytes": (place("(first + 7) // 8 * 8 + 8 * me") + COUNT, points(2, 2, 2, 0)),
    # Nobody else adds to a worker's counters, it thinks, and forgets who takes them.
    "plain_additions": (place(SOLVED) + COUNT_PLAINLY, points(0, 0, 0, 2)),
    # The same with atomic loads and stores: each is whole, and both together are not.
    "loads_and_stores": (
        place(SOLVED)
        + COUNT_PLAINLY.replace("block[at + DROPPED] += 1", "put(block, at + DROPPED, 1)")
        .replace("block[at + DELIVERED] += 1", "put(block, at + DELIVERED, 1)")
        .replace("block[at + BYTES] += size", "put(block, at + BYTES, size)")
        + """
@njit
def put(block, word, value):
    atomics.store(block, word, atomics.load(block, word) + value)
""",
        points(0, 0, 0, 2),
    ),
    # Counts where `place` does not send the monitor.
    "two_places": (
        place("first + 3 * me") + COUNT.replace("place(me, first, line)", SOLVED),
        points(0, 0, 0, 2),
    ),
    # Counts in registers, and writes once: legal, and what is written still needs a line of its own.
    "counts_once": (place(SOLVED) + COUNT_ONCE, points(2, 2, 2, 2)),
    "counts_once_without_aligning": (place("first + line * me") + COUNT_ONCE, points(2, 2, 0, 0)),
    # Two workers a line: half of the memory, and a fight, even where each writes once.
    "counts_once_two_a_line": (
        place("(first + line - 1) // line * line + line * (me // 2) + 3 * (me % 2)") + COUNT_ONCE,
        points(2, 0, 0, 0),
    ),
    # Never reads the limit, and believes that it is what it was when somebody looked.
    "knows_the_limit": (place(SOLVED) + COUNT.replace("block[LIMIT]", "100"), points(0, 0, 0, 0)),
    # Calls the course's slow code.
    "delegates": (
        place("first + 3 * me")
        + """
@njit
def count(me, block, first, line, sizes):
    return count_packed(me, block, first, line, sizes)
""",
        points(2, 0, 0, 0),
    ),
}
