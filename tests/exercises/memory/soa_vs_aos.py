"""Broken twins of memory/soa_vs_aos: an answer, and the points that each tests cell may give (exact, or a range)."""

CORRECT, LINES, SPEED = "soa_vs_aos_correct", "soa_vs_aos_lines", "soa_vs_aos_speed"


def points(correct, lines, speed):
    return {CORRECT: correct, LINES: lines, SPEED: speed}


ONE_ARRAY_A_FIELD = """
def layout():
    return ("x",), ("y",), ("vx",), ("vy",)
"""

RECORDS = """
@njit
def advance(parts, dt):
    (table,) = parts
    for i in range(table.size):
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt
"""

MUTANTS = {
    # The slow code in the new form.
    "naive": (
        """
def layout():
    return (FIELDS,)
"""
        + RECORDS,
        points(3, 0, 0),
    ),
    # Half of the work takes half of the time.
    "wrong_but_fast": (
        ONE_ARRAY_A_FIELD
        + """
@njit
def advance(parts, dt):
    x, y, vx, vy = parts
    for i in range(x.size):
        x[i] += vx[i] * dt
""",
        points(0, 0, 0),
    ),
    # Better arithmetic on the old layout: the loop goes on waiting for memory.
    "wrong_lever": (
        """
def layout():
    return (FIELDS,)


@njit(fastmath=True)
def advance(parts, dt):
    (table,) = parts
    for i in range(table.size):
        entity = table[i]
        x = entity.x + entity.vx * dt
        y = entity.y + entity.vy * dt
        entity.x = x
        entity.y = y
""",
        points(3, 0, 0),
    ),
    # Answers with the first outcome of that size for ever: no two cases of correctness have the same size.
    "memo": (
        ONE_ARRAY_A_FIELD
        + """
outcomes = {}


@njit
def once(x, y, vx, vy, dt):
    for i in range(x.size):
        x[i] += vx[i] * dt
        y[i] += vy[i] * dt


def advance(parts, dt):
    x, y, vx, vy = parts
    if x.size not in outcomes:
        once(x, y, vx, vy, dt)
        outcomes[x.size] = x.copy(), y.copy()
    else:
        x[:], y[:] = outcomes[x.size]
""",
        points(3, 0.5, 0),
    ),
    # Moves only what the layout has kept: y stays where it was.
    "leaves_a_field_out": (
        """
def layout():
    return ("x",), ("vx",)


@njit
def advance(parts, dt):
    x, vx = parts
    for i in range(x.size):
        x[i] += vx[i] * dt
""",
        points(0, 0, 0),
    ),
}
