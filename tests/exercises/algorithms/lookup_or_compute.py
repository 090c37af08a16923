"""Broken twins of algorithms/lookup_or_compute: answers, and the points that each tests cell may give."""

NAMES = ("correct", "few", "many", "replies", "favorites", "mixed", "hostile")


def points(*earned):
    return {f"lookup_or_compute_{name}": one for name, one in zip(NAMES, earned, strict=True)}


def serving(missing, reset="known, paid = {}, 0"):
    """Return a desk's clerk who remembers; `missing` is what it does for a value that it does not know."""
    return f"""
def serve(desk):
    known, paid, replies = {{}}, 0, []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            {reset}
            continue
        if value not in known:
            price = desk("price", value)
            {missing}
        replies.append(known[value])
        desk("reply", known[value])
    return replies
"""


SEARCH = 'known[value], paid = desk("search", value), paid + '
BUY = 'known = dict(enumerate(desk("table")))'
RENT = SEARCH + "price"
NEVER_BUYS = serving(RENT)
BY_SIZE = """
@njit
def convert(raw, response, out):
    if raw.size <= {}:
        convert_each(raw, response, out)
    else:
        convert_by_table(raw, response, out)
"""

MUTANTS = {
    # Never a table. That is right where few values come.
    "naive": (
        """
@njit
def convert(raw, response, out):
    convert_each(raw, response, out)


def serve(desk):
    return serve_each(desk)
""",
        points(1, 1.5, 0, 1, 0, 0, 0),
    ),
    # Always a table. That is right where many come.
    "wrong_lever": (
        """
@njit
def convert(raw, response, out):
    convert_by_table(raw, response, out)


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
        points(1, 0, 1.5, 1, 0, 0, 0),
    ),
    # Fills the table where values come up, and never buys one: its entries cost a search each, and it has to be
    # made empty first.
    "lazy": (
        """
@njit
def convert(raw, response, out):
    table = np.zeros(VALUES, np.int32)
    for i in range(raw.size):
        if table[raw[i]] == 0:
            table[raw[i]] = 1 + drive(raw[i], response)
        out[i] = table[raw[i]] - 1
"""
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # The same in a dictionary, which need not be emptied first: repeated values nearly pay for it.
    "lazy_dictionary": (
        """
def convert(raw, response, out):
    known = {}
    for i in range(raw.size):
        value = int(raw[i])
        if value not in known:
            known[value] = drive(value, response)
        out[i] = known[value]
"""
        + NEVER_BUYS,
        points(1, (0, 0.5), 0, 1, 1, 0, 0),
    ),
    # A library's search: as many reads as the loop, or more.
    "library": (
        """
import bisect


def convert(raw, response, out):
    for i in range(raw.size):
        out[i] = bisect.bisect_left(response, raw[i])
"""
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # What a table costs, guessed to be a search an entry; and buys after having paid for a table, a search too late.
    "half_done": (
        BY_SIZE.format("VALUES") + serving(f"if paid >= TABLE: {BUY}\n            else: {RENT}"),
        points(1, 1.5, 0, 1, 1, (0, 0.5), (0, 1.5)),
    ),
    # Counts searches in place of what they cost.
    "counts_searches": (
        BY_SIZE.format(1117) + serving(f"if paid >= TABLE: {BUY}\n            else: {SEARCH}1"),
        points(1, 1.5, 1.5, 1, 1, 0, 0),
    ),
    # Pays for repeated values again.
    "forgets": (
        BY_SIZE.format(1117)
        + """
def serve(desk):
    table, paid, replies = None, 0, []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            table, paid = None, 0
            continue
        price = desk("price", value)
        if table is None and paid + price > TABLE:
            table = desk("table")
        if table is None:
            paid += price
            replies.append(desk("search", value))
        else:
            replies.append(table[value])
        desk("reply", replies[-1])
    return replies
""",
        points(1, 1.5, 1.5, 1, 0, 1, (0, 1.5)),
    ),
    # What was right before a calibration is not looked at again; and every eighth level is enough for the eye.
    "wrong_but_fast": (
        """
@njit
def convert(raw, response, out):
    table = np.empty(VALUES // 8, np.uint16)
    for k in range(table.size):
        table[k] = drive(8 * k, response)
    for i in range(raw.size):
        out[i] = table[raw[i] >> 3]
"""
        + serving(RENT, reset="pass"),
        points(0, 0, 0, 0, 0, 0, 0),
    ),
    # Keeps a table between calls, which then costs nothing: wrong with the next display. The other one keeps its
    # answers from desk to desk.
    "memo": (
        """
kept, seen = [], {}


def convert(raw, response, out):
    if not kept:
        kept.append(build(response))
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
