"""Recorded accesses: the compiled way and the slow way tell the same story, and refusals name the line."""

import sys
from collections import namedtuple

import numpy as np
import pytest
from numba import njit, prange

from perflab.models import record, tape
from perflab.models.accesses import Accesses
from perflab.models.instrument import Part, UninstrumentableError, instrument
from perflab.models.record import UntraceableError, accesses

BODY = np.dtype([("x", np.float32), ("y", np.float64), ("p", np.float64, 3), ("box", [("low", np.int16)])])
Pair = namedtuple("Pair", "left right")
TABLE = np.arange(10.0)
SIZES = (3, 5)


def story(how, fn, args):
    """Return what was recorded, and (address, size, write, line) of each access."""
    pieces = []
    recording = how(fn, args, lambda values, codes: pieces.append((values.copy(), codes.copy())))
    told = [
        (value, (code & 0xFFFFFFFF) >> 1, code & 1, recording.sites[code >> 32].line)
        for values, codes in pieces
        for value, code in zip(values.tolist(), codes.tolist(), strict=True)
    ]
    codes = np.concatenate([codes for _, codes in pieces]).tolist()
    assert all(recording.sites[code >> 32].kind == ("load", "store")[code & 1] for code in codes)
    return recording, told


@njit
def exchange(a, i, j):
    a[i], a[j] = a[j], a[i]


@njit
def loops(x, y):
    acc = 0.0
    made = np.zeros(5)
    for i in range(x.size):
        acc += x[i] * y[-i - 1, 0]
        x[i] += y[i % 3, 1]
    exchange(x, 0, 3)
    row = y[1]
    row[0] = made[1] = 3
    for value in row:
        acc += value
    k = 0
    while x[k] > 0 and k < 4:
        k += 1
    made[SIZES[0]] = acc
    return acc, made


@njit
def records(table, pair):
    for i in range(table.size):
        table[i].x += table[i].p[1] * 2
        body = table[i]
        body.y = body["x"]
        body["x"] = pair.left[0] + pair[1][i]
        body.box.low += 1
    table.x[1] = 4
    table["y"][2] = 5
    for i in prange(table[1:].size):
        table[1:][i].x = 7


@njit
def views(a, b):
    a[2:][0] = b[::-1][1]
    a[1:][2] += b[3]
    total = a.reshape(2, -1)[1, 0]
    return total + a.T[0]


def arguments(fn):
    if fn is loops:
        return np.arange(8.0), np.arange(20.0).reshape(10, 2)[1:9]
    if fn is records:
        return np.zeros(4, BODY), Pair(np.ones(3), np.arange(5, dtype=np.int8))
    whole = np.arange(16.0)
    return whole[:8], whole[4:]


