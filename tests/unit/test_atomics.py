"""Atomics: their values against plain integers, their instructions on x86-64 and arm64, and what they refuse."""

import random
import re
import sys

import arm64
import numpy as np
import pytest
from native import instructions, needs_x86
from numba import njit, types
from numba.core.errors import TypingError

from perflab import atomics, hints
from perflab.atomics import pairs

DTYPES = [np.dtype(f"{sign}{width}") for width in (8, 16, 32, 64) for sign in ("int", "uint")]
I64 = types.int64
A64 = types.Array(I64, 1, "C")


@njit
def everything(a, x, y):
    """Do each operation once on an element of its own; return what they returned."""
    return (
        atomics.load(a, 0),
        atomics.exchange(a, 1, x),
        atomics.fetch_add(a, 2, x),
        atomics.fetch_sub(a, 3, x, "relaxed"),
        atomics.fetch_and(a, 4, x, "acquire"),
        atomics.fetch_or(a, 5, x, "release"),
        atomics.fetch_xor(a, 6, x, order="acq_rel"),
        atomics.fetch_max(a, 7, x),
        atomics.fetch_min(a, 8, x),
        atomics.compare_exchange_value(a, 9, y, x),
        atomics.compare_exchange(a, 10, y, x),
        atomics.store(a, 11, x, "release"),
    )


def truth(old, x, y):
    """Return what shall stand in the array afterwards, in the order of `everything`, without a size."""
    return [
        old,
        x,
        old + x,
        old - x,
        old & x,
        old | x,
        old ^ x,
        max(old, x),
        min(old, x),
        x if old == y else old,
        x if old == y else old,
        x,
    ]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values_of_every_operation(dtype):
    limits = np.iinfo(dtype)
    edges = [limits.min, limits.max, 0, 1, random.Random(7).randint(limits.min, limits.max)]
    for old in edges:
        for x in edges:
            for y in (old, x):
                a = np.full(12, old, dtype)
                returned = everything(a, dtype.type(x), dtype.type(y))
                assert returned == (*[old] * 10, old == y, None)
                assert a.tolist() == [wrapped(value, limits) for value in truth(old, x, y)]


def wrapped(value, limits):
    """Return what an integer becomes in so many bits."""
    span = limits.max - limits.min + 1
    return (value - limits.min) % span + limits.min


def test_the_value_is_cast_to_the_type_of_the_array():
    a = np.zeros(1, np.int8)
    assert atomics.fetch_add(a, 0, 300) == 0
    assert a[0] == 300 - 256
    assert atomics.compare_exchange(a, 0, 300, -1)
    assert a[0] == -1


def test_they_work_in_python_too_on_strided_views():
    a = np.arange(6)
    atomics.store(a[::2], 1, 10)
    assert atomics.load(a, 2, "acquire") == 10
    assert atomics.exchange(a[::-1], 0, 50) == 5
    assert atomics.fetch_min(a, 5, 7) == 50
    atomics.fence()
    atomics.fence("release")
    assert a.tolist() == [0, 1, 10, 3, 4, 7]


def test_a_pair_is_exchanged_if_both_match():
    a = hints.empty(6, np.int64)
    a[:] = 7, 7, 3, -4, 7, 7
    assert not atomics.compare_exchange_pair(a, 2, 3, 4, 1, 2)
    assert not atomics.compare_exchange_pair(a, 2, 0, -4, 1, 2)
    assert a.tolist() == [7, 7, 3, -4, 7, 7]
    assert atomics.compare_exchange_pair(a, 2, 3, -4, -1, 2, "acq_rel")
    assert a.tolist() == [7, 7, -1, 2, 7, 7]
    big = a.view(np.uint64)
    assert atomics.compare_exchange_pair(big, 2, 2**64 - 1, 2, 2**64 - 2, 2**63)
    assert big.tolist() == [7, 7, 2**64 - 2, 2**63, 7, 7]


