"""Broken twins of memory/soa_vs_aos: an answer, and the points that each tests cell may give (exact, or a range)."""

CORRECT, COUNTED = "soa_vs_aos_correct", "soa_vs_aos_moving_correct"
LINES, SPEED = "soa_vs_aos_lines", "soa_vs_aos_speed"


def points(correct, counted, lines, speed):
    return {CORRECT: correct, COUNTED: counted, LINES: lines, SPEED: speed}


def layout(groups):
    return f"""
def layout():
    return {groups}
"""


def twin(groups, advance, moving):
    return layout(groups) + advance + moving


ONE_ARRAY_A_FIELD = "tuple((field,) for field in FIELDS)"

RECORDS = """
@njit
def advance(parts, dt):
    (table,) = parts
    for step in dt:
        for i in range(table.size):
            s = table[i]
            force = (s.target - s.at) * s.pull - s.speed * s.drag
            s.speed += force * s.give * step
            s.at = min(max(s.at + s.speed * step, s.low), s.high)
"""

ARRAYS = """
@njit
def advance(parts, dt):
    at, speed, target, pull, drag, give, low, high = parts
    for step in dt:
        for i in range(at.size):
            force = (target[i] - at[i]) * pull[i] - speed[i] * drag[i]
            speed[i] += force * give[i] * step
            at[i] = min(max(at[i] + speed[i] * step, low[i]), high[i])
"""

COUNT_RECORDS = """
@njit
def moving(parts, least):
    count = 0
    for i in range(parts[0].size):
        count += abs(parts[0][i].speed) > least
    return count
"""

COUNT_ARRAY = """
@njit
def moving(parts, least):
    count = 0
    for i in range(parts[1].size):
        count += abs(parts[1][i]) > least
    return count
"""