@pytest.mark.parametrize("fn", [loops, records, views], ids=lambda fn: fn.__name__)
def test_both_ways_tell_the_same_story(fn):
    ours, theirs = arguments(fn), arguments(fn)
    fast, told = story(accesses, fn, ours)
    slow, expected = story(record._watched, fn, theirs)
    assert fast.compiled
    assert not slow.compiled
    assert told == expected
    assert fast.regions == slow.regions
    for a, b in zip(record_leaves(ours), record_leaves(theirs), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(record_leaves((fast.result,)), record_leaves((slow.result,)), strict=True):
        np.testing.assert_array_equal(a, b)


def record_leaves(value):
    for part in value:
        if isinstance(part, tuple):
            yield from record_leaves(part)
        else:
            yield part


def whole(x):
    return (x * 2).sum()


def gather(x):
    return x[np.array([1, 2])]


def method(x):
    return x.sum()


def slices(x):
    x[1:] = 0


def in_slices(x):
    x[1:] += x[:-1]


def scratch(x):
    acc = 0.0
    for i in range(3):
        pair = np.empty(2)
        pair[0] = x[i]
        acc += pair[0]
    return acc


def table_lookup(x):
    return x[0] + TABLE[3]


def call(x):
    return np.dot(x, x)


def from_a_list(x):
    pair = np.array([1.0, 2.0])
    return pair[1] + x[0]


TABLES = (np.arange(3.0), np.arange(4.0))


def from_a_tuple(x):
    return TABLES[1][2] + x[0]


def from_a_module(x):
    return here.TABLE[3] + x[0]


here = sys.modules[__name__]


@njit
def elsewhere(n):
    return np.linspace(0.0, 1.0, n)


def from_a_call(x):
    return elsewhere(5)[2] + x[0]


@pytest.mark.parametrize(
    "fn",
    [
        *(whole, gather, method, slices, in_slices, scratch, table_lookup, call),
        *(from_a_list, from_a_tuple, from_a_module, from_a_call),
    ],
    ids=lambda fn: fn.__name__,
)
def test_what_has_no_hook_goes_the_slow_way_and_is_told_all_the_same(fn):
    recording, told = story(accesses, fn, (np.arange(6.0),))
    assert not recording.compiled
    assert len(told) > 1
    assert recording.sites[-1].function == fn.__name__


def test_lambdas_and_functions_among_the_arguments_go_the_slow_way():
    assert not story(accesses, lambda x: x[0], (np.ones(3),))[0].compiled
    assert not story(accesses, lambda f, x: f(x), (method, np.ones(3)))[0].compiled


def test_a_long_trace_comes_in_pieces():
    @njit
    def total(x):
        acc = 0.0
        for i in range(x.size):
            acc += x[i]
        return acc

    n = 3 * tape.EVENTS + 5
    pieces = []
    recording = accesses(total, (np.ones(n),), lambda values, codes: pieces.append(values.copy()))
    assert recording.result == n
    assert [piece.size for piece in pieces] == [tape.EVENTS] * 3 + [5]
    np.testing.assert_array_equal(np.concatenate(pieces), recording.regions[0].at + 8 * np.arange(n))


def test_a_pass_over_a_large_array_comes_in_pieces_too():
    """A consumer has room for no more: a larger piece was written beyond its end."""

    @njit
    def negate(x):
        x[:] = -x

    n = 3 * tape.EVENTS + 5
    pieces = []
    recording = accesses(negate, (np.ones(n),), lambda values, codes: pieces.append((values.size, codes.size)))
    assert not recording.compiled
    assert max(values for values, _ in pieces) <= tape.EVENTS
    assert all(values == codes for values, codes in pieces)
    assert sum(values for values, _ in pieces) >= 2 * n


def test_a_redefined_helper_is_seen():
    space = globals()
    space["helper"] = njit(lambda x: 0.0)

    def uses(x):
        return helper(x)  # noqa: F821

    try:
        space["helper"] = first_of
        assert len(story(accesses, uses, (np.ones(4),))[1]) == 1
        space["helper"] = both_of
        assert len(story(accesses, uses, (np.ones(4),))[1]) == 2
    finally:
        del space["helper"]


@njit
def first_of(x):
    return x[0]


@njit
def both_of(x):
    return x[0] + x[1]


def test_defaults_closures_and_read_only_arguments():
    scale = 3.0

    def scaled(x, i=2, j=1):
        return x[i] * scale + x[j]

    x = np.arange(4.0)
    x.flags.writeable = False
    recording, told = story(accesses, scaled, (x,))
    assert recording.result == 7
    assert not recording.compiled
    again, as_compiled = story(accesses, njit(scaled), (x,))
    assert again.compiled
    assert as_compiled == told
    assert [access[0] - recording.regions[0].at for access in told] == [16, 8]


# Refusals


def too_far(x):
    acc = 0.0
    for i in range(x.size):
        acc += x[i + 1]
    return acc


def dynamic(x):
    return np.searchsorted(x, 1.0)


@pytest.mark.parametrize(
    ("fn", "line"), [(too_far, r"acc|x\[i \+ 1\]"), (dynamic, "searchsorted")], ids=["index", "numpy"]
)
def test_a_refusal_names_the_line_and_the_way_out(fn, line):
    with pytest.raises(
        UntraceableError, match=rf"(?s)^{fn.__name__} cannot be traced.*line \d+.*({line}).*let it"
    ):
        accesses(fn, (np.ones(3),), lambda values, codes: None)


def test_what_the_function_wrote_before_it_failed_stays():
    @njit
    def fails(x):
        x[0] = 5
        x[9] = 1

    x = np.zeros(3)
    with pytest.raises(UntraceableError, match=r"line \d+, `x\[9\]`"):
        accesses(fails, (x,), lambda values, codes: None)
    assert x.tolist() == [5, 0, 0]


@pytest.mark.parametrize("fn", [both_of, method], ids=["compiled", "watched"])
def test_an_error_of_the_consumer_comes_out_as_it_is(fn):
    def consumer(values, codes):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        accesses(fn, (np.ones(3),), consumer)
    assert len(story(accesses, both_of, (np.ones(3),))[1]) == 2


def test_one_recording_at_a_time():
    def consumer(values, codes):
        accesses(both_of, (np.ones(3),), lambda values, codes: None)

    with pytest.raises(RuntimeError, match="one function is recorded at a time"):
        accesses(both_of, (np.ones(3),), consumer)


# Other parts


@njit
def branch(site, test):
    tape.emit(1 if test else 0, site << tape.SITE)
    return test


class Branches(Part):
    hooks = {"branch": branch}  # noqa: RUF012

    def visit_If(self, node):  # noqa: N802
        self.generic_visit(node)
        node.test = self.call("branch", self.site("branch", node.test), node.test)
        return node


def positive(x):
    n = 0
    for i in range(x.size):
        if x[i] > 0:
            n += 1
    return n


@pytest.mark.parametrize("parts", [(Branches,), (Branches, Accesses)], ids=len)
def test_another_part_needs_a_hook_and_a_visitor(parts):
    code = instrument(positive, parts)
    events = []
    with tape.recording(lambda values, codes: events.extend(zip(values.tolist(), codes >> 32, strict=True))):
        assert code.call((np.array([1.0, -1, 2]),)) == 2
    assert [value for value, site in events if code.sites[site].kind == "branch"] == [1, 0, 1]
    assert len(events) == 3 * len(parts)
    assert [site.text for site in code.sites if site.kind == "branch"] == ["x[i] > 0"]


def test_what_has_no_source_is_refused():
    with pytest.raises(UninstrumentableError, match="no Python source"):
        instrument(len, (Accesses,))
    space = {}
    exec("def nowhere(x): return x[0]", space)
    with pytest.raises(UninstrumentableError, match="no source of nowhere"):
        instrument(space["nowhere"], (Accesses,))
