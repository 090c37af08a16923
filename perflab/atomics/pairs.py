"""Two neighbors compared and exchanged as one: 16 bytes at once."""

from functools import cache
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.core.registry import cpu_target

from perflab.atomics import orders
from perflab.atomics.orders import Order
from perflab.intrinsics import call, define, integers, place
from perflab.intrinsics.places import index, require_multiple, whole

WORD, PAIR = ir.IntType(64), ir.IntType(128)


def compare_exchange_pair(a, i, expected_low, expected_high, low, high, order: Order = "seq_cst"):
    """Write `low` and `high` to ``a[i]`` and ``a[i + 1]`` if both expected values stand there; return whether.

    Parameters
    ----------
    a : array of int64 or uint64, 1-D, contiguous
        ``a[i]`` has to lie at a multiple of 16 bytes: make it by `perflab.hints.empty`, and let `i` be even.
    i : int
        From 0 to ``a.size - 2``.
    expected_low, expected_high, low, high : int
        Cast to the type of the array.
    order : {"seq_cst", "acq_rel", "acquire", "release", "relaxed"}
        As for `compare_exchange`.

    Raises
    ------
    TypingError
        If the array will not do, or the processor that is compiled for has no such instruction.
    IndexError
        If there are no two elements from ``a[i]`` on.
    ValueError
        If they do not lie at a multiple of 16 bytes.
    """
    return call(compare_exchange_pair, (a, i, expected_low, expected_high, low, high), order)


@define(compare_exchange_pair)
def _compare_exchange_pair(a, i, expected_low, expected_high, low, high, order="seq_cst"):
    name, kind = orders.known(order, orders.UPDATE, "compare_exchange_pair")
    dtype = integers(a).dtype
    if dtype.bitwidth != 64 or a.layout not in "CF":
        raise TypingError(f"a: a contiguous array of int64 or uint64, got {a}; pass a copy, a.astype(np.int64)")
    index(i)
    values = {"expected_low": expected_low, "expected_high": expected_high, "low": low, "high": high}
    for which, value in values.items():
        whole(which, value)
    if not available(*cpu_target.target_context.codegen().magic_tuple()):
        raise TypingError(
            "compare_exchange_pair: the processor that is compiled for cannot exchange 16 bytes at once; "
            "keep a tag and an index in one integer, see perflab.atomics.pack"
        )

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        pointer = place(context, builder, sig, args, elements=2)
        require_multiple(
            context, builder, pointer, 16, "a[i] does not lie at a multiple of 16 bytes; see perflab.hints.empty"
        )
        words = [context.cast(builder, args[k], sig.args[k], dtype) for k in range(2, 6)]
        old, new = _joined(builder, *words[:2]), _joined(builder, *words[2:])
        pair = builder.bitcast(pointer, PAIR.as_pointer())
        failed = orders.OF_FAILURE.get(name, name)
        both = builder.cmpxchg(pair, old, new, orders.llvm(name), orders.llvm(failed))
        return builder.extract_value(both, 1)

    return types.boolean(a, i, *values.values(), kind), generate


def _joined(builder: ir.IRBuilder, low: ir.Value, high: ir.Value) -> ir.Value:
    upper = builder.shl(builder.zext(high, PAIR), ir.Constant(PAIR, 64))
    return builder.or_(builder.zext(low, PAIR), upper)


@cache
def available(triple: str, cpu: str, features: str) -> bool:
    """Return whether a processor exchanges 16 bytes by instructions: elsewhere LLVM calls a function of C's.

    That function is not there, and calling it ends the process. So one is compiled and looked at.
    """
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(PAIR, [PAIR.as_pointer(), PAIR]), "exchange")
    builder = ir.IRBuilder(function.append_basic_block())
    pointer, value = function.args
    both = builder.cmpxchg(pointer, value, value, "seq_cst", "seq_cst")
    builder.ret(builder.extract_value(both, 0))
    target = llvmlite.binding.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=cpu, features=features)
    code = machine.emit_assembly(llvmlite.binding.parse_assembly(str(module)))
    return "__sync_" not in code and "__atomic_" not in code