MUTANTS = {
    # The slow code in the new form.
    "naive": (twin("(FIELDS,)", RECORDS, COUNT_RECORDS), points(1, 1, 0, 0)),
    # The slow code itself.
    "delegates": (
        twin(
            "(FIELDS,)",
            """
@njit
def advance(parts, dt):
    advance_aos(parts[0], dt)
""",
            """
@njit
def moving(parts, least):
    return moving_aos(parts[0], least)
""",
        ),
        points(1, 1, 0, 0),
    ),
    # Every other time step takes half of the time. The other loop is right, and has the right layout.
    "wrong_but_fast": (
        twin(ONE_ARRAY_A_FIELD, ARRAYS.replace("in dt:", "in dt[::2]:"), COUNT_ARRAY),
        points(0, 1, 3, 0),
    ),
    # Better arithmetic and fewer loads on the old layout: each spring takes all steps in registers.
    "wrong_lever": (
        twin(
            "(FIELDS,)",
            """
@njit(fastmath=True)
def advance(parts, dt):
    (table,) = parts
    for i in range(table.size):
        s = table[i]
        at, speed = s.at, s.speed
        target, pull, drag, give, low, high = s.target, s.pull, s.drag, s.give, s.low, s.high
        for step in dt:
            speed += ((target - at) * pull - speed * drag) * give * step
            at = min(max(at + speed * step, low), high)
        s.at = at
        s.speed = speed
""",
            COUNT_RECORDS,
        ),
        points(1, 1, 0, (0, 1)),
    ),
    # Springs that move backwards do not count; the first loop has its lever.
    "one_direction": (
        twin(ONE_ARRAY_A_FIELD, ARRAYS, COUNT_ARRAY.replace("abs(parts[1][i])", "parts[1][i]")),
        points(1, 0, 0, 3),
    ),
    # Two fields that belong together share a record: half of the way.
    "pairs": (
        twin(
            '("at", "speed"), ("target", "pull"), ("drag", "give"), ("low", "high")',
            """
@njit
def advance(parts, dt):
    m, a, b, ends = parts
    for step in dt:
        for i in range(m.size):
            force = (a[i].target - m[i].at) * a[i].pull - m[i].speed * b[i].drag
            m[i].speed += force * b[i].give * step
            m[i].at = min(max(m[i].at + m[i].speed * step, ends[i].low), ends[i].high)
""",
            COUNT_RECORDS,
        ),
        points(1, 1, 1, (0, 3)),
    ),
    # Leaves the layout as it is, and makes arrays of its own before it moves anything.
    "copies_the_fields": (
        twin(
            "(FIELDS,)",
            """
@njit
def advance(parts, dt):
    (t,) = parts
    at, speed, target, pull = t.at.copy(), t.speed.copy(), t.target.copy(), t.pull.copy()
    drag, give, low, high = t.drag.copy(), t.give.copy(), t.low.copy(), t.high.copy()
    for step in dt:
        for i in range(at.size):
            force = (target[i] - at[i]) * pull[i] - speed[i] * drag[i]
            speed[i] += force * give[i] * step
            at[i] = min(max(at[i] + speed[i] * step, low[i]), high[i])
    t.at[:] = at
    t.speed[:] = speed
""",
            COUNT_RECORDS,
        ),
        points(1, 1, 0, 0),
    ),
    # The same with the second loop's field apart.
    "copies_what_is_left": (
        twin(
            '("speed",), tuple(field for field in FIELDS if field != "speed")',
            """
@njit
def advance(parts, dt):
    speed, t = parts
    at, target, pull = t.at.copy(), t.target.copy(), t.pull.copy()
    drag, give, low, high = t.drag.copy(), t.give.copy(), t.low.copy(), t.high.copy()
    for step in dt:
        for i in range(at.size):
            force = (target[i] - at[i]) * pull[i] - speed[i] * drag[i]
            speed[i] += force * give[i] * step
            at[i] = min(max(at[i] + speed[i] * step, low[i]), high[i])
    t.at[:] = at
""",
            COUNT_ARRAY.replace("parts[1]", "parts[0]"),
        ),
        points(1, 1, 3, 0),
    ),
    # Counts those that are exactly as fast as `least`, too.
    "counts_equal_ones": (
        twin(ONE_ARRAY_A_FIELD, ARRAYS, COUNT_ARRAY.replace("> least", ">= least")),
        points(1, 0, 0, 3),
    ),
    # Answers with the first outcome of that size for ever: no two cases of correctness have the same size.
    "memo": (
        layout(ONE_ARRAY_A_FIELD)
        + """
outcomes = {}


@njit
def once(at, speed, target, pull, drag, give, low, high, dt):
    for step in dt:
        for i in range(at.size):
            force = (target[i] - at[i]) * pull[i] - speed[i] * drag[i]
            speed[i] += force * give[i] * step
            at[i] = min(max(at[i] + speed[i] * step, low[i]), high[i])


def advance(parts, dt):
    key = parts[0].size, dt.size
    if key not in outcomes:
        once(*parts, dt)
        outcomes[key] = parts[0].copy(), parts[1].copy()
    else:
        parts[0][:], parts[1][:] = outcomes[key]


counted = {}


def moving(parts, least):
    if parts[1].size not in counted:
        counted[parts[1].size] = int((np.abs(parts[1]) > least).sum())
    return counted[parts[1].size]
""",
        points(1, 1, 0, 0),
    ),
    # Moves only what the layout has kept: the springs stay where they were.
    "leaves_a_field_out": (
        twin(
            "tuple((field,) for field in FIELDS[1:])",
            """
@njit
def advance(parts, dt):
    speed, target, pull, drag, give, low, high = parts
    for step in dt:
        for i in range(speed.size):
            speed[i] += (target[i] * pull[i] - speed[i] * drag[i]) * give[i] * step
""",
            COUNT_ARRAY.replace("parts[1]", "parts[0]"),
        ),
        points(0, 1, 3, 0),
    ),
}