@pytest.mark.parametrize("tag", [0, 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("index", [0, -1, 12, 2**31 - 1, -(2**31)])
def test_tags_come_back(tag, index):
    for of in (lambda f: f, lambda f: f.py_func):
        packed = of(atomics.pack)(tag, index)
        assert -(2**63) <= packed < 2**63
        assert (of(atomics.tag_of)(packed), of(atomics.index_of)(packed)) == (tag, index)
    assert atomics.pack(tag + 2**32, index) == atomics.pack(tag, index)


@pytest.mark.parametrize("index", [2**31, -(2**31) - 1])
def test_an_index_that_does_not_fit_is_refused(index):
    with pytest.raises(ValueError, match="32 bits"):
        atomics.pack(0, index)


# Instructions


@needs_x86
@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda a, i, v: atomics.load(a, i), r"^movq \(.*\), %r"),
        (lambda a, i, v: atomics.store(a, i, v, "release"), r"^movq %\w+, \("),
        (lambda a, i, v: atomics.store(a, i, v), r"^xchgq %\w+, \("),
        (lambda a, i, v: atomics.exchange(a, i, v), r"^xchgq %\w+, \("),
        (lambda a, i, v: atomics.fetch_add(a, i, v), r"^lock xaddq"),
        (lambda a, i, v: atomics.fetch_sub(a, i, v, "relaxed"), r"^lock xaddq"),
        (lambda a, i, v: atomics.fetch_and(a, i, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.fetch_or(a, i, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.fetch_xor(a, i, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.fetch_max(a, i, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.fetch_min(a, i, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.compare_exchange(a, i, 0, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.compare_exchange_value(a, i, 0, v), r"^lock cmpxchgq"),
        (lambda a, i, v: atomics.compare_exchange_pair(a, i, 0, 0, v, v), r"^lock cmpxchg16b"),
        (lambda a, i, v: atomics.fence(), r"^(lock orl|mfence)"),
    ],
    ids=[
        "load",
        "store_release",
        "store",
        "exchange",
        "add",
        "sub",
        "and",
        "or",
        "xor",
        "max",
        "min",
        "cas",
        "cas_value",
        "pair",
        "fence",
    ],
)
def test_instructions_on_x86_64(function, wanted):
    code = instructions(function, A64, I64, I64)
    assert re.search(wanted, code, re.M), code
    locked = len(re.findall(r"^(lock|xchgq .*\(|mfence)", code, re.M))
    assert locked == (0 if wanted.startswith("^movq") else 1), code


@needs_x86
@pytest.mark.parametrize(("kind", "suffix"), [(types.int8, "b"), (types.uint16, "w"), (types.int32, "l")], ids=str)
def test_the_width_is_that_of_the_array(kind, suffix):
    code = instructions(lambda a, i, v: atomics.compare_exchange(a, i, 0, v), types.Array(kind, 1, "A"), I64, kind)
    assert f"lock cmpxchg{suffix} " in code


@needs_x86
def test_bounds_are_checked_by_one_compare_and_alignment_by_one_test():
    code = instructions(lambda a, i, v: atomics.fetch_add(a, i, v), A64, types.uint64, I64)
    before = code[: code.index("lock")]
    assert len(re.findall(r"^j\w+", before, re.M)) == 2, code


@needs_x86
def test_weak_fences_are_for_the_compiler_alone():
    for fence in (lambda: atomics.fence("acquire"), lambda: atomics.fence("release")):
        assert not re.search("lock|mfence", instructions(fence))


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda a, i, v: atomics.load(a, i, "relaxed"), r"\bldr\b"),
        (lambda a, i, v: atomics.load(a, i, "acquire"), r"\blda?p?r\b"),
        (lambda a, i, v: atomics.store(a, i, v, "release"), r"\bstlr\b"),
        (lambda a, i, v: atomics.exchange(a, i, v), r"\bswpal\b"),
        (lambda a, i, v: atomics.fetch_add(a, i, v), r"\bldaddal\b"),
        (lambda a, i, v: atomics.fetch_add(a, i, v, "relaxed"), r"\bldadd\b"),
        (lambda a, i, v: atomics.fetch_or(a, i, v), r"\bldsetal\b"),
        (lambda a, i, v: atomics.fetch_xor(a, i, v), r"\bldeoral\b"),
        (lambda a, i, v: atomics.fetch_max(a, i, v), r"\bldsmaxal\b"),
        (lambda a, i, v: atomics.compare_exchange(a, i, 0, v), r"\bcasal\b"),
        (lambda a, i, v: atomics.compare_exchange_pair(a, i, 0, 0, v, v), r"\bcaspal\b"),
        (lambda a, i, v: atomics.fence(), r"\bdmb\s+ish\b"),
        (lambda a, i, v: atomics.fence("acquire"), r"\bdmb\s+ishld\b"),
    ],
    ids=[
        "relaxed",
        "acquire",
        "release",
        "exchange",
        "add",
        "add_relaxed",
        "or",
        "xor",
        "max",
        "cas",
        "pair",
        "fence",
        "fence_acquire",
    ],
)
def test_instructions_on_arm64(monkeypatch, function, wanted):
    assert re.search(wanted, arm64.assembly(monkeypatch, function, A64, I64, I64))


def test_an_older_arm64_takes_a_loop(monkeypatch):
    code = arm64.assembly(monkeypatch, lambda a, i, v: atomics.fetch_add(a, i, v), A64, I64, I64, features="")
    assert re.search(r"\bldaxr\b.*\bstlxr\b", code, re.S)


# What they refuse

A = np.zeros(4, np.int64)
READ_ONLY = np.zeros(4, np.int64)
READ_ONLY.flags.writeable = False
MISALIGNED = np.zeros(33, np.uint8)[1:].view(np.int64)
RECORDS = np.zeros(3, np.dtype([("flag", np.int8), ("count", np.int64)]))


@pytest.mark.parametrize(
    ("wrong", "way_out"),
    [
        (A * 1.0, r"integers .* got float64.*view\(np.int64\)"),
        (A > 0, "integers .* got bool"),
        (A.reshape(2, 2), r"2 dimensions; .* a.reshape\(-1\)"),
        (np.array(3), "0 dimensions"),
        (READ_ONLY, "read-only"),
        ([1, 2], "1-D array of integers, got"),
        (object(), "1-D array of integers, got object"),
    ],
    ids=["float", "bool", "2-D", "0-D", "read-only", "list", "object"],
)
@pytest.mark.parametrize("name", ["load", "fetch_add", "compare_exchange"])
def test_arrays_that_will_not_do(wrong, way_out, name):
    more = {"load": (), "fetch_add": (1,), "compare_exchange": (0, 1)}[name]
    with pytest.raises(TypingError, match=way_out):
        getattr(atomics, name)(wrong, 0, *more)


def test_compiled_code_is_told_the_same():
    @njit
    def wrong(a):
        return atomics.load(a, 0, "acquire")

    with pytest.raises(TypingError, match=r"pass the bits: a.view\(np.int64\)"):
        wrong(A * 1.0)

    constant = np.zeros(3, np.int64)
    with pytest.raises(TypingError, match="is a constant in it"):
        njit(lambda: atomics.load(constant, 0))()


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        (lambda: atomics.load(A, 0, "release"), "for load one of 'relaxed', 'acquire', 'seq_cst',"),
        (lambda: atomics.load(A, 0, "acq_rel"), "for load one of"),
        (lambda: atomics.store(A, 0, 1, "acquire"), "for store one of 'relaxed', 'release', 'seq_cst',"),
        (lambda: atomics.fence("relaxed"), "for fence one of 'acquire', 'release', 'acq_rel', 'seq_cst',"),
        (lambda: atomics.exchange(A, 0, 1, "consume"), "for exchange one of .*; got 'consume'"),
        (lambda: atomics.fetch_add(A, 0, 1, 3), "written as a literal; got a variable of type int64"),
        (lambda: atomics.fetch_add(A, 0, 1, None), "written as a literal"),
    ],
)
def test_orders_that_make_no_sense(call, allowed):
    with pytest.raises(TypingError, match=allowed):
        call()


