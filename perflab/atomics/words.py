"""Atomic operations on one element of an array of integers."""

from typing import Any

from llvmlite import ir
from numba import types

from perflab.atomics import orders
from perflab.atomics.orders import Order
from perflab.intrinsics import call, define, integers, place
from perflab.intrinsics.places import index, whole


def load(a, i, order: Order = "seq_cst"):
    """Return ``a[i]``, read in one piece.

    All atomics work on an element of an array, in compiled code and, to try them, in Python too. Numba has only
    plain accesses: a loop that waits for ``a[0]`` to change reads it once and then waits forever.

    Parameters
    ----------
    a : array of integers, 1-D
        Writable and aligned; int8 to int64, uint8 to uint64.
    i : int
        From 0 to ``a.size - 1``; a negative index does not count from the end.
    order : {"seq_cst", "acquire", "relaxed"}
        A literal string. "acquire": what another thread wrote before it stored this value with "release" is seen
        after this load. "relaxed": the value alone.

    Raises
    ------
    TypingError
        If the array will not do, or the order makes no sense; the text says what to pass.
    IndexError
        If there is no ``a[i]``.
    ValueError
        If ``a[i]`` does not lie at a multiple of its size, as in a packed record.
    """
    return call(load, (a, i), order)


def store(a, i, value, order: Order = "seq_cst"):
    """Write `value` to ``a[i]`` in one piece.

    Parameters
    ----------
    a, i
        As for `load`.
    value : int
        Cast to the type of the array.
    order : {"seq_cst", "release", "relaxed"}
        "release": whoever reads this value with "acquire" sees what this thread wrote before. "seq_cst": moreover,
        no later "seq_cst" load of this thread overtakes the store. A load in a weaker order may: put a `fence`
        between the two.
    """
    return call(store, (a, i, value), order)


def exchange(a, i, value, order: Order = "seq_cst"):
    """Write `value` to ``a[i]`` and return what stood there, with nothing in between. See `fetch_add`."""
    return call(exchange, (a, i, value), order)


def compare_exchange(a, i, expected, desired, order: Order = "seq_cst"):
    """Write `desired` to ``a[i]`` if `expected` stands there; return whether it did.

    Parameters
    ----------
    a, i
        As for `load`.
    expected, desired : int
        Cast to the type of the array.
    order : {"seq_cst", "acq_rel", "acquire", "release", "relaxed"}
        Where it fails it only reads, with what the order says about reading.

    Returns
    -------
    bool
        It never fails without a reason.
    """
    return call(compare_exchange, (a, i, expected, desired), order)


def compare_exchange_value(a, i, expected, desired, order: Order = "seq_cst"):
    """Do as `compare_exchange`; return what stood there, which is `expected` if it was replaced."""
    return call(compare_exchange_value, (a, i, expected, desired), order)


def fetch_add(a, i, value, order: Order = "seq_cst"):
    """Add `value` to ``a[i]`` and return what stood there before; a sum that does not fit wraps around.

    Parameters
    ----------
    a, i
        As for `load`.
    value : int
        Cast to the type of the array.
    order : {"seq_cst", "acq_rel", "acquire", "release", "relaxed"}
        A literal string.
    """
    return call(fetch_add, (a, i, value), order)


def fetch_sub(a, i, value, order: Order = "seq_cst"):
    """Subtract `value` from ``a[i]`` and return what stood there before. See `fetch_add`."""
    return call(fetch_sub, (a, i, value), order)


def fetch_and(a, i, value, order: Order = "seq_cst"):
    """Keep in ``a[i]`` the bits that `value` has too; return what stood there before. See `fetch_add`."""
    return call(fetch_and, (a, i, value), order)


def fetch_or(a, i, value, order: Order = "seq_cst"):
    """Set in ``a[i]`` the bits of `value`; return what stood there before. See `fetch_add`."""
    return call(fetch_or, (a, i, value), order)


