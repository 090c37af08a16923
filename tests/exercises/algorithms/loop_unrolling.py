"""Broken twins of algorithms/loop_unrolling: an answer, and the points that each tests cell may give."""

CORRECT, CYCLES, SPEED = "loop_unrolling_correct", "loop_unrolling_cycles", "loop_unrolling_speed"


def points(correct, cycles, speed):
    return {CORRECT: correct, CYCLES: cycles, SPEED: speed}


def chains(count, leap=None):
    """Return an answer with so many chains."""
    names = [f"s{j}" for j in range(count)]
    lines = ["@njit", "def fingerprint(data, factor):", f"    whole = data.size // {count} * {count}"]
    lines += [f"    rows = data[:whole].reshape(-1, {count})", f"    leap = {leap or ' * '.join(['factor'] * count)}"]
    lines += [f"    {' = '.join(names)} = 0", "    for i in range(rows.shape[0]):"]
    lines += [f"        {name} = {name} * leap + rows[i, {j}]" for j, name in enumerate(names)]
    lines += ["    found = 0", *(f"    found = found * factor + {name}" for name in names)]
    lines += ["    for i in range(whole, data.size):", "        found = found * factor + data[i]"]
    return "\n".join([*lines, "    return found", ""])


NAIVE = """
@njit
def fingerprint(data, factor):
    found = 0
    for i in range(data.size):
        found = found * factor + data[i]
    return found
"""

MUTANTS = {
    # The slow code.
    "naive": (NAIVE, points(2, 0, 0)),
    # Hands the work to the given function, where the model does not look.
    "delegates": (
        """
@njit
def fingerprint(data, factor):
    return fingerprint_in_line(data, factor)
""",
        points(2, 0, 0),
    ),
    # Four chains, each with the factor of one.
    "wrong_but_fast": (chains(4, leap="factor"), points(0, 0, 0)),
    # Unrolled, with one chain: fewer ends of rounds, and the same chain.
    "wrong_lever": (
        """
@njit
def fingerprint(data, factor):
    whole = data.size // 4 * 4
    rows = data[:whole].reshape(-1, 4)
    found = 0
    for i in range(rows.shape[0]):
        found = found * factor + rows[i, 0]
        found = found * factor + rows[i, 1]
        found = found * factor + rows[i, 2]
        found = found * factor + rows[i, 3]
    for i in range(whole, data.size):
        found = found * factor + data[i]
    return found
""",
        points(2, 0, 0),
    ),
    # Leave to reorder: that is about floating-point numbers.
    "fastmath": (NAIVE.replace("@njit", "@njit(fastmath=True)"), points(2, 0, 0)),
    # Answers with what came out for bytes that begin alike: none come twice.
    "memo": (
        """
outcomes = {}


def fingerprint(data, factor):
    key = data.size, data[:8].tobytes(), factor
    if key not in outcomes:
        outcomes[key] = fingerprint_in_line(data, factor)
    return outcomes[key]
""",
        points(2, 0, 0),
    ),
    # Half-way: two chains, or three.
    "two_chains": (chains(2), points(2, 2, (0, 2))),
    "three_chains": (chains(3), points(2, 3, (0, 2))),
    # As good as the solution: one chain that takes four bytes in a step.
    "four_bytes_a_step": (
        """
@njit
def fingerprint(data, factor):
    two = factor * factor
    three, four = two * factor, two * two
    whole = data.size // 4 * 4
    rows = data[:whole].reshape(-1, 4)
    found = 0
    for i in range(rows.shape[0]):
        step = rows[i, 0] * three + rows[i, 1] * two + rows[i, 2] * factor + rows[i, 3]
        found = found * four + step
    for i in range(whole, data.size):
        found = found * factor + data[i]
    return found
""",
        points(2, 4, (0, 2)),
    ),
    # A large loop that never runs stands for the one that does.
    "decoy": (
        """
@njit
def fingerprint(data, factor):
    a = b = c = d = found = 0
    for i in range(3, data.size - data.size):
        a = a * factor + data[i - 3]
        b = b * factor + data[i - 2]
        c = c * factor + data[i - 1]
        d = d * factor + data[i]
    for i in range(data.size):
        found = found * factor + data[i]
    return found + a + b + c + d
""",
        points(2, 0, 0),
    ),
    # The powers by a function of the library, whose chain the model would not see.
    "library": (
        """
@njit
def fingerprint(data, factor):
    powers = np.cumprod(np.full(data.size, factor))
    found = 0
    for i in range(data.size - 1):
        found += data[i] * powers[data.size - 2 - i]
    return found + (data[-1] if data.size else 0)
""",
        points(2, 0, (0, 1)),
    ),
    # The work in loops around loops, of which the model counts only the inner ones.
    "outer_loop": (
        """
@njit
def fingerprint(data, factor):
    found = 0
    for i in range(data.size):
        found = found * factor + data[i]
        for j in range(found - found):
            found += j
    return found
""",
        points(2, 0, 0),
    ),
    # Forgets the bytes that fill no whole round.
    "no_rest": (chains(4).replace("range(whole, data.size)", "range(0)"), points(0, 0, 0)),
}
