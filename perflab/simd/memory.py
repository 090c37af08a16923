"""Vectors from arrays and numbers, and back into arrays; with masks for the lanes that do not count."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError

from perflab.intrinsics import compiled_only, define
from perflab.intrinsics.places import address, index, one_dimensional, require_within, whole
from perflab.simd.kinds import Vector, known, mask_for, vector

INT, LONG = ir.IntType(32), ir.IntType(64)
ALIGNMENT = 1  # of an address, as far as is known: such loads and stores cost the same where it is more


@compiled_only
def load(a, i, kind):
    """Return the elements of `a` from ``a[i]`` on, as many as `kind` has lanes.

    Parameters
    ----------
    a : array, 1-D, contiguous
        Of the type of the vector's numbers.
    i : int
        From 0 to ``a.size`` less the lanes.
    kind : Vector
        ``simd.f32x8`` or another.

    Raises
    ------
    TypingError
        If the array or the kind will not do; the text says what to pass.
    IndexError
        If there are not so many elements.
    """


@compiled_only
def store(a, i, v):
    """Write a vector to the elements of `a` from ``a[i]`` on; arguments and errors as for `load`."""


@compiled_only
def load_masked(a, i, mask, kind):
    """Do as `load` for the lanes that are on; the others are 0, and need not be in the array."""


@compiled_only
def store_masked(a, i, v, mask):
    """Do as `store` for the lanes that are on; the others need not be in the array."""


@compiled_only
def splat(value, kind):
    """Return a vector whose every lane is `value`, cast to the type of its numbers."""


@compiled_only
def first(n, kind):
    """Return a mask whose first `n` lanes are on: for the rest of an array that fills no vector.

    Parameters
    ----------
    n : int
        Below 0 is none, above the number of lanes is all.
    kind : Vector
    """


@define(load)
def _load(a, i, kind):
    shape = known(kind)
    _fits(a, shape, written=False)
    index(i)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.load(_place(context, builder, sig, args, shape, LONG(shape.lanes)), align=ALIGNMENT)

    return shape(a, i, kind), generate


@define(store)
def _store(a, i, v):
    shape = vector("v", v)
    _fits(a, shape, written=True)
    index(i)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        place = _place(context, builder, sig, args, shape, LONG(shape.lanes))
        builder.store(args[2], place, align=ALIGNMENT)
        return context.get_dummy_value()

    return types.void(a, i, v), generate


@define(load_masked)
def _load_masked(a, i, mask, kind):
    shape = known(kind)
    _fits(a, shape, written=False)
    index(i)
    mask_for(shape, mask)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        place = _place(context, builder, sig, args, shape, _lanes_needed(builder, args[2], shape))
        value = context.get_value_type(shape)
        form = ir.FunctionType(value, [place.type, INT, args[2].type, value])
        name = f"llvm.masked.load.{shape.suffix}.p0"
        function = cgutils.get_or_insert_function(builder.module, form, name)
        return builder.call(function, [place, INT(ALIGNMENT), args[2], ir.Constant(value, None)])

    return shape(a, i, mask, kind), generate


@define(store_masked)
def _store_masked(a, i, v, mask):
    shape = vector("v", v)
    _fits(a, shape, written=True)
    index(i)
    mask_for(shape, mask)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        place = _place(context, builder, sig, args, shape, _lanes_needed(builder, args[3], shape))
        form = ir.FunctionType(ir.VoidType(), [args[2].type, place.type, INT, args[3].type])
        name = f"llvm.masked.store.{shape.suffix}.p0"
        function = cgutils.get_or_insert_function(builder.module, form, name)
        builder.call(function, [args[2], place, INT(ALIGNMENT), args[3]])
        return context.get_dummy_value()

    return types.void(a, i, v, mask), generate


@define(splat)
def _splat(value, kind):
    shape = known(kind)
    plain = value.literal_type if isinstance(value, types.Literal) else value
    if not isinstance(plain, types.Integer | types.Float) or (isinstance(plain, types.Float) and not shape.floats):
        raise TypingError(f"value: a number for a lane of {shape}, got {value}")

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return spread(builder, context.cast(builder, args[0], sig.args[0], shape.element), shape.lanes)

    return shape(value, kind), generate


@define(first)
def _first(n, kind):
    shape = known(kind)
    whole("n", n)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        wide = context.cast(builder, args[0], sig.args[0], types.int64)
        # Above the number of lanes any number will do, and below 0 any such.
        all_on = builder.icmp_signed(">", wide, LONG(shape.lanes))
        limit = builder.trunc(builder.select(all_on, LONG(shape.lanes), wide), INT)
        limit = builder.select(builder.icmp_signed("<", wide, LONG(0)), INT(0), limit)
        numbers = ir.Constant(ir.VectorType(INT, shape.lanes), list(range(shape.lanes)))
        return builder.icmp_signed("<", numbers, spread(builder, limit, shape.lanes))

    return shape.mask(n, kind), generate


def spread(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """Write code for a vector whose every lane is `value`."""
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined), value, INT(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT, lanes), [0] * lanes))


def _fits(a: Any, shape: Vector, *, written: bool) -> None:
    one_dimensional(a, written=written)
    if a.dtype != shape.element:
        raise TypingError(f"a: an array of {shape.element} for {shape}, got {a.dtype}; a.astype makes one")
    if a.layout not in "CF":
        raise TypingError("a: a contiguous array, whose elements lie side by side; pass a copy, a.copy()")


def _place(
    context: Any, builder: ir.IRBuilder, sig: Any, args: tuple, shape: Vector, needed: ir.Value
) -> ir.Value:
    """Write code for the address of a vector of which `needed` lanes have to be in the array."""
    require_within(context, builder, sig, args, needed)
    return builder.bitcast(address(context, builder, sig, args), context.get_value_type(shape).as_pointer())


def _lanes_needed(builder: ir.IRBuilder, mask: ir.Value, shape: Vector) -> ir.Value:
    """Write code for the number of lanes up to the last that is on."""
    bits = builder.zext(builder.bitcast(mask, ir.IntType(shape.lanes)), LONG)
    leading = builder.ctlz(bits, ir.IntType(1)(0))
    return builder.sub(LONG(64), leading)
