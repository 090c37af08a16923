"""One number of all lanes."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError

from perflab.intrinsics import compiled_only, define
from perflab.simd.kinds import Mask, Vector, vector


@compiled_only
def sum(v):
    """Return the sum of the lanes; floats are added in pairs, then pairs of these, so rounding differs."""


@compiled_only
def min(v):
    """Return the least of the lanes; what is not a number is passed over."""


@compiled_only
def max(v):
    """Return the greatest of the lanes; what is not a number is passed over."""


@compiled_only
def any(mask):
    """Return whether a lane is on."""


@compiled_only
def all(mask):
    """Return whether all lanes are on."""


def _define_number(function, of_floats: str, of_integers: str) -> None:
    @define(function)
    def reduce(v):
        shape = vector("v", v)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return _reduced(context, builder, shape, of_floats if shape.floats else of_integers, args[0])

        return shape.element(v), generate


def _reduced(context: Any, builder: ir.IRBuilder, shape: Vector, operation: str, v: ir.Value) -> ir.Value:
    element = context.get_value_type(shape.element)
    starts = [element] if operation == "fadd" else []
    name = f"llvm.vector.reduce.{operation}.{shape.suffix}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(element, [*starts, v.type]), name)
    # Without "reassoc" LLVM would add one lane after the other.
    flags = ("reassoc",) if starts else ()
    return builder.call(function, [*(ir.Constant(kind, -0.0) for kind in starts), v], fastmath=flags)


_define_number(sum, "fadd", "add")
_define_number(min, "fmin", "smin")
_define_number(max, "fmax", "smax")


def _define_truth(function, sign: str, other: int) -> None:
    @define(function)
    def reduce(mask):
        if not isinstance(mask, Mask):
            raise TypingError(f"mask: a mask, as comparisons of vectors make it, got {mask}")
        bits = ir.IntType(mask.lanes)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return builder.icmp_unsigned(sign, builder.bitcast(args[0], bits), ir.Constant(bits, other))

        return types.boolean(mask), generate


_define_truth(any, "!=", 0)
_define_truth(all, "==", -1)
