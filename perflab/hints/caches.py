"""Memory and caches: fetch ahead, write past, and arrays that begin at a cache line."""

import ctypes
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload

from perflab.intrinsics import call, constant, define, defined, place, types_of
from perflab.intrinsics.places import address, index, one_dimensional

LOCALITIES = (0, 1, 2, 3)
BYTE, INT = ir.IntType(8), ir.IntType(32)


def prefetch(a, i, write=False, locality=3):
    """Ask for the cache line of ``a[i]``, and do not wait for it. Called by Python it only checks its arguments.

    Parameters
    ----------
    a : array of integers or floats, 1-D
    i : int
        An index outside of the array is no error: nothing is read that could fail.
    write : bool
        Whether ``a[i]`` will be written. A literal.
    locality : {3, 2, 1, 0}
        3: keep it in all caches; 0: it will be used once, so let it displace as little as possible. A literal.

    Raises
    ------
    TypingError
        If the array will not do, or `write` and `locality` are no such literals.
    """
    defined(prefetch)(*types_of((a, i)), write, locality)


@define(prefetch)
def _prefetch(a, i, write=False, locality=3):
    one_dimensional(a, written=False)
    index(i)
    (writes, write), (level, locality) = constant(write), constant(locality)
    if writes not in (True, False):
        raise TypingError(f"write: True or False, written as a literal; got {write}")
    if level not in LOCALITIES:
        raise TypingError(
            f"locality: one of {', '.join(map(str, LOCALITIES))}, written as a literal; got {locality}"
        )

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        pointer = builder.bitcast(address(context, builder, sig, args), BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [BYTE.as_pointer(), INT, INT, INT])
        function = builder.module.declare_intrinsic("llvm.prefetch", [BYTE.as_pointer()], kind)
        data_cache = INT(1)
        builder.call(function, [pointer, INT(int(writes)), INT(level), data_cache])
        return context.get_dummy_value()

    return types.void(a, i, write, locality), generate


def store_nontemporal(a, i, value):
    """Write `value` to ``a[i]`` past the caches: for what nobody reads soon.

    Such stores may become visible late and out of order: before another thread is told of them, call
    `perflab.atomics.fence`.

    Parameters
    ----------
    a : array of integers or floats, 1-D
        Writable and aligned.
    i : int
        From 0 to ``a.size - 1``.
    value : int or float
        Cast to the type of the array.

    Raises
    ------
    TypingError
        If the array will not do; the text says what to pass.
    IndexError
        If there is no ``a[i]``.
    """
    return call(store_nontemporal, (a, i, value))


@define(store_nontemporal)
def _store_nontemporal(a, i, value):
    dtype = one_dimensional(a, written=True).dtype
    index(i)
    plain = value.literal_type if isinstance(value, types.Literal) else value
    if not isinstance(plain, types.Integer | types.Float):
        raise TypingError(f"value: a number, got {value}")

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        pointer = place(context, builder, sig, args)
        new = context.cast(builder, args[2], sig.args[2], dtype)
        written = builder.store(new, pointer, align=dtype.bitwidth // 8)
        written.set_metadata("nontemporal", builder.module.add_metadata([INT(1)]))
        return context.get_dummy_value()

    return types.void(a, i, value), generate


def empty(n, dtype=np.float64, alignment=64):
    """Return a new array whose first element lies at a multiple of `alignment` bytes; its content is arbitrary.

    Parameters
    ----------
    n : int
        Number of elements.
    dtype : dtype
    alignment : int
        A power of two; 64 is a cache line, 4096 a page.

    Raises
    ------
    ValueError
        If `n` is negative or `alignment` no power of two.
    """
    n, alignment = operator.index(n), operator.index(alignment)
    if n < 0:
        raise ValueError(f"n: a number of elements, not negative, got {n}")
    if alignment < 1 or alignment & (alignment - 1):
        raise ValueError(f"alignment: a power of two, got {alignment}")
    size = n * np.dtype(dtype).itemsize
    raw = np.empty(size + alignment, np.uint8)
    # An owner that begins where the array does: models of memory put the beginning of an owner on a page.
    owner = (ctypes.c_uint8 * size).from_buffer(raw, -raw.ctypes.data % alignment)
    return np.ndarray(n, dtype, owner)


@overload(empty)
def _empty(n, dtype=np.float64, alignment=64):
    if not isinstance(n, types.Integer):
        raise TypingError(f"n: a number of elements, got {n}")

    def allocate(n, dtype=np.float64, alignment=64):
        if n < 0:
            raise ValueError("n: a number of elements, not negative")
        if alignment < 1 or alignment & (alignment - 1):
            raise ValueError("alignment: a power of two")
        size = n * np.empty(0, dtype).itemsize
        raw = np.empty(size + alignment, np.uint8)
        start = -raw.ctypes.data % alignment
        return raw[start : start + size].view(dtype)

    return allocate
