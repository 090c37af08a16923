"""Hints: they change no value, and each is in the instructions."""

import re
import time

import arm64
import numpy as np
import pytest
from native import instructions, needs_x86
from numba import njit, types
from numba.core.errors import TypingError

from perflab import atomics, hints

I64 = types.int64
A64 = types.Array(I64, 1, "C")
EXPECTED = r'"branch_weights".*i32 2000'  # Numba has weights of its own, for exceptions


@njit
def chosen(x):
    if hints.likely(x > 3):
        return 1
    if hints.unlikely(x):
        return 2
    return 3


def test_a_branch_hint_changes_no_value():
    assert [chosen(x) for x in (5, 2, 0)] == [1, 2, 3]
    assert hints.likely(2) is True
    assert hints.unlikely(0) is False


@needs_x86
@pytest.mark.parametrize(("hint", "first"), [(hints.likely, "imulq"), (hints.unlikely, "divsd")])
def test_the_likely_way_comes_first(hint, first):
    def code(a, i):
        if hint(a[i] > 3):
            a[i] = a[i] * a[i]
            return 0.0
        return 1.0 / (a[i] + 0.5)

    listing = instructions(code, types.Array(I64, 1, "C"), types.uint64)
    where = {word: listing.find(word) for word in ("imulq", "divsd")}
    assert min(where, key=where.get) == first, listing
    assert min(where.values()) >= 0


def test_the_weights_of_a_branch_are_in_the_code_of_llvm():
    fn = njit((I64,))(chosen.py_func)
    assert re.search(EXPECTED, fn.inspect_llvm(fn.signatures[0]))
    plain = njit((I64,))(lambda x: 1 if x > 3 else 2)
    assert not re.search(EXPECTED, plain.inspect_llvm(plain.signatures[0]))


def test_a_condition_is_a_truth_value():
    for hint in (hints.likely, hints.unlikely):
        with pytest.raises(TypingError, match="condition: a truth value or an integer, got float64"):
            njit(lambda x, hint=hint: 1 if hint(x) else 2)(1.5)


# Caches


@needs_x86
@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda a, i: hints.prefetch(a, i), "prefetcht0 "),
        (lambda a, i: hints.prefetch(a, i, locality=2), "prefetcht1 "),
        (lambda a, i: hints.prefetch(a, i, False, 0), "prefetchnta "),
        (lambda a, i: hints.store_nontemporal(a, i, 1), "movnti"),
    ],
)
def test_cache_instructions_on_x86_64(function, wanted):
    code = instructions(function, A64, I64)
    assert code.count(wanted) == 1, code
    # A prefetch needs no test of its index; a store does.
    assert bool(re.search("^j", code, re.M)) == (wanted == "movnti")


@needs_x86
def test_a_prefetch_for_writing_is_one():
    assert re.search(
        "prefetchw |prefetcht0 ", instructions(lambda a, i: hints.prefetch(a, i, write=True), A64, I64)
    )


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda a, i: hints.prefetch(a, i), r"prfm\s+pldl1keep"),
        (lambda a, i: hints.prefetch(a, i, True, 0), r"prfm\s+pstl1strm"),
        (lambda a, i: hints.store_nontemporal(a, i, 1), r"\bstnp\b"),
        (lambda a, i: hints.pause(), r"\bisb\b"),
        (lambda a, i: hints.cycles(), r"\bmrs\b.*CNTVCT_EL0"),
    ],
)
def test_instructions_on_arm64(monkeypatch, function, wanted):
    assert re.search(wanted, arm64.assembly(monkeypatch, function, A64, I64))


