"""Broken twins of cpu/lookup_table: an answer, and the points that each tests cell may give (exact, or a range)."""

CORRECT, GUESSES, SPEED = "lookup_table_correct", "lookup_table_guesses", "lookup_table_speed"


def points(correct, guesses, speed):
    return {CORRECT: correct, GUESSES: guesses, SPEED: speed}


NAIVE = """
@njit
def {name}(name, out):
    end = 0
    for i in range(name.size):
        c = name[i]
        if 97 <= c <= 122 or 65 <= c <= 90 or 48 <= c <= 57:
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

MUTANTS = {
    # The slow code.
    "naive": (NAIVE.format(name="escape"), points(3, 0, 0)),
    # Escapes nothing.
    "wrong_but_fast": (
        """
@njit
def escape(name, out):
    for i in range(name.size):
        out[i] = name[i]
    return out[: name.size]
""",
        points(0, 0, 0),
    ),
    # A table for the question, and a branch on its answer: fewer wrong guesses, and still one every few
    # bytes.
    "wrong_lever": (
        """
@njit
def escape(name, out):
    plain = np.zeros(256, np.bool_)
    for c in PLAIN:
        plain[c] = True
    end = 0
    for i in range(name.size):
        c = name[i]
        if plain[c]:
            out[end] = c
            end += 1
        else:
            high, low = c >> 4, c & 15
            out[end] = UNDERSCORE
            out[end + 1] = ZERO + high if high < 10 else A - 10 + high
            out[end + 2] = ZERO + low if low < 10 else A - 10 + low
            end += 3
    return out[:end]
""",
        points(3, (0, 1), (0, 2.5)),
    ),
    # The lever of the exercise before, without a table: a dozen operations a byte. A fair answer: how far
    # it comes depends on the processor.
    "arithmetic": (
        """
@njit
def escape(name, out):
    end = np.uintp(0)
    for i in range(name.size):
        c = name[i]
        plain = (((c | 32) - 97) & 255 < 26) | ((c - 48) & 255 < 10)
        high, low = c >> 4, c & 15
        out[end] = UNDERSCORE + plain * (np.int64(c) - UNDERSCORE)
        out[end + np.uintp(1)] = ZERO + high + 39 * (high >= 10)
        out[end + np.uintp(2)] = ZERO + low + 39 * (low >= 10)
        end += np.uintp(3) - np.uintp(2) * np.uintp(plain)
    return out[:end]
""",
        points(3, 2, (0, 3)),
    ),
    # Answers with what came out for a name that looks the same: no name comes twice.
    "memo": (
        NAIVE.format(name="slowly")
        + """
memo = {}


def escape(name, out):
    key = name.size, name[:64].tobytes()
    if key not in memo:
        memo[key] = slowly(name, out).copy()
    return memo[key]
""",
        points(3, 0, 0),
    ),
}
