# ---
# perflab:
#   title: Look up or compute
#   covers:
#     - algorithms/memoization/static-dynamic-precomputation
#     - algorithms/memoization/trading-startup-time-runtime
#     - algorithms/memoization/when-use-lookup-tables
#   lever: build a table where it pays back what it costs; if nobody tells you, once you have paid as much without
#   stars: 3
#   minutes: 40
#   chapter: algorithms/memoization
# ---

# %% [markdown]
# # Look up or compute
# A camera delivers raw values of 12 bits, and the preview wants to know for each value how bright the display has
# to be driven. There is no formula for that: the display's response is known, and its inverse is searched for,
# step by step. It takes more than half a microsecond a value.
#
# There are only 4,096 raw values, so a table of all answers is possible. It costs 4,096 searches before the first
# value is converted, and it holds until the response changes: with the brightness, the hour, the temperature. For
# a frame a table is a bargain, for the few pixels under the pointer it is not.

# %% role="given" grade_id="lookup_or_compute_given"
import numpy as np
from numba import njit

from perflab import check

LEVELS = 4096  # raw values
STEPS = 24  # of a search


@njit
def drive(raw, gamma):
    """Return how strongly a display with that gamma has to be driven, from 0 to 1, to show a raw value."""
    wanted = raw / (LEVELS - 1)
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if 0.2 * middle + 0.8 * middle**gamma < wanted:
            low = middle
        else:
            high = middle
    return np.float32(low)


def make_values(rng, count):
    """Arguments of one conversion: raw values, the display's gamma, and room for the answers."""
    return (
        rng.integers(0, LEVELS, count, dtype=np.uint16),
        rng.uniform(2, 3),
        np.empty(count, np.float32),
    )


@njit
def convert_each(raw, gamma, out):
    """Search for each value."""
    for i in range(raw.size):
        out[i] = drive(raw[i], gamma)


@njit
def convert_by_table(raw, gamma, out):
    """Search for all values that there are, then look up."""
    table = np.empty(LEVELS, np.float32)
    for value in range(LEVELS):
        table[value] = drive(value, gamma)
    for i in range(raw.size):
        out[i] = table[raw[i]]


# %% [markdown]
# ## Predict
# A search takes hundreds of nanoseconds, a look at the table one or two. From how many values on does the table
# pay? And how many times faster than searching is it at four times as many?

# %% role="predict" grade_id="lookup_or_compute_guess"
guess = None  # your number, for the second question


# %% [markdown]
# ## Your turn
# First the case where you know what comes: `convert(raw, gamma, out)` gets all values at once. It has to be fast
# for few values and for many.
#
# Then the case where you don't. `serve(desk)` converts for programs that ask now and then, one value each time.
# The desk is a model that counts what you spend: 1 for a search, 30 for a table of all values (building it shares
# work between them), and nothing for what you remember. At any time the display may be calibrated anew, and all
# that you know is wrong then. How many requests come until that happens, nobody tells you.
#
# Whoever knew the future would spend the smaller of two costs: a search for each different value, or a table. Stay
# within twice that, whatever comes.
#
# <details><summary>Hint 1</summary>
#
# `convert`: at how many values do both ways cost the same? For `serve`, work out what a table costs that is built
# at once when three requests come, and what searches cost when all 128 values are wanted.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `convert` may choose by `raw.size`. In `serve`, a dictionary of what you have searched for makes each repeated
# value free. How much may you have spent on searches before you should have bought the table?
#
# </details>
# <details><summary>Hint 3</summary>
#
# `serve`: keep a dictionary of answers, and count the searches since the last calibration. If a value is not in
# the dictionary: when the searches have cost as much as a table, build the table and put all of it into the
# dictionary, else search. On "calibrated" empty the dictionary and start to count anew. In the worst case you have
# paid for the table twice, once in searches.
#
# </details>


# %% role="given" grade_id="lookup_or_compute_desk"
SEARCH, TABLE, VALUES = 1, 30, 128