def test_an_order_that_the_compiler_does_not_know():
    with pytest.raises(TypingError, match="'acquire', 'seq_cst', written as a literal; got a variable"):
        njit(lambda a, order: atomics.load(a, 0, order))(A, "acquire")
    order = "acquire"  # a constant from outside is one that it knows
    assert njit(lambda a: atomics.load(a, 0, order))(A) == 0


@pytest.mark.parametrize("bad", [-1, 4, 2**62, -(2**63)])
def test_an_index_out_of_range_raises_in_the_kernel(bad):
    a = np.zeros(4, np.int64)
    for operation, more in (("load", ()), ("exchange", (1,)), ("compare_exchange_value", (0, 1))):
        with pytest.raises(IndexError, match=r"from 0 to a.size - 1"):
            getattr(atomics, operation)(a, bad, *more)
    assert not a.any()


def test_an_unsigned_index_out_of_range_too():
    with pytest.raises(IndexError):
        atomics.load(A, np.uint64(2**64 - 1))
    assert atomics.load(A, np.uint64(3)) == 0


@pytest.mark.parametrize(("argument", "values"), [("i", (1.0, 1)), ("value", (1, 1.5)), ("value", (1, None))])
def test_what_is_no_integer_is_refused(argument, values):
    with pytest.raises(TypingError, match=f"{argument}: an integer, got"):
        atomics.fetch_add(A, *values)


