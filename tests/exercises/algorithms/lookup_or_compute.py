"""Broken twins of algorithms/lookup_or_compute: answers, and the points that each tests cell may give."""

NAMES = ("correct", "many", "few", "replies", "short", "long", "hostile")


def points(*earned):
    return {f"lookup_or_compute_{name}": one for name, one in zip(NAMES, earned, strict=True)}


MUTANTS = {
    # Never a table. That is right where few values come.
    "naive": (
        """
@njit
def convert(raw, gamma, out):
    convert_each(raw, gamma, out)


def serve(desk):
    return serve_each(desk)
""",
        points(1, 0, 1.5, 1, 1, 0, 0),
    ),
    # Always a table. That is right where many come.
    "wrong_lever": (
        """
@njit
def convert(raw, gamma, out):
    convert_by_table(raw, gamma, out)


def serve(desk):
    table, replies = desk("table"), []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            table = desk("table")
        else:
            replies.append(table[value])
            desk("reply", replies[-1])
    return replies
""",
        points(1, 1.5, 0, 1, 0, 1, 0),
    ),
    # Fills the table where values come up, and remembers single answers for ever: half-way, and fair.
    "lazy": (
        """
@njit
def convert(raw, gamma, out):
    table = np.full(LEVELS, np.nan, np.float32)
    for i in range(raw.size):
        if np.isnan(table[raw[i]]):
            table[raw[i]] = drive(raw[i], gamma)
        out[i] = table[raw[i]]


def serve(desk):
    known, replies = {}, []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            known = {}
            continue
        if value not in known:
            known[value] = desk("search", value)
        replies.append(known[value])
        desk("reply", known[value])
    return replies
""",
        points(1, (0, 1.5), 1.5, 1, 1, 0, 0),
    ),
    # Every eighth level is enough for the eye, not for the tests; and what was right before a calibration is not
    # looked at again.
    "wrong_but_fast": (
        """
@njit
def convert(raw, gamma, out):
    table = np.empty(LEVELS // 8, np.float32)
    for k in range(table.size):
        table[k] = drive(8 * k, gamma)
    for i in range(raw.size):
        out[i] = table[raw[i] >> 3]


def serve(desk):
    known, replies = {}, []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            continue
        if value not in known:
            known[value] = desk("search", value)
        replies.append(known[value])
        desk("reply", known[value])
    return replies
""",
        points(0, 0, 0, 0, 0, 0, 0),
    ),
    # Keeps a table between calls, which then costs nothing: wrong with the next gamma. The other one keeps its answers
    # from desk to desk.
    "memo": (
        """
kept, seen = [], {}


@njit
def build(gamma):
    raw, table = np.arange(LEVELS).astype(np.uint16), np.empty(LEVELS, np.float32)
    convert_by_table(raw, gamma, table)
    return table


def convert(raw, gamma, out):
    if not kept:
        kept.append(build(gamma))
    out[:] = kept[0][raw]


def serve(desk):
    replies = []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            seen.clear()
            continue
        if value not in seen:
            seen[value] = desk("search", value)
        replies.append(seen[value])
        desk("reply", seen[value])
    return replies
""",
        points(0, 0, 0, 0, 0, 0, 0),
    ),
}