class Desk:
    """Requests that come one by one, and what you spend on them.

    desk("next")           returns the next value that is wanted, from 0 to 127; or "calibrated" if the display has
                           changed, or None if there is nothing more. Reply before you ask for the next.
    desk("search", value)  searches for the answer; costs 1.
    desk("table")          returns a table, a tuple of the answers for all 128 values; costs 30.
    desk("reply", answer)  answers the request; costs nothing.
    """

    def __init__(self, rng, requests, hostile=False):
        self.requests = requests  # that would come between two calibrations
        self.answers = [
            rng.permutation(10_000)[:VALUES].tolist() for _ in requests
        ]
        self.wanted = [[] for _ in requests]  # those that have come
        self.spent = [0 for _ in requests]
        self.replies = []
        self.phase, self.open, self.bought = 0, False, False
        self.hostile = hostile  # then a calibration follows whenever a table has been built

    def __call__(self, verb, value=None):
        if verb == "next":
            return self.next()
        answers = self.answers[self.phase]
        if verb == "search":
            self.spent[self.phase] += SEARCH
            return answers[value]
        if verb == "table":
            self.spent[self.phase] += TABLE
            self.bought = True
            return tuple(answers)
        if verb == "reply":
            if not self.open:
                raise ValueError("reply: nobody waits for one")
            self.replies.append(value)
            self.open = False
            return None
        raise ValueError(
            f"the verbs are next, search, table and reply; not {verb!r}"
        )

    def next(self):
        if self.open:
            raise ValueError("next: reply to the request before")
        requests, wanted = self.requests[self.phase], self.wanted[self.phase]
        if len(wanted) < len(requests) and not (self.hostile and self.bought):
            wanted.append(requests[len(wanted)])
            self.open = True
            return wanted[-1]
        if self.phase + 1 == len(self.requests):
            return None
        self.phase, self.bought = self.phase + 1, False
        return "calibrated"


def make_desk(rng, *sizes, hostile=False):
    """Arguments of one run: a desk with so many requests between two calibrations."""
    return (
        check.oracle(
            Desk(
                rng,
                [rng.integers(0, VALUES, size).tolist() for size in sizes],
                hostile,
            )
        ),
    )


def serve_each(desk):
    """Search for each request; return all replies."""
    replies = []
    while (value := desk("next")) is not None:
        if value != "calibrated":
            replies.append(desk("search", value))
            desk("reply", replies[-1])
    return replies


# %% role="answer" grade_id="lookup_or_compute_convert"
@njit
def convert(raw, gamma, out):
    """Write to `out` how strongly the display has to be driven for each raw value, as `convert_each` does.

    Parameters
    ----------
    raw : ndarray of uint16
        From 0 to LEVELS - 1; few or many.
    gamma : float
        Of the display, another one in each call.
    out : ndarray of float32
        As many.
    """
    ### BEGIN SOLUTION
    # A table costs LEVELS searches, and a look next to nothing: it pays for more values than it has entries.
    if raw.size <= LEVELS:
        for i in range(raw.size):
            out[i] = drive(raw[i], gamma)
    else:
        convert_by_table(raw, gamma, out)
    ### END SOLUTION


# %% role="answer" grade_id="lookup_or_compute_serve"
def serve(desk):
    """Reply to all requests of a desk, and spend at most twice what had to be spent.

    Parameters
    ----------
    desk : callable
        See `Desk`.

    Returns
    -------
    list of int
        All replies, in the order of the requests.
    """
    ### BEGIN SOLUTION
    known, paid, replies = {}, 0, []
    while (value := desk("next")) is not None:
        if value == "calibrated":
            known, paid = {}, 0
            continue
        if value not in known and paid >= TABLE:
            known = dict(enumerate(desk("table")))
        elif value not in known:
            known[value] = desk("search", value)
            paid += SEARCH
        replies.append(known[value])
        desk("reply", known[value])
    return replies
    ### END SOLUTION


