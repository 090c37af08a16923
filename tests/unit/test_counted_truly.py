"""The outcome of a counted run is that of the true call, and no work is out of sight."""

import array
import heapq
import itertools
import operator
from collections import ChainMap, OrderedDict, deque
from functools import partial, reduce

import numpy as np
import pytest
from numba import njit

from perflab import check
from perflab.models import metrics
from perflab.models.lines import UntraceableError, watched

DTYPES = ("bool", "int8", "uint8", "int16", "uint32", "int64", "uint64", "float32", "float64")
FEW = ("uint8", "int32", "uint64", "float32")  # one of each kind, where each takes a while
METRICS = ("lines", "accesses", "misses", "mispredictions", "invalidations:2")


def counted(metric, fn, args):
    """Return a metric, and the outcome of the run."""
    return watched(fn, args) if metric == "lines" else metrics.measure(metric, fn, args)


# Outcomes


def differences(x, y):
    total = 0
    for i in range(x.size):
        total += abs(int(x[i]) - int(y[i]))
    return total


def wrapping(x, y):
    found = 0
    for i in range(x.size - 1):
        if x[i] * 1 < y[i + 1] and x[i] + x[i + 1] > y[i]:
            found += 1
    return found


def total(x, y):
    acc = x[0]
    for i in range(1, x.size):
        acc = acc + x[i]
    return acc


def divided(x, y):
    with_zero = x[0] * 0
    return 1.0 / float(x[1] + 1), x[1] // (y[1] + y[1] + 1), x[3] % (y[2] + y[2] + 1), 1.0 / (with_zero + 0.0)


def large(x, y):
    h = 1 << 64
    for i in range(x.size):
        h = h * 1000003 ^ int(x[i])
    return h, h % 1000, -7 // 2, -7 % 3, 2**100


def written(x, y):
    for i in range(x.size):
        y[i] = x[i] // 2 if x[i] > y[i] else y[i]
    return y[0], y[-1]


def of_everything(x, y):
    values = [v for v in x]  # noqa: C416
    pairs = sorted(zip(values, y.tolist(), strict=True), key=operator.itemgetter(0))
    table = {int(k): v for k, v in pairs}
    first, *rest = pairs
    table[7] = len(rest)
    text = f"{sum(int(k) for k in table)}"
    return text, min(values), max(values) > first[0], len(set(values)), 3 in table, np.sum(x), x.max()


def sides(x, y):
    both = np.minimum(x, y) + np.maximum(x, y)
    return both.sum(), (x == y).sum(), both.dtype.kind


FUNCTIONS = [differences, wrapping, total, divided, large, written, of_everything, sides]
UNBRANCHED = (of_everything,)  # what sorts and searches out of sight is refused there


def inputs(dtype):
    rng = np.random.default_rng(3)
    numbers = rng.integers(0, 120, (2, 20))
    numbers[:, 4] = 127, 3
    return tuple(row.astype(dtype) for row in numbers)


def same(a, b):
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (a != a and b != b)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("fn", FUNCTIONS, ids=lambda fn: fn.__name__)
def test_a_plain_function_is_counted_as_python_computes(fn, metric):
    if metric == "mispredictions" and fn in UNBRANCHED:
        pytest.skip("refused: see test_branch_kernel")
    for dtype in DTYPES if metric == "lines" else FEW:
        truly, ours = inputs(dtype), inputs(dtype)
        called = fn
        if metric.startswith("invalidations"):

            def called(me, x, y):
                return fn(x.copy(), y.copy()) if me == 0 else None

        try:
            expected = fn(*truly)
        except (TypeError, ZeroDivisionError, OverflowError):
            with pytest.raises((TypeError, ZeroDivisionError, OverflowError)):
                counted(metric, called, ours)
            continue
        _, result = counted(metric, called, ours)
        if metric.startswith("invalidations"):
            result, ours = result[0], truly
        assert same(result, expected), f"{dtype}: {result}, {expected}"
        assert all(map(np.array_equal, ours, truly)), dtype


