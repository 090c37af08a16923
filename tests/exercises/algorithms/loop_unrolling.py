"""Broken twins of algorithms/loop_unrolling: an answer, and the points that each tests cell may give."""

CORRECT, CYCLES, SPEED = "loop_unrolling_correct", "loop_unrolling_cycles", "loop_unrolling_speed"


def points(correct, cycles, speed):
    return {CORRECT: correct, CYCLES: cycles, SPEED: speed}


def chains(count, leap=None):
    """Return an answer with so many chains."""
    names = [f"s{j}" for j in range(count)]
    leap = leap or " * ".join(["decay"] * count)
    lines = ["@njit", "def load(states, worth, decay):", f"    whole = states.size // {count} * {count}"]
    lines += [f"    rows = states[:whole].reshape(-1, {count})", f"    leap = {leap}"]
    lines += [f"    {' = '.join(names)} = 0.0", "    for i in range(rows.shape[0]):"]
    lines += [f"        {name} = {name} * leap + worth[rows[i, {j}]]" for j, name in enumerate(names)]
    lines += ["    found = 0.0", *(f"    found = found * decay + {name}" for name in names)]
    lines += ["    for i in range(whole, states.size):", "        found = found * decay + worth[states[i]]"]
    return "\n".join([*lines, "    return found", ""])


IDLE = """
@njit
def load(states, worth, decay):
    whole = states.size // 8 * 8
    rows = states[:whole].reshape(-1, 8)
    a = b = c = d = 0
    for i in range(rows.shape[0]):
        a += rows[i, 0] + rows[i, 1]
        b += rows[i, 2] + rows[i, 3]
        c += rows[i, 4] + rows[i, 5]
        d += rows[i, 6] + rows[i, 7]
    idle = a + b + c + d
    found = 0.0 * idle
"""
REST = """
    for i in range(whole, states.size):
        found = found * decay + worth[states[i]]
    return found
"""


def one_chain(indent, step="found = found * decay + worth[rows[i, {}]]"):
    """Return eight steps of one chain."""
    return "\n".join(" " * indent + step.format(j) for j in range(8)) + "\n"


NAIVE = """
@njit
def load(states, worth, decay):
    found = 0.0
    for i in range(states.size):
        found = found * decay + worth[states[i]]
    return found
"""

MUTANTS = {
    # The slow code.
    "naive": (NAIVE, points(2, 0, 0)),
    # Eight chains, each with the decay of one.
    "wrong_but_fast": (chains(8, leap="decay"), points(0, 0, 0)),
    # Unrolled, with one chain: fewer ends of rounds, and the same chain.
    "wrong_lever": (
        """
@njit
def load(states, worth, decay):
    whole = states.size // 4 * 4
    rows = states[:whole].reshape(-1, 4)
    found = 0.0
    for i in range(rows.shape[0]):
        found = found * decay + worth[rows[i, 0]]
        found = found * decay + worth[rows[i, 1]]
        found = found * decay + worth[rows[i, 2]]
        found = found * decay + worth[rows[i, 3]]
    for i in range(whole, states.size):
        found = found * decay + worth[states[i]]
    return found
""",
        points(2, 0, 0),
    ),
    # Leave to reorder breaks no chain. It may fuse multiplication and addition, which shortens each step.
    "fastmath": (NAIVE.replace("@njit", "@njit(fastmath=True)"), points(2, 0, (0, 1))),
    # Starts with the smallest weight and divides: nothing is left to divide where the decay is 0.
    "divides": (
        """
@njit
def load(states, worth, decay):
    weight = decay ** max(0, states.size - 1)
    found = 0.0
    for i in range(states.size):
        found += weight * worth[states[i]]
        weight = weight / decay if decay else weight
    return found
""",
        points(0, 0, 0),
    ),
    # Leaves out what has faded away: of what never fades, nothing may be left out.
    "leaves_out_the_faded": (
        """
@njit
def load(states, worth, decay):
    first = 0
    if 0 < decay < 0.999999999:
        first = max(0, states.size - int(np.log(1e-11 * (1 - decay)) / np.log(decay)))
    elif decay > 0:
        first = max(0, states.size - 64)
    found = 0.0
    for i in range(first, states.size):
        found = found * decay + worth[states[i]]
    return found
""",
        points(0, 0, 0),
    ),
    # Answers with what came out for ticks that begin alike: none come twice.
    "memo": (
        """
outcomes = {}


def load(states, worth, decay):
    key = states.size, states[:8].tobytes(), decay
    if key not in outcomes:
        outcomes[key] = load_in_line(states, worth, decay)
    return outcomes[key]
""",
        points(2, 0, 0),
    ),
    # Only what is young: right where the old fades fast, and wrong where it does not.
    "forgets": (
        """
@njit
def load(states, worth, decay):
    found = 0.0
    for i in range(max(0, states.size - 10_000), states.size):
        found = found * decay + worth[states[i]]
    return found
""",
        points(0, 0, 0),
    ),
    "four_chains": (chains(4), points(2, 2, (0, 2))),
    # A loop that adds up the states is cheap, and the chain runs around a loop that does nothing ...
    "around_an_idle_loop": (
        IDLE
        + "    for i in range(rows.shape[0]):\n"
        + one_chain(8)
        + "        for j in range(1):\n            idle += j\n"
        + REST,
        points(2, 0, 0),
    ),
    # ... or in a function that calls itself ...
    "by_recursion": (
        """
@njit
def between(states, worth, decay, first, end, found):
    if end - first < 64:
        if first < end:
            found = found * decay + worth[states[first]]
            return between(states, worth, decay, first + 1, end, found)
        return found
    middle = (first + end) // 2
    found = between(states, worth, decay, first, middle, found)
    return between(states, worth, decay, middle, end, found)

"""
        + IDLE
        + "    return between(states, worth, decay, 0, states.size, found)\n",
        points(2, 0, 0),
    ),
    # Right, and slower on the model, where each accumulator is loaded and stored: as the text says.
    "accumulators_in_an_array": (
        """
@njit
def load(states, worth, decay):
    whole = states.size // 8 * 8
    rows = states[:whole].reshape(-1, 8)
    leap = decay**8
    parts = np.zeros(8)
    for i in range(rows.shape[0]):
        for j in range(8):
            parts[j] = parts[j] * leap + worth[rows[i, j]]
    found = 0.0
    for j in range(8):
        found = found * decay + parts[j]
"""
        + REST,
        points(2, 0, (0, 2)),
    ),
    # Right in other words: the rows themselves.
    "rows": (
        chains(8).replace("for i in range(rows.shape[0])", "for row in rows").replace("rows[i, ", "row["),
        points(2, 4, (0, 2)),
    ),
    # Forgets the ticks that fill no whole round.
    "no_rest": (chains(8).replace("range(whole, states.size)", "range(0)"), points(0, 0, 0)),
}
