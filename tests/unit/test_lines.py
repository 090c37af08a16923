"""Lines fetched, against counts made by hand and against an independent, slower count of explicit addresses."""

import mmap
from collections import namedtuple

import numba
import numpy as np
import pytest
from numba import njit, prange
from numba.experimental import jitclass
from tempo import within

from perflab.models.lines import UntraceableError, fetched

PAGE = 4096
ENTITY = np.dtype([(name, np.float32) for name in (*"xy", "vx", "vy", *"abcdefghijkl")])
SMALL = np.dtype([(name, np.float32) for name in ("x", "y", "vx", "vy")])
Parts = namedtuple("Parts", "x y vx vy")
TABLE = np.arange(1000.0)
DT = np.float32(0.5)


def brute_force(accesses, line=64, kept=64):
    """Count fetches of a list of (address, bytes): the store is a plain list, oldest first."""
    store, count = [], 0
    for address, size in accesses:
        for byte in range(address, address + size):
            if byte > address and byte // line == (byte - 1) // line:
                continue
            number = byte // line
            if number in store:
                store.remove(number)
            else:
                count += 1
            store.append(number)
            del store[:-kept]
    return count


@njit
def advance_records(table, dt):
    for i in range(table.size):
        table[i].x += table[i].vx * dt
        table[i].y += table[i].vy * dt


@njit
def advance_parts(parts, dt):
    x, y, vx, vy = parts
    for i in range(x.size):
        x[i] += vx[i] * dt
        y[i] += vy[i] * dt


@njit
def total(x):
    acc = 0.0
    for i in range(x.size):
        acc += x[i]
    return acc


@njit
def parallel_total(x):
    acc = 0.0
    for i in prange(x.size):
        acc += x[i]
    return acc


@njit
def move(x, v, i, dt):
    x[i] += v[i] * dt


@njit
def two_passes(x, v, dt):
    for i in range(x.size):
        move(x, v, i, dt)
    for i in range(x.size):
        x[i] *= 2


@njit
def fused(x, v, dt):
    for i in range(x.size):
        move(x, v, i, dt)
        x[i] *= 2


@njit
def row_order(a):
    acc = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            acc += a[i, j]
    return acc


@njit
def column_order(a):
    acc = 0.0
    for j in range(a.shape[1]):
        for i in range(a.shape[0]):
            acc += a[i, j]
    return acc


def entities(dtype, n, rng):
    return rng.random((n, len(dtype)), np.float32).view(dtype)[:, 0]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# Layouts


def test_records_of_a_line_cost_a_line_each(rng):
    assert fetched(advance_records, (entities(ENTITY, 2000, rng), DT)) == 2000


def test_records_of_16_bytes_share_a_line_by_four(rng):
    assert fetched(advance_records, (entities(SMALL, 2000, rng), DT)) == 500


@pytest.mark.parametrize("pack", [tuple, lambda arrays: Parts(*arrays), list])
def test_structure_of_arrays_fetches_only_what_it_uses(rng, pack):
    parts = pack([rng.random(2000, np.float32) for _ in range(4)])
    assert fetched(advance_parts, (parts, DT)) == 4 * 2000 * 4 // 64


@pytest.mark.parametrize("itemsize", [48, 100, 188, 260])
def test_records_that_straddle_lines(itemsize):
    dtype = np.dtype({"names": ["x"], "formats": [np.float64], "offsets": [28], "itemsize": itemsize})

    def touch(table):
        for i in range(len(table)):
            table[i].x = 1

    accesses = [(PAGE + i * itemsize + 28, 8) for i in range(50)]
    assert any(at % 64 > 56 for at, _ in accesses)
    assert fetched(touch, (np.zeros(50, dtype),)) == brute_force(accesses)
    assert fetched(lambda table: table["x"].sum(), (np.zeros(50, dtype),)) == brute_force(accesses)


def test_an_element_over_two_lines_touches_both():
    packed = np.dtype([("pad", np.uint8, 60), ("x", np.float64)])
    assert fetched(lambda table: table[0].x, (np.zeros(1, packed),)) == 2
    assert fetched(lambda table: table[0]["pad"][3], (np.zeros(1, packed),)) == 1