def wrapped_sum(x):
    return x[0] - x[1], np.sum(x) - x[0] * 2, -x[0], x[0] // 3, (x + 1)[0]


def in_a_list(x):
    values = [v - x[0] for v in x]
    values.append(x[1] - x[0])
    return values[0] + values[1] - values[-1], len(values)


@pytest.mark.parametrize("fn", [wrapped_sum, in_a_list])
def test_a_compiled_function_is_counted_as_numba_computes(fn):
    compiled = njit(fn)
    for dtype in FEW:
        x = np.array([3, 100, 5, 120], dtype)
        expected = compiled(x.copy())
        for metric in ("lines", "accesses", "misses") if dtype == "uint8" else ("lines",):
            assert counted(metric, compiled, (x.copy(),))[1] == expected, (dtype, metric)


def test_an_honest_plain_answer_on_bytes_gets_all_points():
    def make(rng, n=100):
        return rng.integers(0, 255, n).astype(np.uint8), rng.integers(0, 255, n).astype(np.uint8)

    def darker(x, y):
        found = 0
        for i in range(x.size):
            found += int(x[i]) - int(y[i]) < 0
        return found

    def reference(x, y):
        return int((x.astype(int) < y.astype(int)).sum())

    assert check.correct(darker, against=reference, on=[make], points=2) == 2
    for metric, zero, full in (("mispredictions", 100, 10), ("accesses", 400, 200), ("lines", 100, 5)):
        assert check.counts(darker, metric, on=make, zero=zero, full=full, points=2) == 2


def test_lists_among_the_arguments_end_up_as_a_true_call_leaves_them():
    def fill(values, rows):
        values.append(3)
        rows[0][1] = 5
        rows.append(rows[0])

    values, rows = [1], [np.zeros(2)]
    metrics.measure("accesses", fill, (values, rows))
    assert values == [1, 3]
    assert len(rows) == 2
    assert rows[0][1] == 5


# Work that is out of no sight: n elements and n * n looks at them, wherever they are


def looks(values, n):
    found = 0
    for i in range(n):
        for j in range(n):
            found += values[i] < values[j]
    return found


def in_comprehension(x):
    return looks([v for v in x], x.size)  # noqa: C416


def in_tolist(x):
    return looks(x.tolist(), x.size)


def in_tuple(x):
    return looks(tuple(x), x.size)


def in_bytes(x):
    return looks(bytes(x.astype(np.uint8)), x.size)


def in_bytearray(x):
    return looks(bytearray(x.astype(np.uint8).tobytes()), x.size)


def in_text(x):
    return looks("".join(chr(int(v)) for v in x), x.size)


def in_array(x):
    return looks(array.array("q", x.tolist()), x.size)


def in_deque(x):
    return looks(deque(x), x.size)


def in_dict(x):
    return looks({k: v for k, v in enumerate(x)}, x.size)  # noqa: C416


def in_chain_map(x):
    return looks(ChainMap({k: v for k, v in enumerate(x)}), x.size)  # noqa: C416


def in_copy(x):
    return looks(np.array(x.tolist()), x.size)


def by_loops(x):
    values = list(x)
    return sum(a < b for a in values for b in values)


def by_index(x):
    values = sorted(x)
    return sum(values.index(v) for v in x)


def by_map(x):
    values = x.tolist()
    return sum(map(values.index, values))


def by_max(x):
    values = [*x]
    return sum(max(values) for _ in values)


def by_in(x):
    values = list(x)
    return sum(v + 1 in values for v in values)


def by_slices(x):
    values = list(x)
    return sum(len(values[i:]) for i in range(len(values)))


def by_getter(x):
    values = x.tolist()
    return sum(operator.getitem(values, i) for i in range(len(values)))


def by_partial(x):
    last = partial(reduce, max, x.tolist())
    return sum(last() for _ in range(x.size))


def by_large_integers(x):
    seen, found = 0, 0
    for _ in range(64):
        for v in x.tolist():
            seen |= 1 << 64 * v
            found += seen & 1
    return found


