"""Which way a branch mostly goes."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError

from perflab.intrinsics import define

BIT = ir.IntType(1)


def likely(condition):
    """Return `condition`; the compiler lays the code out for it being true.

    Parameters
    ----------
    condition : bool or int
    """
    return bool(condition)


def unlikely(condition):
    """Return `condition`; the compiler lays the code out for it being false. See `likely`."""
    return bool(condition)


def _define(function, expected: bool) -> None:
    @define(function)
    def hint(condition):
        kind = condition.literal_type if isinstance(condition, types.Literal) else condition
        if not isinstance(kind, types.Boolean | types.Integer):
            raise TypingError(f"condition: a truth value or an integer, got {condition}")

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            value = context.cast(builder, args[0], sig.args[0], types.boolean)
            name = "llvm.expect"
            expect = builder.module.declare_intrinsic(name, [BIT], ir.FunctionType(BIT, [BIT, BIT]))
            return builder.call(expect, [value, BIT(expected)])

        return types.boolean(condition), generate


_define(likely, True)
_define(unlikely, False)
