"""Broken twins of memory/hot_cold_split: an answer, and the points that each tests cell may give (exact, or a range)."""

CORRECT, FEW, ALL = "hot_cold_split_correct", "hot_cold_split_few", "hot_cold_split_all"


def points(correct, few, everyone):
    return {CORRECT: correct, FEW: few, ALL: everyone}


def layout(groups):
    return f"""
def layout():
    return {groups}
"""


# One array of records that has all nine fields.
ONE_GROUP = """
@njit
def fly(parts, visible, dt):
    (table,) = parts
    for k in range(visible.size):
        i = visible[k]
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt
        table[i].angle += table[i].spin * dt
        table[i].fuel -= table[i].burn * dt
        if table[i].fuel < 0:
            table[i].fuel += 1
            table[i].refuels += 1
"""

# Nine plain arrays.
NINE_GROUPS = """
@njit
def fly(parts, visible, dt):
    x, vx, y, vy, angle, spin, fuel, burn, refuels = parts
    for k in range(visible.size):
        i = visible[k]
        x[i] += vx[i] * dt
        y[i] += vy[i] * dt
        angle[i] += spin[i] * dt
        fuel[i] -= burn[i] * dt
        if fuel[i] < 0:
            fuel[i] += 1
            refuels[i] += 1
"""

# A hot record, whatever else is in it, and `refuels` by itself.
HOT_AND_REFUELS = """
@njit
def fly(parts, visible, dt):
    hot, refuels = parts
    for k in range(visible.size):
        i = visible[k]
        hot[i].x += hot[i].vx * dt
        hot[i].y += hot[i].vy * dt
        hot[i].angle += hot[i].spin * dt
        hot[i].fuel -= hot[i].burn * dt
        if hot[i].fuel < 0:
            hot[i].fuel += 1
            refuels[i] += 1
"""

MUTANTS = {
    # The slow code in the new form.
    "naive": (layout("(FIELDS,)") + ONE_GROUP, points(2, 0, 0)),
    # The slow code itself.
    "delegates": (
        layout("(FIELDS,)")
        + """
@njit
def fly(parts, visible, dt):
    fly_records(parts[0], visible, dt)
""",
        points(2, 0, 0),
    ),
    # Flies faster, for nobody refuels.
    "wrong_but_fast": (
        layout("(FLIGHT[:8],)")
        + """
@njit
def fly(parts, visible, dt):
    (hot,) = parts
    for k in range(visible.size):
        i = visible[k]
        hot[i].x += hot[i].vx * dt
        hot[i].y += hot[i].vy * dt
        hot[i].angle += hot[i].spin * dt
        hot[i].fuel -= hot[i].burn * dt
""",
        points(0, 0, 0),
    ),
    # The lever of another exercise: one array a field makes twice the lines of the slow code for one entity.
    "wrong_lever": (layout("tuple((field,) for field in FLIGHT)") + NINE_GROUPS, points(2, 0, 0)),
    # The right order of visits instead of the right layout: each record still has four lines.
    "sorts_the_visible": (
        layout("(FIELDS,)")
        + """
@njit
def fly(parts, visible, dt):
    (table,) = parts
    for i in np.sort(visible):
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt
        table[i].angle += table[i].spin * dt
        table[i].fuel -= table[i].burn * dt
        if table[i].fuel < 0:
            table[i].fuel += 1
            table[i].refuels += 1
""",
        points(2, 0, 0),
    ),
    # One array a field, visited in memory order: sixteen neighbors share a line, but one in sixteen is visible.
    "wrong_lever_in_order": (
        layout("tuple((field,) for field in FLIGHT)")
        + NINE_GROUPS.replace(
            "for k in range(visible.size):\n        i = visible[k]", "for i in np.sort(visible):"
        ),
        points(2, 0, 0),
    ),
    # Remembers what came out for a frame that looks the same: no frame comes twice.
    "memo": (
        layout("(FIELDS,)")
        + """
memo = {}


@njit
def slowly(table, visible, dt):
    for k in range(visible.size):
        i = visible[k]
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt
        table[i].angle += table[i].spin * dt
        table[i].fuel -= table[i].burn * dt
        if table[i].fuel < 0:
            table[i].fuel += 1
            table[i].refuels += 1


def fly(parts, visible, dt):
    (table,) = parts
    key = table.size, visible.size
    if key in memo:
        table[:] = memo[key]
    else:
        slowly(table, visible, dt)
        memo[key] = table.copy()
""",
        points(2, 0, 0),
    ),
    # Splits by meaning instead of by use: places here, speeds there. Two lines an entity.
    "two_hot_groups": (
        layout('("x", "y", "angle", "fuel"), ("vx", "vy", "spin", "burn"), ("refuels",)')
        + """
@njit
def fly(parts, visible, dt):
    place, speed, refuels = parts
    for k in range(visible.size):
        i = visible[k]
        place[i].x += speed[i].vx * dt
        place[i].y += speed[i].vy * dt
        place[i].angle += speed[i].spin * dt
        place[i].fuel -= speed[i].burn * dt
        if place[i].fuel < 0:
            place[i].fuel += 1
            refuels[i] += 1
""",
        points(2, (0.5, 1), 3),
    ),
    # "Used" is not "used often": with `refuels` the hot record has 36 bytes and lies across two lines.
    "rare_field_in_the_hot_group": (layout("(FLIGHT,)") + ONE_GROUP, points(2, 2, (0.5, 1.5))),
    # Keeps together what is used together, and fills up the line with eight passengers.
    "passengers": (
        layout('((*FLIGHT[:8], *FIELDS[1:9]), ("refuels",))') + HOT_AND_REFUELS,
        points(2, 3, 0),
    ),
    # Where should the counter be, if the layout has left it behind?
    "leaves_a_field_out": (
        layout("(FLIGHT[:8],)") + ONE_GROUP,
        points(0, 0, 0),
    ),
}