def by_closures(x):
    def cell(value, rest):
        return lambda limit: (value < limit) + (rest(limit) if rest else 0)

    last = None
    for v in x:
        last = cell(v, last)
    return sum(last(v) for v in x)


def by_pairs(x):
    chain = None
    for v in x:
        chain = v, chain
    found = 0
    for v in x:
        rest = chain
        while rest is not None:
            value, rest = rest
            found += value < v
    return found


def by_iterators(x):
    values = x.tolist()
    found = 0
    for _ in values:
        moving = iter(values)
        while next(moving, None) is not None:
            found += 1
    return found


def by_generators(x):
    def through(values):
        yield from values

    values = x.tolist()
    return sum(1 for _ in values for _ in through(values))


def by_insertion(x):
    values = []
    for v in x:
        values.insert(0, v)
    return len(values)


def by_unpacking(x):
    rows = [tuple(x) for _ in range(3)]
    found = 0
    for _ in x:
        for first, *_others in rows:
            found += first
    return found


HIDING = [value for name, value in globals().items() if name.startswith(("in_", "by_")) and name != "in_a_list"]


@pytest.mark.parametrize("fn", HIDING, ids=lambda fn: fn.__name__)
def test_all_pairs_are_counted_wherever_the_numbers_are(fn):
    few, many = np.arange(1, 17), np.arange(1, 65)
    counts = [metrics.measure("accesses", fn, (x,))[0] for x in (few, many)]
    least = 1 if fn is not by_getter else 0.9
    assert counts[1] >= 64 * 64 * least / (2 if fn in (by_slices, by_insertion) else 1)
    assert counts[1] / counts[0] > (9 if fn is not by_slices else 8)


@pytest.mark.parametrize("make", [lambda x: [v for v in x], lambda x: list(x), lambda x: sorted(x)])  # noqa: C416
def test_compiled_code_hides_nothing_in_lists(make):
    build = njit(make)

    @njit
    def pairs(x):
        values = build(x)
        found = 0
        for i in range(len(values)):
            for j in range(len(values)):
                found += values[i] < values[j]
        return found

    x = np.arange(20)
    count, result = metrics.measure("accesses", pairs, (x,))
    assert result == 190
    assert count >= 2 * 400


def test_a_list_has_lines_as_an_array_has():
    def transposed(x):
        values = x.ravel().tolist()
        n = x.shape[0]
        found = 0.0
        for j in range(n):
            for i in range(n):
                found += values[i * n + j]
        return found

    x = np.ones((128, 128))
    assert watched(transposed, (x,))[0] > 128 * 128


def test_steps_that_a_heap_need_not_make_are_not_counted():
    def by_heap(x):
        heap = []
        for v in x:
            heapq.heappush(heap, v)
        return heapq.heappop(heap)

    x = np.arange(256)
    assert metrics.measure("accesses", by_heap, (x,))[0] < 256 * 12


def test_the_last_of_a_list_is_popped_in_one_step_and_the_first_moves_all():
    def pops(x, place):
        values = x.tolist()
        while values:
            values.pop(place)

    def pops_the_last(x):
        values = x.tolist()
        while values:
            values.pop()

    x = np.arange(64)
    first, last, plain = (
        metrics.measure("accesses", fn, args)[0]
        for fn, args in ((pops, (x, 0)), (pops, (x, -1)), (pops_the_last, (x,)))
    )
    assert last == plain < 64 * 4
    assert first > last + 64 * 64 / 4


class Box:
    def __init__(self, x):
        self.values = list(x)

    def least(self):
        return min(self.values)


def in_an_object(x):
    return Box(x).least()


def through_a_view(x):
    return memoryview(x.tobytes())[0]


def renames(x):
    _perflab_load = x[0]
    return _perflab_load


@pytest.mark.parametrize("fn", [in_an_object, through_a_view, renames])
def test_what_cannot_be_counted_is_refused_with_a_sentence(fn):
    with pytest.raises(UntraceableError, match=rf"^{fn.__name__} cannot be traced: .*; (let it|choose)"):
        watched(fn, (np.ones(3),))


