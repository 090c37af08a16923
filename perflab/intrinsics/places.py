"""Places in arrays: which arrays will do, and the address of an element that is surely there."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError


def integers(a: Any) -> types.Array:
    """Return the type `a` if it is a 1-D, writable array of integers.

    Raises
    ------
    TypingError
        Which says what to pass in place of it.
    """
    if not isinstance(a, types.Array):
        raise TypingError(f"a: a 1-D array of integers, got {a}")
    if a.ndim != 1:
        raise TypingError(f"a: a 1-D array, got {a.ndim} dimensions; pass a row, or a.reshape(-1)")
    if not isinstance(a.dtype, types.Integer):
        raise TypingError(
            f"a: an array of integers (int8 to int64, uint8 to uint64), got {a.dtype}; "
            "of other numbers pass the bits: a.view(np.int64)"
        )
    return one_dimensional(a, written=True)


def one_dimensional(a: Any, *, written: bool) -> types.Array:
    """Return the type `a` if it is a 1-D array of numbers, and writable where that is asked for."""
    if not isinstance(a, types.Array) or a.ndim != 1 or not isinstance(a.dtype, types.Integer | types.Float):
        raise TypingError(f"a: a 1-D array of integers or floats, got {a}; pass a row, or a.reshape(-1)")
    if written and not a.mutable:
        raise TypingError(
            "a: a read-only array; pass a writable one as an argument "
            "(an array from outside of a compiled function is a constant in it)"
        )
    return a


def index(i: Any) -> types.Integer:
    """Return the type `i` if it is an integer."""
    return whole("i", i)


def whole(name: str, given: Any) -> types.Integer:
    """Return a type if it is that of an integer; `name` is what an error calls it."""
    if isinstance(given, types.Literal):
        given = given.literal_type
    if not isinstance(given, types.Integer):
        raise TypingError(f"{name}: an integer, got {given}")
    return given


def address(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    """Write code for the address of ``a[i]``, the first two arguments, wherever that may be, and return it."""
    array = context.make_array(sig.args[0])(context, builder, args[0])
    at = context.cast(builder, args[1], sig.args[1], types.intp)
    return cgutils.get_item_pointer(context, builder, sig.args[0], array, [at])


def require_within(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple, elements: ir.Value) -> None:
    """Write code that raises IndexError unless `elements` of an array lie from ``a[i]`` on, with ``0 <= i``."""
    array = context.make_array(sig.args[0])(context, builder, args[0])
    at = context.cast(builder, args[1], sig.args[1], types.intp)
    (size,) = cgutils.unpack_tuple(builder, array.shape, 1)
    if isinstance(elements, ir.Constant) and elements.constant == 1:
        outside = builder.icmp_unsigned(">=", at, size)
        say = "index out of range: from 0 to a.size - 1, and negative ones do not count from the end"
    else:
        beyond = builder.icmp_unsigned("<", builder.sub(size, at), elements)
        outside = builder.or_(builder.icmp_unsigned(">", at, size), beyond)
        say = "index out of range: not so many elements from a[i] on, and negative i do not count from the end"
    with builder.if_then(outside, likely=False):
        context.call_conv.return_user_exc(builder, IndexError, (say,))


def place(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple, *, elements: int = 1) -> ir.Value:
    """Write code for the address of ``a[i]``, the first two arguments, with tests, and return it.

    The code raises IndexError unless so many elements lie from there on, and ValueError if the address is no
    multiple of the size of one: Numba's types do not tell a misaligned view.
    """
    require_within(context, builder, sig, args, ir.IntType(64)(elements))
    pointer = address(context, builder, sig, args)
    width = sig.args[0].dtype.bitwidth // 8
    require_multiple(context, builder, pointer, width, "a: a misaligned view; pass a copy, a.copy()")
    return pointer


def require_multiple(context: Any, builder: ir.IRBuilder, pointer: ir.Value, of: int, text: str) -> None:
    """Write code that raises ValueError with `text` if an address is no multiple of `of` bytes, a power of two."""
    if of == 1:
        return
    address = builder.ptrtoint(pointer, ir.IntType(64))
    over = builder.and_(address, ir.Constant(address.type, of - 1))
    with builder.if_then(builder.icmp_unsigned("!=", over, ir.Constant(address.type, 0)), likely=False):
        context.call_conv.return_user_exc(builder, ValueError, (text,))