def test_count_does_not_depend_on_where_the_buffer_lies(rng):
    n = 1000
    counts = set()
    for _ in range(20):
        keep = np.empty(rng.integers(1, 9999))  # moves the next allocation
        counts.add(fetched(total, (np.ones(n, np.float32),)))
        del keep
    assert counts == {63}


# Replacement


@pytest.mark.parametrize("kept", [1, 3, 8, 64])
@pytest.mark.parametrize("line", [32, 64, 128])
def test_random_gathers_match_the_brute_force_count(rng, line, kept):
    x, index = np.ones(1500), rng.integers(-1500, 1500, 600)

    def gather(x, index):
        acc = 0.0
        for k in range(index.size):
            acc += x[index[k]]
        return acc

    x_at, index_at = 1 << 20, 2 << 20
    accesses = []
    for k, i in enumerate(index.tolist()):
        accesses += [(index_at + 8 * k, 8), (x_at + 8 * (i % 1500), 8)]
    assert fetched(gather, (x, index), line=line, kept=kept) == brute_force(accesses, line, kept)


def test_two_passes_fetch_a_long_array_twice_and_one_fused_pass_once():
    x, v = np.ones(2000), np.ones(2000)
    assert fetched(two_passes, (x, v, 0.5)) == 250 + 250 + 250
    assert fetched(fused, (x, v, 0.5)) == 250 + 250


def test_a_short_array_stays():
    assert fetched(two_passes, (np.ones(80), np.ones(80), 0.5)) == 20
    assert fetched(lambda x: [total(x), total(x)], (np.ones(64 * 8),)) == 64
    assert fetched(lambda x: [total(x), total(x)], (np.ones(65 * 8),)) == 130


def test_two_dimensional_orders():
    a = np.ones((128, 64))  # a row is 8 lines; a column touches 128 lines, more than are kept
    assert fetched(row_order, (a,)) == 1024
    assert fetched(column_order, (a,)) == 8192
    assert fetched(column_order, (np.asfortranarray(a),)) == 1024
    assert fetched(column_order, (a,), kept=128) == 1024


# Forms of access


def test_values_are_real_and_arguments_are_mutated(rng):
    table = entities(ENTITY, 100, rng)
    expected = table.copy()
    advance_records(expected, DT)
    fetched(advance_records, (table, DT))
    np.testing.assert_array_equal(table, expected)


def test_negative_indexes():
    def ends(x):
        x[-1] = x[0] + x[np.int64(-2)]

    x = np.arange(100.0)
    assert fetched(ends, (x,)) == 2  # bytes 0, 784 and 792
    assert x[-1] == 98


@pytest.mark.parametrize("index", [0, np.int8(0), np.uint64(0), (0,), (np.uintp(0),)])
def test_any_integer_indexes(index):
    assert fetched(lambda x: x[index], (np.ones(9),)) == 1


def test_slices_are_views_of_the_same_lines():
    def halves(x):
        return total(x[:40]) + total(x[32:]) + total(x[::-1])

    assert fetched(halves, (np.ones(80),)) == 10
    assert fetched(lambda x: total(x[::16]), (np.ones(160),)) == 10


def test_two_arguments_may_view_one_buffer():
    x = np.ones(160)
    assert fetched(lambda a, b: total(a) + total(b), (x[:100], x[60:])) == 20
    assert fetched(lambda a, b: total(a) + total(b), (x, x.copy())) == 40


def test_views_of_one_foreign_buffer_share_lines():
    with mmap.mmap(-1, 1 << 13) as memory:
        a, b = np.frombuffer(memory, np.float64, 100), np.frombuffer(memory, np.float64, 100, offset=64 * 10)
        assert fetched(lambda a, b: total(a) + total(b), (a, b)) == 23  # lines 0-12 and 10-22
        del a, b


def test_rows_and_columns_as_views():
    a = np.ones((16, 64))
    assert fetched(lambda a: total(a[3]), (a,)) == 8
    assert fetched(lambda a: total(a[:, 3]), (a,)) == 16
    assert fetched(lambda a: total(a.T[3]), (a,)) == 16


def test_iteration_and_length():
    def walk(x):
        acc = 0.0
        for value in x:
            acc += value
        for i in range(len(x)):
            acc += x[i]
        return acc

    assert fetched(walk, (np.ones(80),)) == 10


