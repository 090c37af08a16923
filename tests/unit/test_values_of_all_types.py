"""Comparisons of every type that may cross: equal is equal, another value is not, and nothing raises."""

import itertools
import warnings

import numpy as np
import pytest

from perflab.check.values import copy, difference, materialize

NUMBERS = [*"?bBhHiIlLqQ", "e", "f", "d", "g", "F", "D", "G", ">f4", ">i8", ">c8"]
OTHERS = ["<U1", "<U3", "S5", "S8", ">U2", "V3", "V8", "V12", "M8[s]", "M8[D]", "m8[ms]", "m8[Y]"]
RECORDS = [
    [("a", "<i4"), ("b", "<f8")],
    [("a", "<f4", 3)],
    [("a", "i1"), ("b", "<f8"), ("c", "<U3")],
    [("a", "<c8"), ("b", [("c", "?"), ("d", "<i2")])],
    [("a", "S12")],
]
TYPES = [np.dtype(one) for one in [*NUMBERS, *OTHERS, *RECORDS]]
TYPES.append(np.dtype([("a", "i1"), ("b", "<f8")], align=True))
SHAPES = [(), (0,), (1,), (2,), (3,), (8,), (2, 3), (2, 0), (2, 2, 2)]


def filled(dtype: np.dtype, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return an array of small numbers: its bytes are no matter, those of a string are letters."""
    rng = np.random.default_rng(seed)
    if dtype.names:
        array = np.empty(shape, dtype)
        for name in dtype.names:
            array[name] = filled(dtype[name].base, array[name].shape, seed)
        return array
    if dtype.kind in "SU":
        return rng.choice(np.array(["x", "yz", "w"]), shape).astype(dtype)
    if dtype.kind == "V":
        return np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape).copy()
    return rng.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)


@pytest.fixture(autouse=True)
def _no_warnings():
    # nbgrader gives zero to a cell that has written to stderr.
    with warnings.catch_warnings(action="error"):
        yield


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_equal_values_of_every_type_agree(dtype):
    for shape in SHAPES:
        array = filled(dtype, shape, 1)
        for other in (array.copy(), copy(array), materialize(array), array.copy(order="F"), array[...]):
            assert difference(other, array) is None, shape
        if array.size and shape:
            assert difference(array[0], array[0].copy()) is None
            assert difference((array, [array]), (array.copy(), [array.copy()])) is None


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_another_value_of_every_type_is_a_difference(dtype):
    for shape in SHAPES:
        array = filled(dtype, shape, 1)
        if not array.size:
            continue
        other = array.copy()
        other.reshape(-1).view(f"V{dtype.itemsize}")[-1] = bytes(dtype.itemsize)
        array.reshape(-1)[-1] = np.ones(1, dtype)[0] if dtype.kind not in "V" or dtype.names else b"\1" * 3
        found = difference(other, array)
        assert found is not None, shape
        assert found.startswith("the result"), shape


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_arrays_of_any_two_types_are_compared_without_an_error(dtype):
    for other, shape in itertools.product(TYPES, SHAPES):
        found = difference(filled(other, shape, 1), filled(dtype, shape, 1))
        assert found is None or found.startswith("the result")


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)], ids=str)
@pytest.mark.parametrize("expected", [*"bBhHiIlLqQ"])
@pytest.mark.parametrize("actual", ["e", "f", "d", "g", "F", "D"])
def test_expected_integers_are_exact_whatever_comes_back(actual, expected, shape):
    exact = np.full(shape, 100, expected)
    assert difference(exact.astype(actual), exact) is None
    for wrong in (99, 101, 100.5, np.inf, -np.inf, np.nan, -100, 3e4):
        assert difference(np.full(shape, wrong, actual), exact) is not None
        assert difference([np.full(shape, wrong, actual)], [exact]) is not None


@pytest.mark.parametrize("n", [2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**63) + 1, 2**70 + 1])
def test_large_integers_are_not_rounded(n):
    assert difference(n, n) is None
    assert difference(float(n), n) is not None
    assert difference(np.array([float(n)]), np.array([n])) is not None
    assert difference(np.longdouble(n), n) is None or np.longdouble(n) != n


@pytest.mark.parametrize("expected", ["e", "f", "d", "g", "F", "D", ">f4", ">f8"])
def test_what_is_expected_alone_says_how_close_is_close_enough(expected):
    right = np.array([1.0, 300.0], expected)
    size = right.dtype.itemsize // (2 if right.dtype.kind == "c" else 1)
    tolerance = {2: 1e-2, 4: 1e-5}.get(size, 1e-9)
    for actual in ("e", "f", "d", "g", "F", "D"):
        assert difference(right.real.astype(actual), right) is None
        for factor, same in ((1 + tolerance / 2, True), (1 + 3 * tolerance, False)):
            moved = (right.real.astype("g") * np.longdouble(factor)).astype(actual)
            if (abs(moved[1].real / np.longdouble(300) - 1) <= tolerance) != same:
                continue  # the type that comes back is too coarse to be as near
            assert (difference(moved, right) is None) == same, (actual, factor)
            assert (difference(moved[1], right[1]) is None) == same
            assert (difference((moved,), (right,)) is None) == same


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.float16(1.004), 1.0),
        (np.float32(1 + 1e-6), 1.0),
        (np.float16(1.004), np.float32(1)),
        (np.array([1.004], np.float16), np.array([1.0])),
        (np.array(1.004, np.float16), np.array(1.0)),
        ({"a": [np.float16(1.004)]}, {"a": [1.0]}),
        (np.complex64(1 + 1e-6j), 1 + 0j),
        (1 + 1e-4j, 1.0),
        (complex(np.nan, 1), complex(np.nan, 2)),
        (np.array([(1.004,)], [("x", "e")]), np.array([(1.0,)], [("x", "d")])),
        (np.array([(1.004,)], [("x", "e")])[0], np.array([(1.0,)], [("x", "d")])[0]),
        (10**400, 1e300),
        (np.float16(2048), 2049),
    ],
    ids=str,
)
def test_who_hands_back_another_type_gains_no_tolerance(actual, expected):
    assert difference(actual, expected) is not None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.array([(1 + 1e-12, np.nan)], "d,d")[0], np.array([(1.0, np.nan)], "d,d")[0]),
        (np.str_("a"), "a"),
        ("a", np.str_("a")),
        (np.array("a"), "a"),
        (np.bytes_(b"a"), b"a"),
        (np.datetime64("NaT"), np.datetime64("NaT", "s")),
        (2**70, 2.0**70),
        (2.0**70, 2**70),
        (np.complex64(1 + 1e-6), np.complex64(1)),
        (complex(1e300, 1e300) * (1 + 1e-12), complex(1e300, 1e300)),
        (complex(np.inf, 1), complex(np.inf, 1)),
    ],
    ids=str,
)
def test_honest_values_agree(actual, expected):
    assert difference(actual, expected) is None