@njit
def sorted_by_halves(x):
    if x.size < 2:
        return 0
    middle = x.size // 2
    made = np.empty_like(x)
    made[0] = x[0]
    return sorted_by_halves(x[:middle]) + sorted_by_halves(x[middle:]) + 1


@pytest.mark.parametrize("fn", [sorted_by_halves, sorted_by_halves.py_func])
def test_functions_that_call_themselves_are_counted(fn):
    count, result = metrics.measure("accesses", fn, (np.arange(64),))
    assert result == 63
    assert count == 2 * 63
    assert watched(fn, (np.arange(64),))[1] == 63


# Arrays that NumPy makes out of no watched one. Each maker gets a list of a thousand integers, and makes as many.

RNG = np.random.default_rng(1)
MAKERS = {
    "a scalar type": lambda v: np.int64(v),
    "another one": lambda v: np.float64([v])[0],
    "array": lambda v: np.array(v),
    "asarray": lambda v: np.asarray(v),
    "astype": lambda v: np.array(v).astype(np.float64),
    "fromiter": lambda v: np.fromiter(v, np.int64),
    "frombuffer": lambda v: np.frombuffer(array.array("q", v)),
    "concatenate": lambda v: np.concatenate([v, v]),
    "arange": lambda v: np.arange(len(v)),
    "linspace": lambda v: np.linspace(0, 1, len(v)),
    "full": lambda v: np.full(len(v), 3),
    "sort": lambda v: np.sort(v),
    "where": lambda v: np.where(v, 1, 2),
    "unique": lambda v: np.unique(v, return_counts=True)[0],
    "meshgrid": lambda v: np.meshgrid(v, [1])[0][0],
    "a ufunc": lambda v: np.add(v, 1),
    "a ufunc with two results": lambda v: np.divmod(v, 7)[1],
    "two results, unpacked": lambda v: [part for part in [np.modf(v)] for _, part in [part]][-1],
    "a ufunc's accumulate": lambda v: np.add.accumulate(v),
    "a ufunc's outer": lambda v: np.add.outer(v, [1]).ravel(),
    "a ufunc from a table": lambda v: {"plus": np.add}["plus"](v, 1),
    "an operator": lambda v: np.int64(3) + v,
    "an operator, reflected": lambda v: v - np.int64(3),
    "a comparison": lambda v: np.int64(3) <= v,
    "an operator as a function": lambda v: operator.add(np.int64(3), v),
    "sum": lambda v: sum([v, v], np.int64(0)),
    "accumulate": lambda v: list(itertools.accumulate([v, v], initial=np.int64(0)))[-1],
    "reduce": lambda v: reduce(operator.add, [v, v], np.int64(0)),
    "reduce of a ufunc": lambda v: reduce(np.add, [v, v]),
    "map of a type": lambda v: list(map(np.int64, [v, v]))[-1],
    "map of a type, for a function": lambda v: list(map(lambda each: each, map(np.int64, [v])))[-1],  # noqa: C417
    "starmap of a type": lambda v: next(itertools.starmap(np.int64, [(v,)])),
    "a partial type": lambda v: partial(np.int64, v)(),
    "a partial method": lambda v: partial(RNG.integers, 0, 9, 1000)(),
    "a loop over what makes": lambda v: [each for each in map(np.array, [v])][-1],  # noqa: C416
    "a list comprehension": lambda v: [np.int64(v) for _ in (1,)][-1],
    "a generator's method": lambda v: RNG.integers(0, 9, len(v)),
    "a generator's permutation": lambda v: RNG.permutation(v),
    "a generator of one's own": lambda v: np.random.default_rng(3).random(len(v)),
    "an older generator": lambda v: np.random.RandomState(3).normal(size=len(v)),
    "a function of numpy.random": lambda v: np.random.randint(0, 9, len(v)),
    "a generator's method, mapped": lambda v: list(map(RNG.random, [len(v)]))[-1],
    "a scalar's method": lambda v: np.int64(3).repeat(len(v)),
    "a type's method": lambda v: np.int64.repeat(np.int64(3), len(v)),
    "an indexed maker": lambda v: np.r_[0:1000],
    "a grid": lambda v: np.mgrid[0:1000],
    "a field of an object": lambda v: np.polynomial.Polynomial(v).coef,
    "a call of an object": lambda v: np.polynomial.Polynomial([1, 2])(v),
    "a call of a vectorized function": lambda v: np.vectorize(lambda each: each + 1)(v),
    "linalg": lambda v: np.linalg.norm([v], axis=0),
    "fft": lambda v: np.fft.fft(v).real,
}