def test_every_way_to_a_field(rng):
    def fields(table):
        table[0].x = 1
        table[1]["x"] += 2
        table["x"][2] = 3
        table.x[3] = 4
        record = table[-1]
        record.x = record["y"] + 5
        for each in table:
            each.vx = 6

    table = np.zeros(6, ENTITY)
    assert fetched(fields, (table,)) == 6
    assert table["x"].tolist() == [1, 2, 3, 4, 0, 5]
    assert table["vx"].tolist() == [6] * 6


def test_nested_fields():
    dtype = np.dtype([("position", np.float32, 3), ("bounds", [("low", np.float64), ("high", np.float64)])])

    def touch(table):
        for i in range(table.size):
            table[i].position[1] += 1
            table[i].bounds.high = table[i].bounds.low + 2

    table = np.zeros(32, dtype)  # 28 bytes each
    accesses = []
    for at in range(PAGE, PAGE + table.nbytes, 28):
        accesses += [(at + 4, 4), (at + 12, 8), (at + 20, 8)]
    assert fetched(touch, (table,)) == brute_force(accesses)
    assert (table["position"][:, 1] == 1).all()
    assert (table["bounds"]["high"] == 2).all()


def test_assigning_whole_records_touches_all_their_bytes():
    table = np.zeros(4, np.dtype([("x", np.float64, 32)]))  # 4 lines each

    def copy(table):
        table[1] = table[0]

    assert fetched(copy, (table,)) == 8


def test_functions_and_closures_are_traced():
    data = np.ones(160)

    @njit
    def inner(i):
        return data[i]

    @njit
    def outer(n):
        acc = 0.0
        for i in range(n):
            acc += inner(i)
        return acc

    assert fetched(outer, (160,)) == 20
    assert fetched(lambda fn, x: fn(x), (total, data)) == 20
    assert fetched(lambda i: TABLE[i], (999,)) == 1


def test_recursion():
    @njit
    def recursive(x, lo, hi):
        if hi - lo == 1:
            return x[lo]
        middle = (lo + hi) // 2
        return recursive(x, lo, middle) + recursive(x, middle, hi)

    assert fetched(recursive, (np.ones(80), 0, 80)) == 10


def test_parallel_loops_run_in_order():
    assert fetched(parallel_total, (np.ones(80),)) == 10
    assert fetched(lambda x: [x[i] for i in numba.prange(x.size)], (np.ones(80),)) == 10


# Whole arrays

X = 1600  # float64: 200 lines


@pytest.mark.parametrize(
    ("operation", "lines"),
    [
        (lambda x, y: np.sum(x), 200),
        (lambda x, y: x.sum(), 200),
        (lambda x, y: x.mean() + y.max(), 400),
        (lambda x, y: np.dot(x, y), 400),
        (lambda x, y: np.add.reduce(x), 200),
        (lambda x, y: x + y, 600),  # and the result
        (lambda x, y: np.add(x, y, out=x), 400),
        (lambda x, y: np.add(x, y, x), 400),
        (lambda x, y: -x * 2, 200 + 200 + 200 + 200),  # a temporary array is written, then read
        (lambda x, y: np.sqrt(x[::16]), 100 + 13),
        (lambda x, y: x.copy(), 400),
        (lambda x, y: x.fill(0), 200),
        (lambda x, y: np.copyto(x, y), 400),
        (lambda x, y: np.where(x, x, y), 800),
        (lambda x, y: x.reshape(40, 40).T.shape, 0),
        (lambda x, y: np.asarray(x).ravel(), 0),
        (lambda x, y: x.reshape(40, 40).sum(axis=1), 200 + 5),
        (lambda x, y: np.empty_like(x), 0),
        (lambda x, y: np.zeros(1600), 200),
        (lambda x, y: np.zeros_like(x), 200),
        (lambda x, y: np.cumsum(x, out=y), 400),
        (lambda x, y: x > 0, 200 + 25),
        (lambda x, y: x[np.ones(1600, bool)], 25 + 200 + 200),  # the mask is still there when it is read
        (lambda x, y: x[np.arange(0, 1600, 16)], 13 + 100 + 13),
    ],
)
def test_whole_array_operations(operation, lines):
    assert fetched(operation, (np.ones(X), np.ones(X))) == lines


