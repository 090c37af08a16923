# ---
# perflab:
#   title: Look up or compute
#   covers:
#     - algorithms/memoization/static-dynamic-precomputation
#     - algorithms/memoization/trading-startup-time-runtime
#     - algorithms/memoization/when-use-lookup-tables
#   lever: build a table where it pays back what it costs; if nobody tells you, before you pay more than that without
#   stars: 2
#   minutes: 40
#   chapter: algorithms/memoization
# ---

# %% [markdown]
# # Look up or compute
# A display has 4,096 drive levels. Somebody has measured how bright each of them is, and the array `response` holds
# the result in ascending order. A camera delivers raw values of 12 bits. The preview wants to know for each raw
# value the first level that is bright enough. So each value is searched for, in 12 steps.
#
# A table of all 4,096 answers is possible. One walk through the levels fills it, since a brighter value never needs
# a lower level. The table is valid for one display, until that is measured again: with another brightness, hour or
# temperature. A video wall has many displays. Where a whole frame goes, the table costs less than the searches. Where
# a pointer moves over a few pixels, it costs more.

# %% role="given" grade_id="lookup_or_compute_given"
import operator

import numpy as np
from numba import njit

from perflab import check

VALUES = LEVELS = 4096  # raw values, and levels of the display


def make_frame(rng, *counts):
    """Make so many raw values for each display.

    Returns the raw values, one display after the other; where those of each
    display end; how bright the levels of each display are; and space for the
    answers.
    """
    steps = rng.integers(0, 100, (len(counts), LEVELS)) ** 3
    steps[:, 0] = 0
    bright = steps.cumsum(axis=1)
    return (
        rng.integers(0, VALUES, sum(counts), dtype=np.uint16),
        np.cumsum(counts),
        (bright * (VALUES - 1) // bright[:, -1:]).astype(np.int32),
        np.empty(sum(counts), np.uint16),
    )


@njit
def drive(value, response):
    """Return the first level that is as bright as a raw value asks for."""
    low, high = 0, LEVELS - 1
    while low < high:
        middle = (low + high) // 2
        if response[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit
def build(response):
    """Return the levels of all raw values; each level is read once."""
    table = np.empty(VALUES, np.uint16)
    level, bright = 0, response[0]
    for value in range(VALUES):
        while bright < value:
            level += 1
            bright = response[level]
        table[value] = level
    return table


@njit
def search_each(raw, response, out):
    """Search for each value of one display."""
    for i in range(raw.size):
        out[i] = drive(raw[i], response)


@njit
def use_table(raw, response, out):
    """Build the table of all values of one display, then look up."""
    table = build(response)
    for i in range(raw.size):
        out[i] = table[raw[i]]


@njit
def convert_each(raw, ends, responses, out):
    """Search for each value of all displays."""
    begin = 0
    for display in range(ends.size):
        end = ends[display]
        search_each(raw[begin:end], responses[display], out[begin:end])
        begin = end


# %% [markdown]
# ## Predict
# The tests count accesses: elements of arrays that are read or written. One display wants 600 values, another one
# 2,000, and each of six more wants ten. Work out from the code what `search_each` and `use_table` need for each.
# How many accesses do all displays need together, if each goes the cheaper way?

# %% role="predict" grade_id="lookup_or_compute_guess"
guess = None  # your number


# %% [markdown]
# ## Your turn
# First the case where you know what comes: `convert(raw, ends, responses, out)` gets all values at once. It has to
# be cheap for displays with few values and for displays with many. Points are for accesses, and each tests cell
# counts all displays together: first with 600 and 2,000 values, then with 700 and 790, and both times with ten values
# for each of six more displays. Full points need what the cheaper of the two given ways needs for each display,
# plus 2 % in the first cell and just under 1 % in the second one.
#
# A third way that needs fewer accesses where you use it is legal too, such as a smaller table, or fewer steps of a
# search. Neither a table that is filled on demand nor a dictionary is one: try to say why. An array in between, as in
# `table[raw]`, is written and read too: use loops, or the given functions. To sort n values costs each of them log2(n)
# reads and writes. What NumPy searches by itself, such as `np.searchsorted` or `np.interp`, cannot be counted and
# earns nothing.
#
# Then the case where you don't know. `serve(desk)` converts for programs that ask now and then, one value at a
# time. The desk is a model that counts what you spend. A search costs 1 to 12, by value, and the desk tells the
# price before you pay. A table of all 128 values costs 40. What you remember costs nothing. At any time the display
# may be measured again, and all that you know is wrong then. Nobody tells you how many requests come until that
# happens, nor how many different values.
#
# Whoever knew the future would spend the smaller of two sums: the price of one search for each different value, or
# the price of a table. Spend at most twice that, whatever comes. Full points are for 2, not for 2.1.
#
# <details><summary>Hint 1</summary>
#
# `convert`: at how many values do both ways cost the same? For `serve`, work out what you spend if you buy a table
# at once and one request comes, and what you spend if you never buy and all 128 values are wanted.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `convert` may choose for each display by the number of its values. Divide what the table costs by what it saves a value; the answer is not the
# number of its entries. In `serve`, a dictionary makes each repeated value free. How much may you have spent on
# searches before you should have bought the table?
#
# </details>
# <details><summary>Hint 3</summary>
#
# `serve`: keep a dictionary of answers, and the sum that you have paid for searches since the last calibration. For
# a value that is not in the dictionary, ask for its price first. Would this search raise the sum above the price of
# the table? Then buy the table instead, and keep all of its answers. What has to be reset at a calibration?
#
# </details>


# %% role="given" grade_id="lookup_or_compute_desk"
TABLE, ANSWERS = 40, 128
PRICES = 12  # of searches: 1 to 12


class Desk:
    """Requests that come one by one, and what you spend on them.

    desk("next")           returns the next value that is wanted, from 0 to 127;
                           or "calibrated" if the display has changed; or None
                           if there is nothing more. Reply before the next one.
    desk("price", value)   returns what a search for it costs, from 1 to 12;
                           to ask costs nothing.
    desk("search", value)  searches for the answer; costs that price.
    desk("table")          returns a table, a tuple of the answers for all 128
                           values; costs 40.
    desk("reply", answer)  answers the request; costs nothing.
    """

    def __init__(self, rng, prices, requests, hostile=False):
        self.prices = prices
        self.requests = requests  # that would come between two calibrations
        self.answers = [
            rng.permutation(10_000)[:ANSWERS].tolist() for _ in requests
        ]
        self.wanted = [[] for _ in requests]  # those that have come
        self.spent = [0 for _ in requests]
        self.replies = []
        self.phase, self.open, self.bought = 0, False, False
        self.hostile = hostile  # then each table is followed by a calibration

    def __call__(self, verb, value=None):
        if value is not None:
            value = operator.index(value)  # once: it may be of any class
        if verb == "next":
            return self.next()
        answers = self.answers[self.phase]
        if verb == "price":
            return self.prices[value]
        if verb == "search":
            self.spent[self.phase] += self.prices[value]
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
            f"the verbs are next, price, search, table and reply; not {verb!r}"
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


def make_prices(rng):
    """The price of a search for each value; each price comes equally often."""
    return (rng.permutation(ANSWERS) % PRICES + 1).tolist()


def make_desk(rng, *sizes, different=ANSWERS):
    """A desk with so many requests between two calibrations."""
    requests = [
        rng.choice(rng.permutation(ANSWERS)[:different], size).tolist()
        for size in sizes
    ]
    return (check.oracle(Desk(rng, make_prices(rng), requests)),)


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
def convert(raw, ends, responses, out):
    """Write the display's level for each raw value, as `convert_each` does.

    Parameters
    ----------
    raw : ndarray of uint16
        From 0 to VALUES - 1, one display after the other.
    ends : ndarray of int64
        Where the values of each display end.
    responses : ndarray of int32, shape (displays, LEVELS)
        The brightness of each level, ascending; others in each call.
    out : ndarray of uint16
        As many as raw values.
    """
    ### BEGIN SOLUTION
    steps = 12  # of a search: 2 ** 12 levels
    building = LEVELS + VALUES  # reads of the walk, and writes
    looking = 1
    begin = 0
    for display in range(ends.size):
        end = ends[display]
        if (end - begin) * (steps - looking) <= building:
            search_each(raw[begin:end], responses[display], out[begin:end])
        else:
            use_table(raw[begin:end], responses[display], out[begin:end])
        begin = end
    ### END SOLUTION


# %% role="answer" grade_id="lookup_or_compute_serve"
def serve(desk):
    """Reply to all requests; spend at most twice what had to be spent.

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
        if value not in known:
            price = desk("price", value)
            if paid + price > TABLE:
                known = dict(enumerate(desk("table")))
            else:
                known[value] = desk("search", value)
                paid += price
        replies.append(known[value])
        desk("reply", known[value])
    return replies
    ### END SOLUTION


# %% [markdown]
# ### Is the conversion correct?

# %% role="tests" grade_id="lookup_or_compute_correct" points=1
cases = [
    lambda rng, counts=counts: make_frame(rng, *counts)
    for counts in ((0,), (1,), (300, 9000), (3000, 0, 20))
]
cases += [
    lambda rng: (
        np.arange(VALUES, dtype=np.uint16),
        np.array([VALUES]),
        np.arange(LEVELS, dtype=np.int32)[None],
        np.empty(VALUES, np.uint16),
    )
]
### BEGIN HIDDEN TESTS
cases += [
    lambda rng, counts=counts: make_frame(rng, *counts)
    for counts in ((1000, 1200), (4097, 5, 12_000))
]
### END HIDDEN TESTS
check.correct(convert, against=convert_each, on=cases, returns=3, points=1)

# %% [markdown]
# ### Is it cheap for few values, and for many?
# One display wants 600 values, another one 2,000, and six want ten each. To search for each takes 37,200 accesses in
# all, and with tables it takes 73,500.


# %% role="tests" grade_id="lookup_or_compute_two" points=1 hints=[1, 2]
def make_two(rng):
    return make_frame(rng, *rng.permutation([600, 2000] + [10] * 6))


check.counts(
    convert, "accesses", on=make_two, zero=28_000, full=24_000, points=1
)

# %% [markdown]
# ### Does it change over where both cost the same?
# Now it is 700 and 790 values, and ten for each of the six. A table pays long before there are as many values as
# it has entries.


# %% role="tests" grade_id="lookup_or_compute_even" points=2 hints=[1, 2]
def make_even(rng):
    return make_frame(rng, *rng.permutation([700, 790] + [10] * 6))


check.counts(
    convert, "accesses", on=make_even, zero=21_600, full=21_400, points=2
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
# ### What do you spend where few different values come?
# Two values at a time, again and again, in five phases between calibrations. Counted is what you spent over what
# had to be spent, in the worst phase. Full points are for 1: here nobody needs a table.


# %% role="tests" grade_id="lookup_or_compute_favorites" points=1
def worst(result, desk):
    """Return the largest of spent over needed; wrong replies cost most."""
    phases = list(zip(desk.wanted, desk.answers, desk.spent, strict=True))
    if desk.replies != [
        answers[value] for wanted, answers, _ in phases for value in wanted
    ]:
        return np.inf
    return max(
        spent
        / max(1, min(TABLE, sum(desk.prices[value] for value in set(wanted))))
        for wanted, _, spent in phases
    )


def make_favorites(rng):
    return make_desk(rng, 40, 40, 40, 40, 40, different=2)


check.counts(serve, worst, on=make_favorites, zero=2, full=1, points=1)

# %% [markdown]
# ### And where you can't know?
# In two phases many values come, in three of them only one.


# %% role="tests" grade_id="lookup_or_compute_mixed" points=1 hints=[2, 3]
def make_mixed(rng):
    return make_desk(rng, 300, 1, 1, 1, 300)


check.counts(serve, worst, on=make_mixed, zero=3, full=2, points=1)

# %% [markdown]
# ### And if somebody means you harm?
# At this desk the display is calibrated right after you have bought a table, each time. And the desk knows the
# prices: before you buy, what you have paid goes through each sum up to 40, once followed by the cheapest request
# and once by the most expensive one. Each of these requests comes twice. So whatever sum you wait for, the worst that
# can follow does follow once.


# %% role="tests" grade_id="lookup_or_compute_hostile" points=2 hints=[2, 3]
def make_hostile(rng):
    prices = make_prices(rng)
    paths = [[1] * 10, [11] + [1] * 10, [12, 9] + [1] * 10]
    paths += [[12, 12, 7] + [1] * 10]
    paths += [[first, 12, 12, 12, 12] for first in range(1, PRICES + 1)]
    requests = []
    for k in rng.permutation(len(paths)):
        left = rng.permutation(ANSWERS).tolist()
        chosen = []
        for price in paths[k]:
            chosen.append(next(one for one in left if prices[one] == price))
            left.remove(chosen[-1])
        requests.append(np.repeat(chosen, 2).tolist() + left)
    return (check.oracle(Desk(rng, prices, requests, hostile=True)),)


check.counts(
    serve, worst, on=make_hostile, zero=2.1, full=2, points=2, verify=False
)

# %% [markdown]
# ## Before and after
# On the left, what your conversion takes beside both simple ways. On the right, what you spend at the desk until a
# calibration, beside what had to be spent.

# %% role="show" grade_id="lookup_or_compute_show"
from functools import partial

from perflab import figures, timing

COUNTS = [128, 256, 512, 1024, 2048, 4096, 8192]
ways = {
    "search for each": search_each,
    "by table": use_table,
    "yours": lambda raw, response, out: convert(
        raw, np.array([raw.size]), response[None], out
    ),
}
times = {name: [] for name in ways}
rng = np.random.default_rng()
for count in COUNTS:
    for name, way in ways.items():
        frames = [make_frame(rng, count) for _ in range(6)]
        inputs = [(raw, all_[0], out) for raw, _, all_, out in frames]
        way(*inputs.pop())
        times[name].append(
            min(timing.seconds_of(partial(way, *one))[0] for one in inputs)
            * 1e6
        )

SIZES = [1, 2, 5, 10, 15, 20, 30, 40, 60, 90]
needed, yours, each = [], [], []
for size in SIZES:
    requests = [np.random.default_rng(2).integers(0, ANSWERS, size).tolist()]
    prices = make_prices(np.random.default_rng(1))
    desk, other = (
        Desk(np.random.default_rng(1), prices, requests) for _ in range(2)
    )
    serve(desk)
    serve_each(other)
    rent = sum(prices[value] for value in set(desk.wanted[0]))
    needed.append(min(rent, TABLE))
    yours.append(desk.spent[0])
    each.append(other.spent[0])

fig, (left, right_) = figures.subplots(1, 2, size=(7, 3.2))
for name, values in times.items():
    left.plot(COUNTS, values, label=name)
left.set(
    xscale="log",
    yscale="log",
    xlabel="values",
    ylabel="microseconds",
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
    f"Left: searching takes {times['search for each'][-1]:.0f} us for "
    f"{COUNTS[-1]:,} values, yours {times['yours'][-1]:.0f} us. Right: for "
    f"{SIZES[-1]} requests searching spends {each[-1]}, you {yours[-1]}.",
)
check.predicted(guess, "lookup_or_compute_two")

# %% [markdown]
# The left picture shows time, and its lines may cross elsewhere than the counts. The reads of one search wait for
# each other and its branches are hard to predict, so a search probably takes longer than its 12 reads suggest. A
# break-even belongs to one machine and one measure: the method carries over, the number doesn't.
#
# The rule of the second part has a name: rent or buy. Rent skis until the rent would have cost more than the skis,
# then buy. You never pay more than twice what the future would have asked of you, and no rule that does not draw
# lots has a better guarantee. (With lots, the expected cost is at most e / (e - 1) = 1.58 times that.)
#
# What you remembered on the way was free here. In a program it takes memory, and a look-up that misses is work
# without a result. The chapter measures both.
#
# **Next bottleneck.** The table itself: 8 KB lie in the nearest cache. A table for three colors of 8 bits does not;
# then fewer entries, with a line drawn between two of them, are the better table.

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
#
# Nothing for "lazy is always better, since unused work is never done", nor for "keep them all, 400 ms is short":
# neither says who waits, and when.
# ### END MARK SCHEME
