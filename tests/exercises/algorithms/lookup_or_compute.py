"""Broken twins of algorithms/lookup_or_compute: answers, and the points that each tests cell may give."""

NAMES = ("correct", "two", "even", "replies", "favorites", "mixed", "hostile")


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
def convert(raw, ends, responses, out):
    begin = 0
    for display in range(ends.size):
        end = ends[display]
        if end - begin <= {}:
            search_each(raw[begin:end], responses[display], out[begin:end])
        else:
            use_table(raw[begin:end], responses[display], out[begin:end])
        begin = end
"""

SMALLER_TABLE = """
@njit
def narrow(raw, response, out):
    table = np.empty((VALUES >> {0}) + 1, np.int64)
    for k in range(table.size - 1):
        table[k] = drive(k << {0}, response)
    table[-1] = LEVELS - 1
    for i in range(raw.size):
        value = np.int64(raw[i])
        low, high = table[value >> {0}], table[(value >> {0}) + 1]
        while low < high:
            middle = (low + high) // 2
            if response[middle] < value:
                low = middle + 1
            else:
                high = middle
        out[i] = low
"""
WIDE_TABLE = """
@njit
def wide(raw, response, out):
    table, pairs = np.empty(VALUES, np.uint16), response.view(np.int64)
    fours = table.view(np.int64)
    level, pair = 0, int(pairs[0])
    bright = pair & 0xFFFFFFFF
    for k in range(fours.size):
        four = 0
        for j in range(4):
            while bright < 4 * k + j:
                level += 1
                if level % 2 == 0:
                    pair = int(pairs[level // 2])
                bright = pair >> 32 if level % 2 else pair & 0xFFFFFFFF
            four |= level << 16 * j
        fours[k] = four
    for i in range(raw.size):
        out[i] = table[raw[i]]
"""


def each_display(name, njit="@njit"):
    """Return a conversion that does the same for each display."""
    return f"""
{njit}
def convert(raw, ends, responses, out):
    begin = 0
    for display in range(ends.size):
        end = ends[display]
        {name}(raw[begin:end], responses[display], out[begin:end])
        begin = end
"""


MUTANTS = {
    # Never a table. That is right where few values come.
    "naive": (
        """
@njit
def convert(raw, ends, responses, out):
    convert_each(raw, ends, responses, out)


def serve(desk):
    return serve_each(desk)
""",
        points(1, 0, 0, 1, 0, 0, 0),
    ),
    # Always a table. That is right where many come; elsewhere it costs too much even if an access moves eight bytes of
    # the table. By the given way it costs twice as much.
    "wrong_lever": (
        WIDE_TABLE
        + each_display("wide")
        + """
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
        points(1, 0, 0, 1, 0, 0, 0),
    ),
    # Fills the table where values come up, and never buys one: its entries cost a search each, and it has to be
    # made empty first.
    "lazy": (
        """
def fill(raw, response, out):
    table = np.zeros(VALUES, np.int32)
    for i in range(raw.size):
        if table[raw[i]] == 0:
            table[raw[i]] = 1 + drive(raw[i], response)
        out[i] = table[raw[i]] - 1
"""
        + each_display("fill", "")
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # The same in a dictionary, which need not be emptied first: repeated values nearly pay for it.
    "lazy_dictionary": (
        """
def remember(raw, response, out):
    known = {}
    for i in range(raw.size):
        value = int(raw[i])
        if value not in known:
            known[value] = drive(value, response)
        out[i] = known[value]
"""
        + each_display("remember", "")
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # A library's search: as many reads as the loop, or more.
    "library": (
        """
import bisect


def search(raw, response, out):
    for i in range(raw.size):
        out[i] = bisect.bisect_left(response, raw[i])
"""
        + each_display("search", "")
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # A search of NumPy's, which cannot be counted.
    "searchsorted": (
        """
def search(raw, response, out):
    out[:] = np.searchsorted(response, raw)
"""
        + each_display("search", "")
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # Sorts the values, and walks once through both: the sort costs more than the searches.
    "sorts": (
        """
def merge(raw, response, out):
    level = 0
    for i in np.argsort(raw):
        while response[level] < raw[i]:
            level += 1
        out[i] = level
"""
        + each_display("merge", "")
        + NEVER_BUYS,
        points(1, 0, 0, 1, 1, 0, 0),
    ),
    # Neither lever, and no search twice: a table of every thirty-second value, and five steps between two of its
    # entries, for every display. It costs too much where few values come.
    "smaller_table": (SMALLER_TABLE.format(5) + each_display("narrow") + NEVER_BUYS, points(1, 0, 0, 1, 1, 0, 0)),
    # Declared legal: the same as a third way, where it is the cheapest.
    "smaller_table_where_it_pays": (
        SMALLER_TABLE.format(4)
        + BY_SIZE.format(557).replace(
            "        else:",
            """        elif end - begin <= 970:
            narrow(raw[begin:end], responses[display], out[begin:end])
        else:""",
        )
        + NEVER_BUYS,
        points(1, 1, 2, 1, 1, 0, 0),
    ),
    # A table, except for a handful of values: half of the decision.
    "few_apart": (BY_SIZE.format(100) + NEVER_BUYS, points(1, 0.5, 0, 1, 1, 0, 0)),
    # Buys once 30 are spent, whatever the next search costs. With the right break-even that is half of the levers.
    "blind_to_prices": (
        BY_SIZE.format(745) + serving(f"if paid >= 30: {BUY}\n            else: {RENT}"),
        points(1, 1, 2, 1, 1, (0, 1), 0),
    ),
    # The best of all such sums; and a break-even that comes too early.
    "blind_to_prices_at_34": (
        BY_SIZE.format(650) + serving(f"if paid >= 34: {BUY}\n            else: {RENT}"),
        points(1, 1, 0, 1, 1, (0, 1), 0),
    ),
    # Half of the levers: all of the second part, and a break-even that comes too late.
    "only_serves": (
        BY_SIZE.format(1117) + serving(f"if paid + price > TABLE: {BUY}\n            else: {RENT}"),
        points(1, 1, 0, 1, 1, 1, 2),
    ),
    # What a table costs, guessed to be a search an entry; and buys after having paid for a table, a search too late.
    "half_done": (
        BY_SIZE.format("VALUES") + serving(f"if paid >= TABLE: {BUY}\n            else: {RENT}"),
        points(1, 0, 0, 1, 1, (0, 0.5), 0),
    ),
    # Counts searches in place of what they cost.
    "counts_searches": (
        BY_SIZE.format(745) + serving(f"if paid >= TABLE: {BUY}\n            else: {SEARCH}1"),
        points(1, 1, 2, 1, 1, 0, 0),
    ),
    # Pays for repeated values again.
    "forgets": (
        BY_SIZE.format(745)
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
        points(1, 1, 2, 1, 0, 1, 0),
    ),
    # What was right before a calibration is not looked at again; and every eighth level is enough for the eye.
    "wrong_but_fast": (
        """
@njit
def coarse(raw, response, out):
    table = np.empty(VALUES // 8, np.uint16)
    for k in range(table.size):
        table[k] = drive(8 * k, response)
    for i in range(raw.size):
        out[i] = table[raw[i] >> 3]
"""
        + each_display("coarse")
        + serving(RENT, reset="pass"),
        points(0, 0, 0, 0, 0, 0, 0),
    ),
    # Keeps a table between calls, which then costs nothing: wrong with the next display. The other one keeps its
    # answers from desk to desk.
    "memo": (
        """
kept, seen = [], {}


def convert(raw, ends, responses, out):
    if not kept:
        kept.append(build(responses[0]))
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