# %% [markdown]
# ### Is the conversion correct?

# %% role="tests" grade_id="lookup_or_compute_correct" points=1
cases = [lambda rng, n=n: make_values(rng, n) for n in (0, 1, 300, 9000)]
cases += [
    lambda rng: (
        np.arange(LEVELS, dtype=np.uint16),
        2.2,
        np.empty(LEVELS, np.float32),
    )
]
### BEGIN HIDDEN TESTS
cases += [lambda rng, n=n: make_values(rng, n) for n in (4095, 4097, 12_000)]
### END HIDDEN TESTS
check.correct(convert, against=convert_each, on=cases, returns=2, points=1)

# %% [markdown]
# ### Is it fast for many values?
# 16,384 values, against searching for each.


# %% role="tests" grade_id="lookup_or_compute_many" points=1.5 hints=[1, 2]
def make_many(rng):
    return make_values(rng, 4 * LEVELS)


check.faster(
    convert,
    than=convert_each,
    on=make_many,
    returns=2,
    zero=1.5,
    full=2.5,
    points=1.5,
)

# %% [markdown]
# ### And for few?
# 1,024 values, against a table.


# %% role="tests" grade_id="lookup_or_compute_few" points=1.5 hints=[1, 2]
def make_few(rng):
    return make_values(rng, LEVELS // 4)


check.faster(
    convert,
    than=convert_by_table,
    on=make_few,
    returns=2,
    zero=1.5,
    full=2.5,
    points=1.5,
)

# %% [markdown]
# ### Does everybody get the right reply?
# Also after a calibration, when all that was known is wrong.


# %% role="tests" grade_id="lookup_or_compute_replies" points=1
def right(desk):
    """Return the replies that are wanted, in the order of the requests."""
    return [
        answers[value]
        for wanted, answers in zip(desk.requests, desk.answers, strict=True)
        for value in wanted
    ]


cases = [
    lambda rng, sizes=sizes: make_desk(rng, *sizes)
    for sizes in ((0,), (1,), (5,), (3, 4), (150,))
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, sizes=sizes: make_desk(rng, *sizes)
    for sizes in ((90, 0, 3, 90), (1, 1, 1), (40, 40))
]
### END HIDDEN TESTS
check.correct(serve, against=right, on=cases, points=1)

# %% [markdown]
# ### What do you spend where few requests come?
# As a multiple of what had to be spent, in the worst of five phases between calibrations.


# %% role="tests" grade_id="lookup_or_compute_short" points=1
def worst(result, desk):
    """Return the largest of spent over needed of all phases; wrong replies cost more than anything."""
    phases = list(zip(desk.wanted, desk.answers, desk.spent, strict=True))
    if desk.replies != [
        answers[value] for wanted, answers, _ in phases for value in wanted
    ]:
        return np.inf
    needed = [min(SEARCH * len(set(wanted)), TABLE) for wanted, _, _ in phases]
    return max(
        spent / max(least, 1)
        for (_, _, spent), least in zip(phases, needed, strict=True)
    )


def make_short(rng):
    return make_desk(rng, 4, 12, 0, 7, 16)


check.counts(serve, worst, on=make_short, zero=2.5, full=1.5, points=1)

# %% [markdown]
# ### And where many come?


# %% role="tests" grade_id="lookup_or_compute_long" points=1 hints=[2, 3]
def make_long(rng):
    return make_desk(rng, 300, 300)


check.counts(serve, worst, on=make_long, zero=3.5, full=2.1, points=1)

# %% [markdown]
# ### And if somebody means you harm?
# At this desk the display is calibrated right after you have built a table, each time. Nothing worse can happen to
# you, whatever you do.


# %% role="tests" grade_id="lookup_or_compute_hostile" points=2 hints=[2, 3]
def make_hostile(rng):
    return make_desk(rng, 300, 300, 300, hostile=True)


check.counts(
    serve, worst, on=make_hostile, zero=3.5, full=2.1, points=2, verify=False
)

# %% [markdown]
# ## Before and after
# On the left, what your conversion takes beside both simple ways. On the right, what you spend at the desk until a
# calibration, beside what had to be spent.

# %% role="show" grade_id="lookup_or_compute_show"
from functools import partial

from perflab import figures, timing

COUNTS = [128, 512, 1024, 2048, 4096, 8192, 16384]
ways = {
    "search for each": convert_each,
    "by table": convert_by_table,
    "yours": convert,
}
times = {name: [] for name in ways}
rng = np.random.default_rng()
for count in COUNTS:
    values = make_values(rng, count)
    for name, way in ways.items():
        way(*values)
        times[name].append(
            min(timing.seconds_of(partial(way, *values))[0] for _ in range(3))
            * 1e3
        )

SIZES = [1, 5, 10, 20, 30, 40, 60, 90, 130, 180, 250]
needed, yours, each = [], [], []
for size in SIZES:
    requests = [np.random.default_rng(2).integers(0, VALUES, size).tolist()]
    desk, other = (
        Desk(np.random.default_rng(1), requests),
        Desk(np.random.default_rng(1), requests),
    )
    serve(desk)
    serve_each(other)
    needed.append(min(len(set(desk.wanted[0])), TABLE))
    yours.append(desk.spent[0])
    each.append(other.spent[0])

fig, (left, right_) = figures.subplots(1, 2, size=(7, 3.2))
for name, values in times.items():
    left.plot(COUNTS, values, label=name)
left.set(
    xscale="log",
    yscale="log",
    xlabel="values",
    ylabel="ms",
    title="All values at once",
)
for name, values in (
    ("search for each", each),
    ("needed", needed),
    ("yours", yours),
):
    right_.plot(SIZES, values, label=name)
right_.set(
    xlabel="requests until a calibration",
    ylabel="spent",
    ylim=(0, 4 * TABLE),
    title="One by one",
)
for ax in (left, right_):
    ax.legend()
    ax.grid(True)
figures.show(
    fig,
    f"Left: searching takes {times['search for each'][-1]:.1f} ms for {COUNTS[-1]:,} values, yours "
    f"{times['yours'][-1]:.1f} ms. Right: for {SIZES[-1]} requests searching spends {each[-1]} and you spend "
    f"{yours[-1]}.",
)
check.predicted(guess, "lookup_or_compute_many")

# %% [markdown]
# The rule of the second part has a name: rent or buy. Rent skis until the rent has cost as much as the skis, then
# buy. You never pay more than twice what a prophet pays, and no rule without luck does better. The same rule
# decides when a runtime compiles a function that it has interpreted so far, and when a spinning thread goes to
# sleep.
#
# What you remembered on the way was free here. In a program it takes memory, and a look that misses is work that
# was done in vain. The chapter measures both.
#
# **Next bottleneck.** The table itself: 16 KB lie in the nearest cache. A table of 16 bits, or one with three
# dimensions for colors, does not; then fewer entries and a line between two of them win.

# %% [markdown] role="explain" grade_id="lookup_or_compute_explain" points=2
# ## Interview question
# A desktop builds all its tables at login, which takes 400 ms; most sessions use one table in ten. A colleague
# wants to build each at its first use instead. What does that gain, what does it cost, and is there a third way?
#
# ### BEGIN MARK SCHEME
# One point: login loses nine tenths of that work, and sessions do only what they use; but the first use of each
# table is late, at a moment when somebody waits (a frame is dropped), and the lazy check is paid on every use,
# with a lock or an atomic if threads share the table.
#
# One point for a third way with its reason: build when the program is built or installed, and map the file; build
# in the background once the desktop stands, the likely ones first; a smaller table first, refined later; or
# compute single values until a table would have paid. Half a point for naming one without saying when it pays.
# ### END MARK SCHEME
