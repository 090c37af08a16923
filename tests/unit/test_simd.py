"""Vectors: each operation against numpy, for every kind; their instructions; and what they refuse."""

import operator
import re

import arm64
import numpy as np
import pytest
from numba import njit, types
from numba.core.errors import TypingError

from perflab import simd
from perflab.codegen import compiler
from perflab.intrinsics import targets
from perflab.simd import kinds

DTYPES = {kind: np.dtype(str(kind.element)) for kind in kinds.KINDS}


def numbers(kind, seed, n=None):
    rng = np.random.default_rng(seed)
    found = rng.integers(-50, 50, n or kind.lanes)
    return (found / 8 if kind.floats else found).astype(DTYPES[kind])


def make_arithmetic(kind):
    @njit
    def arithmetic(a, b, out):
        x, y = simd.load(a, 0, kind), simd.load(b, 0, kind)
        simd.store(out[0], 0, x + y)
        simd.store(out[1], 0, x - y)
        simd.store(out[2], 0, x * y)
        simd.store(out[3], 0, simd.splat(3, kind))
        simd.store(out[4], 0, simd.select(x < y, x, y))
        return simd.sum(x), simd.min(x), simd.max(x)

    return arithmetic


@pytest.mark.parametrize("kind", kinds.KINDS, ids=str)
def test_arithmetic_is_that_of_numpy(kind):
    a, b = numbers(kind, 1), numbers(kind, 2)
    out = np.zeros((5, kind.lanes), a.dtype)
    result = make_arithmetic(kind)(a, b, out)
    for ours, theirs in zip(out, (a + b, a - b, a * b, np.full_like(a, 3), np.minimum(a, b)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert result == (a.sum(), a.min(), a.max())


@njit
def compared(a, b, out):
    x, y = simd.load(a, 0, simd.f32x8), simd.load(b, 0, simd.f32x8)
    one, zero = simd.splat(1, simd.f32x8), simd.splat(0, simd.f32x8)
    simd.store(out[0], 0, simd.select(x < y, one, zero))
    simd.store(out[1], 0, simd.select(x <= y, one, zero))
    simd.store(out[2], 0, simd.select(x > y, one, zero))
    simd.store(out[3], 0, simd.select(x >= y, one, zero))
    simd.store(out[4], 0, simd.select(x == y, one, zero))
    simd.store(out[5], 0, simd.select(x != y, one, zero))
    simd.store(out[6], 0, simd.select((x < y) & (x >= zero), one, zero))
    simd.store(out[7], 0, simd.select((x < y) | (x > y), one, zero))
    simd.store(out[8], 0, simd.select(~(x < y), one, zero))
    return simd.any(x < y), simd.all(x < y), simd.any(x != x), simd.all(x == x)


def test_comparisons_make_masks_also_where_there_is_no_number():
    a = np.array([1, 2, 3, -1, np.nan, 5, np.inf, 0], np.float32)
    b = np.array([1, 3, 2, 0, 1, np.nan, np.inf, -0.0], np.float32)
    out = np.zeros((9, 8), np.float32)
    assert compared(a, b, out) == (True, False, True, False)
    with np.errstate(invalid="ignore"):
        masks = [a < b, a <= b, a > b, a >= b, a == b, a != b, (a < b) & (a >= 0), (a < b) | (a > b), ~(a < b)]
    np.testing.assert_array_equal(out, np.array(masks, np.float32))
    assert compared(np.zeros(8, np.float32), np.ones(8, np.float32), out)[:2] == (True, True)
    assert compared(np.ones(8, np.float32), np.ones(8, np.float32), out)[:2] == (False, False)


def test_operators_in_place_are_the_same():
    @njit
    def in_place(a, b, out):
        x, y = simd.load(a, 0, simd.i64x4), simd.load(b, 0, simd.i64x4)
        less = x < y
        some, every = less, less
        some |= x == y
        every &= x == y
        z = x
        z += y
        z *= y
        z -= x
        simd.store(out, 0, z)
        return simd.all(some), simd.any(every)

    a, b, out = np.arange(4), np.arange(4) + np.array([0, 1, 1, 2]), np.zeros(4, np.int64)
    assert in_place(a, b, out) == (True, False)
    assert out.tolist() == ((a + b) * b - a).tolist()


def test_integers_compare_with_their_sign():
    @njit
    def less(a, b):
        return simd.all(simd.load(a, 0, simd.i32x8) < simd.load(b, 0, simd.i32x8))

    assert less(np.full(8, -1, np.int32), np.ones(8, np.int32))


def test_a_fused_product_is_rounded_once():
    @njit
    def fused(a, b, c):
        simd.store(
            c, 0, simd.fma(simd.load(a, 0, simd.f64x4), simd.load(b, 0, simd.f64x4), simd.load(c, 0, simd.f64x4))
        )

    a = np.full(4, 1 + 2.0**-30)
    c = np.full(4, -1.0)
    fused(a, a, c)
    assert (c == 2.0**-29 + 2.0**-60).all()
    assert (a * a - 1 == 2.0**-29).all()


def test_sums_and_extremes_pass_over_what_is_no_number():
    @njit
    def extremes(a):
        x = simd.load(a, 0, simd.f64x4)
        return simd.min(x), simd.max(x), simd.sum(x)

    low, high, total = extremes(np.array([np.nan, 1, -3, 7]))
    assert (low, high) == (-3, 7)
    assert np.isnan(total)
    assert str(extremes(np.array([-0.0] * 4))[2]) == "-0.0"


@njit
def masked(a, out, i, n):
    on = simd.first(n, simd.f32x8)
    x = simd.load_masked(a, i, on, simd.f32x8)
    simd.store_masked(out, i, x + simd.splat(1, simd.f32x8), on)
    return simd.sum(x)


@pytest.mark.parametrize("n", [-(2**40), -1, 0, 1, 5, 8, 9, 2**40])
def test_the_first_lanes_alone_are_read_and_written(n):
    a, out = np.arange(1, 12, dtype=np.float32), np.zeros(11, np.float32)
    on = min(max(n, 0), 8)
    assert masked(a, out, 2, n) == a[2 : 2 + on].sum()
    wanted = np.zeros(11, np.float32)
    wanted[2 : 2 + on] = a[2 : 2 + on] + 1
    np.testing.assert_array_equal(out, wanted)


def test_a_loop_with_a_rest_sums_any_length():
    @njit
    def total(a):
        kind = simd.i64x4
        s = simd.splat(0, kind)
        for i in range(0, a.size, 4):
            s = s + simd.load_masked(a, i, simd.first(a.size - i, kind), kind)
        return simd.sum(s)

    for n in range(10):
        assert total(np.arange(n)) == sum(range(n))


# Instructions


def everything(a, b, out, n):
    """Use each operation of f32x8 once; look at it compiled for a processor with AVX2 and FMA."""
    x, y = simd.load(a, 0, simd.f32x8), simd.load(b, 0, simd.f32x8)
    z = simd.fma(x, y, x + y) - x * y
    on = simd.first(n, simd.f32x8)
    z = simd.select(x < y, z, simd.load_masked(b, 8, on, simd.f32x8))
    simd.store_masked(out, 8, z, on)
    simd.store(out, 0, z)
    return simd.sum(z)


@pytest.mark.skipif(targets.platform.machine() not in ("x86_64", "AMD64"), reason="x86-64 assembly")
def test_instructions_on_x86_64():
    array = types.Array(types.float32, 1, "C")
    found = compiler.compiled(njit(everything), (array, array, array, types.int64))
    body = re.search(rf"^{re.escape(found['name'])}:\n(.*?)^\.Lfunc_end", found["asm"], re.S | re.M)[1]
    for instruction in ("vmovups", "vfmadd", "vaddps", "vsubps", "vmulps", "vcmp", "vblendv", "vmaskmovps"):
        wide = [line for line in body.splitlines() if instruction in line and "%ymm" in line]
        assert wide, f"{instruction} on 256 bits\n{body}"


def test_instructions_on_arm64(monkeypatch):
    array = types.Array(types.float32, 1, "C")
    code = arm64.assembly(monkeypatch, everything, array, array, array, types.int64)
    for instruction in (r"fmla\s+v\d+\.4s", r"fadd\s+v\d+\.4s", r"fmul\s+v\d+\.4s", r"fcmgt\s+v\d+\.4s"):
        assert re.search(instruction, code)


# What they refuse


@njit
def loaded(a, i):
    return simd.sum(simd.load(a, i, simd.f64x4))


@njit
def stored(a, i):
    simd.store(a, i, simd.splat(1, simd.f64x4))


@pytest.mark.parametrize("fn", [loaded, stored], ids=["load", "store"])
def test_a_vector_must_lie_within_the_array(fn):
    a = np.zeros(7)
    fn(a, 3)
    for i in (4, 7, 8, -1, 2**62, -(2**63)):
        with pytest.raises(IndexError, match="not so many elements"):
            fn(a, i)
    with pytest.raises(IndexError):
        fn(a[:3], 0)
    with pytest.raises(IndexError):
        fn(a[:0], 0)
    assert a.tolist() in ([0] * 7, [0, 0, 0, 1, 1, 1, 1])


def test_lanes_that_are_on_must_lie_within_the_array():
    a, out = np.arange(10, dtype=np.float32), np.zeros(10, np.float32)
    assert masked(a, out, 7, 3) == 7 + 8 + 9
    assert masked(a, out, 10, 0) == 0
    for i, n in ((7, 4), (10, 1), (-1, 1), (11, 0), (-1, 0)):
        with pytest.raises(IndexError, match="not so many elements"):
            masked(a, out, i, n)


FIXED = np.zeros(8, np.float32)
FIXED.flags.writeable = False
F = np.zeros(8, np.float32)
D = np.zeros(8)


@pytest.mark.parametrize(
    ("function", "args", "text"),
    [
        (lambda a: simd.load(a, 0, simd.f32x8), (D,), "a: an array of float32 for f32x8, got float64"),
        (lambda a: simd.load(a, 0, simd.f32x8), (np.zeros((2, 8), np.float32),), "a: a 1-D array"),
        (lambda a: simd.load(a, 0, simd.f32x8), (np.zeros(32, np.float32)[::2],), "a: a contiguous array"),
        (lambda a: simd.load(a, 0.5, simd.f32x8), (F,), "i: an integer"),
        (lambda a: simd.load(a, 0, 8), (F,), "kind: one of simd.f32x8, simd.f32x16, .*, got Literal"),
        (lambda a: simd.store(a, 0, simd.splat(1, simd.f32x8)), (FIXED,), "read-only"),
        (lambda a: simd.store(a, 0, 1.0), (F,), "v: a vector, got float64; of a number make one by simd.splat"),
        (lambda a: simd.splat(a, simd.f32x8), (F,), "value: a number"),
        (lambda x: simd.splat(x, simd.i32x8), (1.5,), "value: a number for a lane of i32x8, got float64"),
        (lambda a: simd.load(a, 0, simd.f32x8) + 1.0, (F,), "two operands of one kind, got f32x8 and float64"),
        (lambda a: simd.load(a, 0, simd.f32x8) > 2, (F,), "of a number make one by simd.splat"),
        (lambda a: simd.load(a, 0, simd.f32x8) * simd.splat(1, simd.f64x8), (F,), "got f32x8 and f64x8"),
        (
            lambda a: simd.select(
                simd.first(2, simd.f64x4), simd.load(a, 0, simd.f32x8), simd.load(a, 0, simd.f32x8)
            ),
            (F,),
            "mask: mask8, as comparisons of f32x8 make it, got mask4",
        ),
        (lambda a: simd.select(True, simd.load(a, 0, simd.f32x8), 1), (F,), "x, y: two vectors of one kind"),
        (lambda a: simd.load_masked(a, 0, True, simd.f32x8), (F,), "mask: mask8"),
        (lambda a: simd.sum(a), (F,), "v: a vector, got array"),
        (lambda a: simd.any(simd.load(a, 0, simd.f32x8)), (F,), "mask: a mask, as comparisons"),
        (lambda x: simd.first(x, simd.f32x8), (1.5,), "n: an integer"),
        (
            lambda: simd.fma(simd.splat(1, simd.i32x8), simd.splat(1, simd.i32x8), simd.splat(1, simd.i32x8)),
            (),
            "three vectors of floats",
        ),
    ],
)
def test_arguments_that_make_no_sense(function, args, text):
    with pytest.raises(TypingError, match=text):
        njit(function)(*args)


def test_python_cannot_call_them():
    for call in (lambda: simd.load(F, 0, simd.f32x8), lambda: simd.sum(F), lambda: simd.splat(1, simd.f32x8)):
        with pytest.raises(RuntimeError, match="only in compiled code; call it in a function with @njit"):
            call()
    with pytest.raises(Exception, match="f32x8"):
        njit(lambda: simd.splat(1, simd.f32x8))()


def test_other_types_keep_their_operators():
    @njit
    def plain(x, y):
        return x + y, x < y, ~x

    assert plain(1, 2) == (3, True, -2)
    assert operator.add(1, 2) == 3