def test_in_place_arithmetic():
    def advance(x, v, dt):
        x += v * dt

    def advance_slice(x, v):
        x[:] += v

    def assign(x, v):
        x[:] = v
        x[4:8] = 2

    x, v = np.ones(X), np.ones(X)
    assert fetched(advance, (x, v, 0.5)) == (200 + 200) + (200 + 200)
    assert (x == 1.5).all()
    assert fetched(advance_slice, (x, v)) == 400  # NumPy does not copy the slice onto itself
    assert (x == 2.5).all()
    assert fetched(assign, (x, v)) == 401
    assert x[3:9].tolist() == [1, 2, 2, 2, 2, 1]


def test_in_place_arithmetic_on_a_field():
    def advance(table, dt):
        table["x"] += table["vx"] * dt

    table = np.ones(100, ENTITY)
    # Both fields lie in the same 100 lines, which are gone when they are needed again, as is the temporary array.
    assert fetched(advance, (table, DT)) == (100 + 7) + (100 + 7)
    assert (table["x"] == 1.5).all()


def test_masked_assignment():
    def clear(x, mask):
        x[mask] = 0

    x = np.ones(640)
    assert fetched(clear, (x, np.arange(640) % 16 == 0)) == 10 + 40
    assert x.sum() == 600


def test_element_wise_operations_touch_their_operands_side_by_side():
    x, y = np.ones(50 * 8), np.ones(50 * 8)
    # Apart, x would be gone when it is written; side by side 100 lines are fetched once.
    assert fetched(lambda x, y: np.add(x, y, out=x), (x, y)) == 100


def test_broadcasting():
    assert fetched(lambda a, row: np.add(a, row, out=a), (np.ones((100, 8)), np.ones(8))) == 101
    assert fetched(lambda a: np.add(a, 1, out=a), (np.asfortranarray(np.ones((100, 80))),)) == 1000


def test_arrays_that_the_function_makes():
    def scratch(x):
        y = np.empty(x.size)
        for i in range(x.size):
            y[i] = x[i]
        return y[-1]

    def fresh_each_time(n):
        acc = 0.0
        for i in range(n):
            pair = np.empty(2)
            pair[0] = i
            acc += pair[0]
        return acc

    assert fetched(scratch, (np.ones(80),)) == 20
    # The memory of a dropped array is used again: two places, as one array is made before the last is dropped.
    assert fetched(fresh_each_time, (50,)) == 2


# Refusals


@jitclass([("x", numba.float64[:])])
class Holder:
    def __init__(self, x):
        self.x = x


def loop_over_ctypes(x):
    return x.ctypes.data


def partial_function(x):
    return np.searchsorted(x, 1.0)


def unbuffered(x):
    np.add.at(x, [0, 0], 1)


def out_of_bounds(x):
    return x[x.size]


def makes_jitclass(x):
    return Holder(x)


def leaves_numpy(x):
    return memoryview(x)


@pytest.mark.parametrize(
    "fn",
    [loop_over_ctypes, partial_function, unbuffered, out_of_bounds, makes_jitclass, leaves_numpy, len, Holder],
)
def test_what_cannot_be_traced_says_so(fn):
    with pytest.raises(UntraceableError, match=rf"^{fn.__name__} cannot be traced: .*; let it use only"):
        fetched(fn, (np.ones(3),))


def test_the_line_that_stands_in_the_way_is_named():
    with pytest.raises(UntraceableError, match=r"line \d+, `return np\.searchsorted\(x, 1\.0\)`"):
        fetched(partial_function, (np.ones(3),))


@pytest.mark.parametrize(
    "hidden",
    [
        object(),
        np.array([None]),
        np.ma.masked_array([1.0]),
        (1, [object()]),
        np.random.default_rng(),
        numba.typed.List([1]),
        np.zeros(1, ENTITY)[0],
    ],
    ids=lambda value: type(value).__name__,
)
def test_arguments_with_memory_out_of_sight_are_refused(hidden):
    with pytest.raises(UntraceableError, match=r"^total cannot be traced: .*cannot be watched"):
        fetched(total, (hidden,))