def fetch_xor(a, i, value, order: Order = "seq_cst"):
    """Flip in ``a[i]`` the bits of `value`; return what stood there before. See `fetch_add`."""
    return call(fetch_xor, (a, i, value), order)


def fetch_max(a, i, value, order: Order = "seq_cst"):
    """Raise ``a[i]`` to `value` if it is smaller; return what stood there before. See `fetch_add`."""
    return call(fetch_max, (a, i, value), order)


def fetch_min(a, i, value, order: Order = "seq_cst"):
    """Lower ``a[i]`` to `value` if it is greater; return what stood there before. See `fetch_add`."""
    return call(fetch_min, (a, i, value), order)


def fence(order: Order = "seq_cst"):
    """Keep memory accesses of this thread on their side of this line.

    Parameters
    ----------
    order : {"seq_cst", "acq_rel", "acquire", "release"}
        "acquire": nothing later moves before an earlier load. "release": nothing earlier moves behind a later
        store. "seq_cst": moreover, no later load overtakes an earlier store.
    """
    return call(fence, (), order)


# How they are compiled


@define(load)
def _load(a, i, order="seq_cst"):
    name, kind = orders.known(order, orders.LOAD, "load")
    dtype = integers(a).dtype
    index(i)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        pointer = place(context, builder, sig, args)
        return builder.load_atomic(pointer, orders.llvm(name), dtype.bitwidth // 8)

    return dtype(a, i, kind), generate


@define(store)
def _store(a, i, value, order="seq_cst"):
    name, kind = orders.known(order, orders.STORE, "store")
    dtype = integers(a).dtype
    index(i)
    whole("value", value)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        pointer = place(context, builder, sig, args)
        new = context.cast(builder, args[2], sig.args[2], dtype)
        builder.store_atomic(new, pointer, orders.llvm(name), dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(a, i, value, kind), generate


def _define_update(function, signed: str, unsigned: str | None = None) -> None:
    """Define an operation that LLVM has an instruction for, on signed and on unsigned integers."""

    @define(function)
    def update(a, i, value, order="seq_cst"):
        name, kind = orders.known(order, orders.UPDATE, function.__name__)
        dtype = integers(a).dtype
        index(i)
        whole("value", value)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            pointer = place(context, builder, sig, args)
            operand = context.cast(builder, args[2], sig.args[2], dtype)
            operation = signed if dtype.signed else unsigned or signed
            return builder.atomic_rmw(operation, pointer, operand, orders.llvm(name))

        return dtype(a, i, value, kind), generate


_define_update(exchange, "xchg")
_define_update(fetch_add, "add")
_define_update(fetch_sub, "sub")
_define_update(fetch_and, "and")
_define_update(fetch_or, "or")
_define_update(fetch_xor, "xor")
_define_update(fetch_max, "max", "umax")
_define_update(fetch_min, "min", "umin")


def _define_compare_exchange(function, part: int) -> None:
    """Define a compare-and-exchange that returns one part of what LLVM's does: the old value, or whether."""

    @define(function)
    def compare(a, i, expected, desired, order="seq_cst"):
        name, kind = orders.known(order, orders.UPDATE, function.__name__)
        dtype = integers(a).dtype
        index(i)
        whole("expected", expected)
        whole("desired", desired)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            pointer = place(context, builder, sig, args)
            old, new = (context.cast(builder, args[k], sig.args[k], dtype) for k in (2, 3))
            failed = orders.OF_FAILURE.get(name, name)
            both = builder.cmpxchg(pointer, old, new, orders.llvm(name), orders.llvm(failed))
            return builder.extract_value(both, part)

        returned = (dtype, types.boolean)[part]
        return returned(a, i, expected, desired, kind), generate


_define_compare_exchange(compare_exchange_value, 0)
_define_compare_exchange(compare_exchange, 1)


@define(fence)
def _fence(order="seq_cst"):
    name, kind = orders.known(order, orders.FENCE, "fence")

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        builder.fence(orders.llvm(name))
        return context.get_dummy_value()

    return types.void(kind), generate
