"""Arithmetic lane by lane, comparisons that make masks, and choices by a mask."""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import lower_builtin, type_callable

from perflab.intrinsics import compiled_only, define
from perflab.simd.kinds import BIT, Mask, Vector, mask_for, vector

COMPARISONS = {
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
    operator.eq: "==",
    operator.ne: "!=",
}


@compiled_only
def fma(x, y, z):
    """Return ``x * y + z``, rounded once; for vectors of floats."""


@compiled_only
def select(mask, x, y):
    """Return the lanes of `x` where `mask` is on, those of `y` elsewhere."""


@define(fma)
def _fma(x, y, z):
    shape = vector("x", x)
    if not shape.floats or x != y or x != z:
        raise TypingError(f"x, y, z: three vectors of floats of one kind, got {x}, {y} and {z}")

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        form = ir.FunctionType(args[0].type, [args[0].type] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, form, f"llvm.fma.{shape.suffix}"), args)

    return shape(x, y, z), generate


@define(select)
def _select(mask, x, y):
    shape = vector("x", x)
    if x != y:
        raise TypingError(f"x, y: two vectors of one kind, got {x} and {y}")
    mask_for(shape, mask)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.select(*args)

    return shape(mask, x, y), generate


def _define_operator(symbol: Callable, kind: type, returned: Callable[[Any], Any], emit: Callable) -> None:
    """Define an operator of Python's for two values of one vector or mask type."""

    @type_callable(symbol)
    def typed(context: Any) -> Callable:
        def typer(x, y):
            if not isinstance(x, kind) and not isinstance(y, kind):
                return None
            if x != y:
                raise TypingError(f"two operands of one kind, got {x} and {y}; of a number make one by simd.splat")
            return returned(x)

        return typer

    @lower_builtin(symbol, kind, kind)
    def lowered(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return emit(builder, sig.args[0], *args)


def _define_arithmetic(symbols: tuple[Callable, Callable], of_floats: str, of_integers: str) -> None:
    def emit(builder: ir.IRBuilder, shape: Vector, x: ir.Value, y: ir.Value) -> ir.Value:
        return getattr(builder, of_floats if shape.floats else of_integers)(x, y)

    for symbol in symbols:
        _define_operator(symbol, Vector, lambda x: x, emit)


def _define_comparison(symbol: Callable, sign: str) -> None:
    def emit(builder: ir.IRBuilder, shape: Vector, x: ir.Value, y: ir.Value) -> ir.Value:
        if not shape.floats:
            return builder.icmp_signed(sign, x, y)
        # As for numbers: what is not a number is unequal to all, and neither less nor greater.
        return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, x, y)

    _define_operator(symbol, Vector, lambda x: x.mask, emit)


# To Numba ``x += y`` is another operator than ``x + y``.
_define_arithmetic((operator.add, operator.iadd), "fadd", "add")
_define_arithmetic((operator.sub, operator.isub), "fsub", "sub")
_define_arithmetic((operator.mul, operator.imul), "fmul", "mul")
for _symbol, _sign in COMPARISONS.items():
    _define_comparison(_symbol, _sign)
for _symbol in (operator.and_, operator.iand):
    _define_operator(_symbol, Mask, lambda x: x, lambda builder, _, x, y: builder.and_(x, y))
for _symbol in (operator.or_, operator.ior):
    _define_operator(_symbol, Mask, lambda x: x, lambda builder, _, x, y: builder.or_(x, y))


@type_callable(operator.invert)
def _invert_typed(context: Any) -> Callable:
    return lambda x: x if isinstance(x, Mask) else None


@lower_builtin(operator.invert, Mask)
def _invert_lowered(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    return builder.xor(args[0], ir.Constant(args[0].type, [BIT(1)] * sig.args[0].lanes))