def test_a_prefetch_outside_is_harmless_and_changes_nothing():
    @njit
    def fetch(a):
        hints.prefetch(a, -5)
        hints.prefetch(a, 10**12, write=True, locality=1)

    a = np.arange(4)
    fetch(a)
    fetch(a[::2])
    hints.prefetch(a.astype(np.float32), 2)
    assert a.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (([1], 0), "1-D array of integers or floats"),
        ((np.zeros((2, 2)), 0), "1-D array"),
        ((np.zeros(3), 1.0), "i: an integer"),
        ((np.zeros(3), 1, 2), "write: True or False, written as a literal"),
        ((np.zeros(3), 1, False, 4), "locality: one of 0, 1, 2, 3, written as a literal"),
    ],
)
def test_prefetches_that_make_no_sense(args, text):
    with pytest.raises(TypingError, match=text):
        hints.prefetch(*args)


def test_a_locality_has_to_be_known():
    with pytest.raises(TypingError, match="locality: one of 0, 1, 2, 3, written as a literal; got int64"):
        njit(lambda a, k: hints.prefetch(a, 0, False, k))(np.zeros(3), 3)
    with pytest.raises(TypingError, match="write: True or False, written as a literal; got bool"):
        njit(lambda a, w: hints.prefetch(a, 0, w))(np.zeros(3), True)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float32, np.float64])
def test_a_nontemporal_store_stores(dtype):
    a = np.zeros(4, dtype)
    hints.store_nontemporal(a, 2, 3)
    hints.store_nontemporal(a[::-1], 0, 100)
    atomics.fence()
    assert a.tolist() == [0, 0, 3, 100]


def test_nontemporal_stores_that_make_no_sense():
    a = np.zeros(4)
    for i in (4, -1):
        with pytest.raises(IndexError):
            hints.store_nontemporal(a, i, 1.0)
    fixed = np.zeros(4)
    fixed.flags.writeable = False
    with pytest.raises(TypingError, match="read-only"):
        hints.store_nontemporal(fixed, 0, 1.0)
    with pytest.raises(TypingError, match="value: a number"):
        hints.store_nontemporal(a, 0, None)
    with pytest.raises(ValueError, match="misaligned"):
        hints.store_nontemporal(np.zeros(17, np.uint8)[1:].view(np.float64), 0, 1.0)


@njit
def compiled_empty(n, alignment):
    return hints.empty(n, np.int32, alignment), hints.empty(n), hints.empty(n, alignment=alignment)


@pytest.mark.parametrize("alignment", [1, 16, 64, 4096])
def test_an_array_begins_where_it_should(alignment):
    for n in (0, 1, 1000):
        a = hints.empty(n, np.int32, alignment)
        b, c, d = compiled_empty(n, alignment)
        for array, dtype in ((a, np.int32), (b, np.int32), (c, np.float64), (d, np.float64)):
            assert array.dtype == dtype
            assert array.shape == (n,)
            assert n == 0 or array.ctypes.data % (64 if array is c else alignment) == 0
            array[:] = 1
    assert hints.empty(3).dtype == np.float64


@pytest.mark.parametrize(
    ("args", "text"),
    [((-1, 64), "n: a number of elements"), ((3, 48), "a power of two"), ((3, 0), "a power of two")],
)
def test_sizes_that_make_no_sense(args, text):
    with pytest.raises(ValueError, match=text):
        hints.empty(args[0], np.int32, args[1])
    with pytest.raises(ValueError, match=text):
        compiled_empty(*args)


# Waiting


@needs_x86
def test_waiting_instructions_on_x86_64():
    assert "pause" in instructions(lambda: hints.pause())
    assert "rdtsc" in instructions(lambda: hints.cycles())


@needs_x86
def test_backing_off_pauses_and_now_and_then_yields():
    code = instructions(hints.back_off.py_func, I64)
    assert "pause" in code
    assert "sched_yield" in code


def test_backing_off_counts():
    turns = 0
    for _ in range(200):
        turns = hints.back_off(turns)
    assert turns == 200


def test_cycles_go_on_at_an_even_rate():
    def rate():
        cycles, seconds = hints.cycles(), time.perf_counter()
        time.sleep(0.02)
        return (hints.cycles() - cycles) / (time.perf_counter() - seconds)

    rates = sorted(rate() for _ in range(5))
    assert rates[0] > 1e6
    assert rates[3] < 1.2 * rates[1]
    hints.pause()