@pytest.mark.parametrize("name", MAKERS)
def test_an_array_is_watched_whatever_makes_it(name):
    make, values = MAKERS[name], list(range(1000))

    def passes(v):
        made = make(v)
        found = 0
        for _ in range(5):
            for i in range(1000):
                found += made[i] > 0
        return found

    assert metrics.measure("accesses", passes, (values,))[0] >= 5 * 1000
    least = 5 * 1000 * make(values)[:1].itemsize // 64
    assert watched(passes, (values,))[0] >= least


def a_flat_iterator(x):
    return np.broadcast([1, 2], [[3], [4]]).iters[0]


def an_iterator(x):
    return np.nditer([1, 2]).operands


def a_matrix(x):
    return np.asmatrix([[1]])


def a_buffer(x):
    return np.bytes_(b"abc").data


@pytest.mark.parametrize("fn", [a_flat_iterator, an_iterator, a_matrix, a_buffer])
def test_what_gets_at_elements_out_of_sight_is_refused(fn):
    with pytest.raises(UntraceableError, match="keeps memory that cannot be watched"):
        watched(fn, (np.ones(3),))


def reads_backwards(row):
    return list(reversed(row))


def leaves_a_dictionary(row):
    known = dict.fromkeys(row)
    del known[3]
    return len(known)


def takes_another_turn(row):
    order = OrderedDict.fromkeys(row)
    order.move_to_end(3)
    return list(order)[-1]


@pytest.mark.parametrize(
    ("fn", "count"), [(reads_backwards, 100), (leaves_a_dictionary, 101), (takes_another_turn, 100 + 1 + 100 + 1)]
)
def test_what_python_does_in_one_step_counts_as_one(fn, count):
    assert counted("accesses", fn, (list(range(100)),)) == (count, fn(list(range(100))))


def test_looking_back_with_a_dictionary_and_a_set_reads_all_that_it_looks_at():
    def look(row):
        last = {}
        for k, value in enumerate(row):
            last[value] = k
        return len(set(row[last[0] + 1 :]))

    assert counted("accesses", look, (list(range(100)),))[0] == 100 + 100 + 1 + 99 + 99


# Sorts and searches of libraries


def sorted_by_numpy(x):
    return np.sort(x)[0]


def ordered(x):
    return x[np.argsort(x)[0]]


def sorted_in_place(x):
    x.sort()
    return x[0]


def sorted_by_python(x):
    return sorted(range(x.size), key=x.__getitem__)[0]


def sorted_list(x):
    values = x.tolist()
    values.sort()
    return values[0]


def smallest(x):
    return heapq.nsmallest(x.size, x.tolist())[0]


def distinct(x):
    return np.unique(x)[0]


@pytest.mark.parametrize(
    "fn", [sorted_by_numpy, ordered, sorted_in_place, sorted_by_python, sorted_list, smallest, distinct]
)
def test_a_sort_costs_its_rounds(fn):
    numbers = np.random.default_rng(4).permutation(1024)
    assert 2 * 10 * 1024 <= metrics.measure("accesses", fn, (numbers,))[0] <= 2 * 12 * 1024


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: np.interp(x, x, x),
        lambda x: np.digitize(x, x),
        lambda x: np.isin(x, x),
        lambda x: np.argpartition(x, 3),
        lambda x: np.searchsorted(x, x),
    ],
)
def test_a_search_of_many_values_is_refused(fn):
    with pytest.raises(UntraceableError, match="write it as a loop"):
        metrics.measure("accesses", fn, (np.arange(9),))
