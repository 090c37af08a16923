"""Broken twins of algorithms/loop_unrolling: an answer, and the points that each tests cell may give."""

CORRECT, EXACT, SPEED = "loop_unrolling_correct", "loop_unrolling_exact", "loop_unrolling_speed"


def points(correct, exact, speed):
    return {CORRECT: correct, EXACT: exact, SPEED: speed}


MUTANTS = {
    # The slow code.
    "naive": (
        """
@njit
def account(total, states, energies):
    lost = 0.0
    for i in range(states.size):
        total, lost = add(total, lost, energies[states[i]])
    return total
""",
        points(2, 2, 0),
    ),
    # Leave to reorder: the compensation is taken out, and a plain sum is left.
    "wrong_but_fast": (
        """
@njit(fastmath={"reassoc", "nsz"})
def account(total, states, energies):
    lost = 0.0
    for i in range(states.size):
        wanted = energies[states[i]] - lost
        new = total + wanted
        lost = (new - total) - wanted
        total = new
    return total
""",
        points((0, 2), 0, 0),
    ),
    # Unrolled, with one total: fewer ends of rounds, and the same chain.
    "wrong_lever": (
        """
@njit
def account(total, states, energies):
    whole = states.size // 4 * 4
    rows = states[:whole].reshape(-1, 4)
    lost = 0.0
    for i in range(rows.shape[0]):
        total, lost = add(total, lost, energies[rows[i, 0]])
        total, lost = add(total, lost, energies[rows[i, 1]])
        total, lost = add(total, lost, energies[rows[i, 2]])
        total, lost = add(total, lost, energies[rows[i, 3]])
    for i in range(whole, states.size):
        total, lost = add(total, lost, energies[states[i]])
    return total
""",
        points(2, 2, 0),
    ),
    # Answers with what came out for ticks that begin alike: none come twice.
    "memo": (
        """
outcomes = {}


def account(total, states, energies):
    key = total, states.size, states[:8].tobytes()
    if key not in outcomes:
        outcomes[key] = account_in_line(total, states, energies)
    return outcomes[key]
""",
        points(2, 2, 0),
    ),
    # Half-way: two chains.
    "two_totals": (
        """
@njit
def account(total, states, energies):
    rows = states[: states.size // 2 * 2].reshape(-1, 2)
    other = lost = lost_other = 0.0
    for i in range(rows.shape[0]):
        total, lost = add(total, lost, energies[rows[i, 0]])
        other, lost_other = add(other, lost_other, energies[rows[i, 1]])
    total, lost = add(total, lost, other)
    if states.size % 2:
        total, lost = add(total, lost, energies[states[-1]])
    return total
""",
        points(2, 2, (0, 3.5)),
    ),
    # Forgets the ticks that fill no whole round.
    "no_rest": (
        """
@njit
def account(total, states, energies):
    rows = states[: states.size // 4 * 4].reshape(-1, 4)
    a, b, c, d = total, 0.0, 0.0, 0.0
    la = lb = lc = ld = 0.0
    for i in range(rows.shape[0]):
        a, la = add(a, la, energies[rows[i, 0]])
        b, lb = add(b, lb, energies[rows[i, 1]])
        c, lc = add(c, lc, energies[rows[i, 2]])
        d, ld = add(d, ld, energies[rows[i, 3]])
    return a + (b + c + d)
""",
        points(0, (0, 2), 0),
    ),
}