def test_a_misaligned_view_raises():
    for call in (
        lambda a: atomics.load(a, 0),
        lambda a: atomics.store(a, 0, 1),
        lambda a: atomics.exchange(a, 0, 1),
    ):
        with pytest.raises(ValueError, match=r"misaligned view; pass a copy, a.copy\(\)"):
            call(MISALIGNED)
    assert not MISALIGNED.any()

    @njit
    def view(raw):
        return atomics.load(raw[1:9].view(np.int64), 0)

    with pytest.raises(ValueError, match="misaligned"):
        view(np.zeros(16, np.uint8))

    @njit
    def field(records, i):
        return atomics.fetch_add(records["count"], i, 1)

    with pytest.raises(ValueError, match="misaligned"):
        field(RECORDS, 0)
    aligned = np.zeros(3, np.dtype([("flag", np.int8), ("count", np.int64)], align=True))
    assert field(aligned, 2) == 0
    assert aligned["count"].tolist() == [0, 0, 1]


def test_pairs_that_will_not_do():
    a = hints.empty(5, np.int64, 16)
    a[:] = 0
    with pytest.raises(ValueError, match=r"multiple of 16 bytes; see perflab.hints.empty"):
        atomics.compare_exchange_pair(a, 1, 0, 0, 1, 1)
    for i in (4, 5, -1, -2):
        with pytest.raises(IndexError, match="not so many elements"):
            atomics.compare_exchange_pair(a, i, 0, 0, 1, 1)
    with pytest.raises(IndexError):
        atomics.compare_exchange_pair(a[:0], 0, 0, 0, 1, 1)
    for wrong in (a.view(np.int32), a[::2]):
        with pytest.raises(TypingError, match="contiguous array of int64"):
            atomics.compare_exchange_pair(wrong, 0, 0, 0, 1, 1)
    assert not a.any()


def test_a_processor_that_cannot_exchange_pairs_is_refused(monkeypatch):
    assert not pairs.available("x86_64-unknown-linux-gnu", "x86-64", "")
    assert pairs.available("x86_64-unknown-linux-gnu", "x86-64-v2", "")
    monkeypatch.setattr(pairs, "available", lambda *target: False)
    with pytest.raises(TypingError, match=r"a tag and an index in one integer"):
        njit(lambda a: atomics.compare_exchange_pair(a, 0, 1, 2, 3, 4))(A)


def test_without_the_compiler_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr("numba.core.config.DISABLE_JIT", 1)
    with pytest.raises(RuntimeError, match="NUMBA_DISABLE_JIT"):
        atomics.load(A, 0)


def test_a_primitive_is_a_plain_function_that_can_be_sent():
    import pickle

    assert pickle.loads(pickle.dumps(atomics.load)) is atomics.load
    assert sys.modules["perflab.atomics"].load is atomics.load
