"""What may cross to a function and back, that copies are private, and what a difference reads like."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from perflab.check import oracle
from perflab.check.values import LINE, copy, difference, materialize, oracles, reveal

Pair = namedtuple("Pair", "left right")
RECORD = np.dtype([("id", np.int32), ("x", np.float64)])


@dataclass
class Particle:
    x: float
    trail: np.ndarray


@dataclass(frozen=True)
class Frozen:
    n: int


class EqualToAll:
    def __eq__(self, other):
        return True

    __hash__ = None


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    __hash__ = None


class LyingFloat(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class LyingTuple(tuple):
    __slots__ = ()

    def __eq__(self, other):
        return True

    __hash__ = tuple.__hash__


class LyingList(list):
    __hash__ = None


class LyingNumber(np.float64):
    def __eq__(self, other):
        return True

    __hash__ = np.float64.__hash__


PLAIN = [
    3,
    True,
    2.5,
    1 + 2j,
    None,
    "text",
    b"bytes",
    np.float32(1.5),
    np.int64(7),
    np.bool_(True),
    np.arange(6.0).reshape(2, 3),
    np.array(3.0),
    np.zeros(3, RECORD),
    np.zeros(1, RECORD)[0],
    np.array(["a", "bc"]),
    (1, (2.0, "x")),
    [1, [2]],
    {"a": np.arange(3), ("b", 1): [1]},
    Pair(1, np.arange(2)),
    Particle(1.0, np.arange(3)),
    Frozen(3),
]


def ids(value):
    return type(value).__name__


@pytest.mark.parametrize("value", PLAIN, ids=ids)
def test_plain_data_crosses_both_ways(value):
    for crossed in (copy(value), materialize(value)):
        assert type(crossed) is type(value)
        assert difference(crossed, value) is None


FORBIDDEN = [
    EqualToAll(),
    LyingFloat(1.0),
    LyingTuple((1, 2)),
    LyingList([1]),
    LyingNumber(1.0),
    np.arange(3.0).view(LyingArray),
    np.ma.masked_array([1.0, 2.0], [True, False]),
    np.recarray(2, RECORD),
    np.array([1, None], dtype=object),
    np.array([EqualToAll()]),
    np.zeros(2, [("x", object)]),
    np.zeros(2, [("x", object)])[0],
    OrderedDict(a=1),
    {1, 2},
    range(3),
    (i for i in range(3)),
    map(abs, [1]),
    iter([1]),
    Fraction(1, 2),
    lambda: 1,
    np.add,
    Particle,
    slice(3),
    memoryview(b"xyz")[::2],
]


@pytest.mark.parametrize("value", FORBIDDEN, ids=ids)
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: (1, v), lambda v: {"a": [v]}], ids=["bare", "tuple", "dict"]
)
def test_nothing_with_a_behavior_of_its_own_comes_back(value, wrap):
    with pytest.raises(TypeError, match="the result"):
        materialize(wrap(value))


@pytest.mark.parametrize("value", [EqualToAll(), (i for i in range(3)), np.array([None]), {1}], ids=ids)
def test_a_forbidden_argument_is_named(value):
    with pytest.raises(TypeError, match="the argument"):
        copy((1, value))


def test_a_namedtuple_and_a_dataclass_may_not_hide_what_is_forbidden():
    with pytest.raises(TypeError, match=r"the result\.right is a .*EqualToAll"):
        materialize(Pair(1, EqualToAll()))
    with pytest.raises(TypeError, match=r"the result\.x is a .*EqualToAll"):
        materialize(Particle(EqualToAll(), np.arange(2)))


def test_a_namedtuple_that_lies_about_equality_is_compared_by_its_parts():
    class Liar(Pair):
        __slots__ = ()

        def __eq__(self, other):
            return True

        __hash__ = tuple.__hash__

    assert difference(materialize(Liar(1, 2)), (1, 3)) is not None


def test_a_dataclass_that_lies_about_equality_is_compared_by_its_fields():
    @dataclass(eq=False)
    class Liar:
        n: int

        def __eq__(self, other):
            return True

        __hash__ = None

    assert difference(materialize(Liar(1)), Liar(2)) is not None


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.complex128, RECORD], ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (33,), (5, 7)], ids=str)
def test_a_copied_array_starts_on_a_cache_line_and_shares_nothing(dtype, shape):
    array = np.zeros(shape, dtype)
    twin = copy((array,))[0]
    assert twin.ctypes.data % LINE == 0
    assert not np.shares_memory(twin, array)
    assert (twin.dtype, twin.shape) == (array.dtype, array.shape)


def test_writing_into_a_copy_leaves_the_original():
    args = (np.arange(3), [np.arange(3)], {"a": np.arange(3)}, Particle(0.0, np.arange(3)))
    twins = copy(args)
    for array in (twins[0], twins[1][0], twins[2]["a"], twins[3].trail):
        array[:] = 9
    twins[1].append(1)
    twins[3].x = 5.0
    assert (
        difference(args, (np.arange(3), [np.arange(3)], {"a": np.arange(3)}, Particle(0.0, np.arange(3)))) is None
    )


def test_a_copy_keeps_the_order_of_axes_and_drops_strides():
    assert copy(np.asfortranarray(np.ones((3, 4)))).flags.f_contiguous
    assert copy(np.arange(10)[::2]).flags.c_contiguous
    assert copy(np.arange(10)[::2]).tolist() == [0, 2, 4, 6, 8]


def test_a_copy_has_fresh_oracles_that_count_from_zero():
    asked = oracle(lambda: 1)
    asked()
    twin = copy((asked, [asked]))
    assert [o.calls for o in oracles(twin)] == [0, 0]
    assert asked.calls == 1


def test_reveal_puts_the_object_in_place_of_its_oracle():
    def target():
        return 1

    assert reveal((oracle(target), 2)) == (target, 2)


NAN = float("nan")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0 + 1e-12, 1.0),
        (np.float32(1 + 1e-6), np.float32(1)),
        (NAN, NAN),
        (np.array([1.0, NAN]), np.array([1.0, NAN])),
        (np.inf, np.inf),
        (3, 3.0),
        (np.int64(3), 3),
        (np.float64(3), 3),
        (np.arange(3), np.arange(3, dtype=np.int32)),
        ([1, 2], (1, 2)),
        (np.array([1, 2])[::-1], np.array([2, 1])),
        (np.array(2.0), 2.0),
        ({"a": 1}, {"a": 1}),
        (True, True),
        (np.bool_(True), True),
        (-0.0, 0.0),
    ],
    ids=str,
)
def test_no_difference(actual, expected):
    assert difference(actual, expected) is None


@pytest.mark.parametrize(
    ("actual", "expected", "sentence"),
    [
        (2, 3, "the result is 2; expected 3"),
        (1.0, 1.5, "the result is 1.0; expected 1.5"),
        (1.0 + 1e-6, 1.0, "the result is 1.000001; expected 1.0"),
        (NAN, 1.0, "the result is nan; expected 1.0"),
        (1.0, NAN, "the result is 1.0; expected nan"),
        (np.inf, -np.inf, "the result is inf; expected -inf"),
        (None, 3, "the result is None; expected the number 3"),
        ("3", 3, "the result is '3'; expected the number 3"),
        (3, None, "the result is 3; expected None"),
        ("a", "b", "the result is 'a'; expected 'b'"),
        (b"a", "a", "the result is b'a'; expected 'a'"),
        (1, True, "the result has dtype int64; expected bool"),
        (True, 1, "the result has dtype bool; expected int64"),
        (1.0, True, "the result has dtype float64; expected bool"),
        (
            np.array([1, 0]),
            np.array([True, False]),
            "the result has dtype int64; expected bool",
        ),
        ([1, 2], np.array([1, 2]), "the result is [1, 2]; expected an array of shape (2,)"),
        (np.zeros(3), np.zeros((3, 1)), "the result has shape (3,); expected (3, 1)"),
        (
            np.array([1.0, 5.0, 7.0]),
            np.array([1.0, 2.0, 3.0]),
            "the result[1] is 5.0; expected 2.0 (2 of 3 values differ)",
        ),
        (
            np.array([[0, 1], [2, 3]]),
            np.array([[0, 1], [2, 4]]),
            "the result[1, 1] is 3; expected 4 (1 of 4 values differ)",
        ),
        (np.array([NAN, 1.0]), np.array([1.0, 1.0]), "the result[0] is nan; expected 1.0 (1 of 2 values differ)"),
        (np.array([5.0]), 5.0, "the result is an array of shape (1,) and dtype float64; expected the number 5.0"),
        (5.0, np.array([5.0]), "the result is 5.0; expected an array of shape (1,)"),
        ((1, 2), (1, 3), "the result[1] is 2; expected 3"),
        ((1,), (1, 2), "the result is (1,); expected 2 values: (1, 2)"),
        # What does not fit is not cut off where both are still alike.
        (
            list(range(40)),
            list(range(50)),
            "the result has 40 values where 50 belong; the result[40] is missing; expected 40",
        ),
        (
            [*range(40), 7],
            list(range(40)),
            "the result has 41 values where 40 belong; the result[40] is 7, and nothing belongs there",
        ),
        ([0, 2], list(range(50)), "the result has 2 values where 50 belong; the result[1] is 2; expected 1"),
        (
            [bytes(50), b"a"],
            [bytes(49) + b"b", b"a"],
            "the result[0] has 50 bytes; from byte 49 on it holds b'\\x00', expected b'b'",
        ),
        ((1, (2, 9.0)), (1, (2, 3.0)), "the result[1][1] is 9.0; expected 3.0"),
        ({"a": 1}, {"a": 2}, "the result['a'] is 1; expected 2"),
        ({"a": 1}, {"b": 1}, "the result is {'a': 1}; expected {'b': 1}"),
        (Frozen(1), Frozen(2), "the result['n'] is 1; expected 2"),
        ({"n": 1}, Frozen(1), "the result is {'n': 1}; expected Frozen(n=1)"),
        (
            np.array([(1, 2.0)], RECORD),
            np.array([(1, 2.5)], RECORD),
            "the result['x'][0] is 2.0; expected 2.5 (1 of 1 values differ)",
        ),
        (
            np.zeros(2, [("id", np.int32), ("y", np.float64)]),
            np.zeros(2, RECORD),
            "the result has fields ('id', 'y'); expected ('id', 'x')",
        ),
        (np.array(["a"]), np.array(["b"]), "the result[0] is 'a'; expected 'b' (1 of 1 values differ)"),
    ],
    ids=str,
)
def test_a_difference_is_a_readable_sentence(actual, expected, sentence):
    assert difference(actual, expected) == sentence


@pytest.mark.parametrize("actual", [np.array(["1"]), np.zeros(1, RECORD)], ids=ids)
def test_another_kind_of_array_is_a_difference(actual):
    assert difference(actual, np.array([1.0])) is not None
    assert difference(np.array([1.0]), actual) is not None


def test_records_of_other_field_types_are_compared_by_value():
    wide = np.array([(1, 2.0)], [("id", np.int64), ("x", np.float32)])
    assert difference(wide, np.array([(1, 2.0)], RECORD)) is None


def test_a_single_record_differs_by_field():
    actual, expected = np.array([(1, 2.0), (1, 3.0)], RECORD)
    assert difference(actual, actual) is None
    assert "3.0" in difference(actual, expected)


def test_a_long_value_is_cut():
    assert len(difference("x" * 1000, "y" * 1000)) < 200


@pytest.mark.parametrize(
    ("actual", "sentence"),
    [
        (np.zeros(2, np.float64), "the result has dtype float64; expected float32"),
        (np.zeros(2, np.int32), "the result has dtype int32; expected float32"),
        (np.zeros(2, np.float32), None),
    ],
    ids=["float64", "int32", "float32"],
)
def test_a_dtype_that_was_asked_for_is_exact(actual, sentence):
    assert difference(actual, np.zeros(2, np.float32), dtype=np.float32) == sentence


def test_a_dtype_that_was_asked_for_holds_in_tuples_and_for_scalars():
    assert (
        difference((np.float64(1),), (1.0,), dtype=np.float32)
        == "the result[0] has dtype float64; expected float32"
    )
    assert difference(np.float32(1), 1.0, dtype=np.float32) is None


@pytest.mark.parametrize(
    ("rtol", "atol", "same"), [(None, 0, False), (1e-2, 0, True), (0, 0.01, True), (0, 1e-4, False)]
)
def test_tolerances(rtol, atol, same):
    found = difference(np.array([1.001]), np.array([1.0]), rtol=rtol, atol=atol)
    assert (found is None) == same


def test_integers_have_no_tolerance():
    assert difference(np.array([1000]), np.array([1001]), rtol=0.1) is not None


def test_the_place_is_named():
    assert difference(1, 2, where="the changed argument") == "the changed argument is 1; expected 2"