@pytest.mark.parametrize("wrong", [{"line": 0}, {"kept": 0}])
def test_sizes_must_be_positive(wrong):
    with pytest.raises(ValueError, match="positive"):
        fetched(total, (np.ones(3),), **wrong)


@pytest.mark.filterwarnings("error")
def test_overflow_is_silent():
    def overflow(x):
        return x[0] + x[1] / np.float64(0)

    fetched(overflow, (np.full(2, 3e38, np.float32),))
    fetched(lambda x: x[0] + x[1], (np.full(2, 127, np.int8),))


def test_a_trace_is_quick():
    with within(5):  # about 0.1 s on an idle machine
        fetched(total, (np.ones(200_000),))


def test_a_watched_array_is_an_array_to_who_asks():
    def careful(x):
        assert isinstance(x, np.ndarray)
        assert not isinstance(x[0], np.ndarray)
        assert x.flags.c_contiguous
        assert isinstance(np.empty(2), (list, np.ndarray))
        return sum(x[i] for i in range(x.size))

    assert fetched(careful, (np.ones(1000),)) == 125


def test_an_array_that_nobody_would_watch_is_refused():
    with pytest.raises(UntraceableError, match="use np\\.empty"):
        fetched(lambda x: np.ndarray(3), (np.ones(3),))


TURNS = {
    "copy": lambda x: x.T.copy(),
    "array": lambda x: np.array(x.T, order="C"),
    "in_order": lambda x: np.ascontiguousarray(x.T),
    "astype": lambda x: x.T.astype(np.float64, order="C"),
    "ravel": lambda x: x.T.ravel(),
    "flatten": lambda x: x.T.flatten(),
    "by_columns": lambda x: x.ravel("F"),
    "reshape": lambda x: x.T.reshape(-1),
    "repeat": lambda x: np.repeat(x.T, 1, 0),
    "column_stack": lambda x: np.column_stack(x),
    "stack": lambda x: np.stack(list(x), axis=1, dtype=np.float64),
    "bytes": lambda x: bytes(x.T),
    "tobytes": lambda x: x.tobytes("F"),
    "tolist": lambda x: x.T.tolist(),
    "columns": lambda x: np.concatenate([x[:, 0], x[:, 1], x[:, 2], x[:, 3], x[:, 4:].T.ravel()]),
}


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_a_copy_of_a_turned_array_reads_down_its_columns(turn):
    x = np.arange(256 * 16, dtype=np.float32).reshape(256, 16)  # a row is a line
    lines = fetched(turn, (x,))
    assert lines >= x.size  # a column has more lines than are kept, so each read fetches one


def test_a_copy_in_order_reads_each_line_once():
    x = np.arange(256 * 16, dtype=np.float32).reshape(256, 16)
    for turn in (
        lambda x: x.copy(),
        lambda x: np.array(x.T),
        lambda x: x[::-1].copy(),
    ):
        assert fetched(turn, (x,)) == 512
    assert fetched(lambda x: np.pad(x, ((0, 0), (0, 16))), (x,)) == 256 + 512
    assert fetched(lambda x: np.append(x, 7.0), (x,)) == 256 + 513


@pytest.mark.parametrize("write", [lambda x, y: np.copyto(y, x.T), lambda x, y: np.stack(list(x), axis=1, out=y)])
def test_what_is_copied_into_an_array_is_read_in_the_order_of_that_one(write):
    x, y = np.arange(256 * 16, dtype=np.float32).reshape(256, 16), np.zeros((16, 256), np.float32)
    assert fetched(write, (x, y)) >= x.size
    assert np.array_equal(y, x.T)


@pytest.mark.parametrize(
    "multiply",
    [lambda x: x.T @ np.eye(8), lambda x: np.einsum("ij->ji", x) * 1, lambda x: np.inner(np.eye(8), x.T)],
)
def test_products_of_matrices_are_refused(multiply):
    with pytest.raises(UntraceableError, match="reads a matrix more than once"):
        fetched(multiply, (np.ones((8, 8)),))


def test_lists_that_fill_an_array_are_read():
    def fill(x, rows):
        x[...] = rows

    rows = [[float(i) for i in range(32)] for _ in range(4)]  # a row of numbers is four lines
    assert fetched(fill, (np.zeros((4, 32)), rows)) == 16 + 16 + 1
