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
    # Hands the work to the given function, where the model does not look.
    "delegates": (
        """
@njit
def load(states, worth, decay):
    return load_in_line(states, worth, decay)
""",
        points(2, 0, 0),
    ),
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
    # A quarter of the way, half-way, and nearly there: two chains, four, six.
    "two_chains": (chains(2), points(2, 0, (0, 1.5))),
    "four_chains": (chains(4), points(2, 2, (0, 2))),
    "six_chains": (chains(6), points(2, 3.5, (0, 2))),
    # Seven are as good as eight to a seventh: the place where the model's width begins to count.
    "seven_chains": (chains(7), points(2, 4, (0, 2))),
    # A large loop that never runs stands for the one that does.
    "decoy": (
        """
@njit
def load(states, worth, decay):
    a = b = c = d = found = 0.0
    for i in range(3, states.size - states.size):
        a = a * decay + worth[states[i - 3]]
        b = b * decay + worth[states[i - 2]]
        c = c * decay + worth[states[i - 1]]
        d = d * decay + worth[states[i]]
    for i in range(states.size):
        found = found * decay + worth[states[i]]
    return found + a + b + c + d
""",
        points(2, 0, 0),
    ),
    # The powers by a function of the library, whose chain the model would not see.
    "library": (
        """
@njit
def load(states, worth, decay):
    powers = np.cumprod(np.full(states.size, decay))
    found = 0.0
    for i in range(states.size - 1):
        found += worth[states[i]] * powers[states.size - 2 - i]
    return found + (worth[states[-1]] if states.size else 0.0)
""",
        points(2, 0, (0, 1)),
    ),
    # A table of powers for each few ticks: of each step the addition is left in the chain.
    "table_of_powers": (
        """
@njit
def load(states, worth, decay):
    powers = np.ones(64)
    for i in range(62, -1, -1):
        powers[i] = powers[i + 1] * decay
    whole = states.size // 64 * 64
    found = 0.0
    for first in range(0, whole, 64):
        part = states[first : first + 64]
        total = 0.0
        for j in range(64):
            total += worth[part[j]] * powers[j]
        found = found * (powers[0] * decay) + total
    for i in range(whole, states.size):
        found = found * decay + worth[states[i]]
    return found
""",
        points(2, 0, (0, 2)),
    ),
    # Forgets the ticks that fill no whole round.
    "no_rest": (chains(8).replace("range(whole, states.size)", "range(0)"), points(0, 0, 0)),
}
