"""What to do while waiting for another thread, and a clock that costs next to nothing."""

from typing import Any

from llvmlite import ir
from numba import njit, types

from perflab.intrinsics import call, define
from perflab.intrinsics.targets import architecture

PAUSES = 64  # in a row, before the core is offered to somebody else; a power of two
BARRIER_SY = 15  # the one kind of instruction barrier that arm64 has

_sched_yield = types.ExternalFunction("sched_yield", types.int32())


def pause():
    """Tell the core that this is a waiting loop: it saves power, and leaves the loop without a penalty.

    x86-64: ``pause``; arm64: ``isb``, as ``yield`` does nothing on most of its cores.
    """
    return call(pause, ())


@define(pause)
def _pause():
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        none, number = ir.VoidType(), ir.IntType(32)
        if architecture(builder.module.triple) == "arm64":
            function = builder.module.declare_intrinsic("llvm.aarch64.isb", (), ir.FunctionType(none, [number]))
            builder.call(function, [number(BARRIER_SY)])
        else:
            function = builder.module.declare_intrinsic("llvm.x86.sse2.pause", (), ir.FunctionType(none, []))
            builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), generate


@njit(nogil=True)
def back_off(turns):
    """Wait a moment in a loop that waits for another thread; return `turns` + 1, to be passed the next time.

    Mostly a `pause`; once in 64 turns the operating system may run somebody else on this core. Without that, a
    thread that waits for one that has no core wastes its own time slice to the end.

    Parameters
    ----------
    turns : int
        How often the loop has waited; 0 at first.

    Examples
    --------
    ::

        turns = 0
        while atomics.load(ready, 0, "acquire") == 0:
            turns = hints.back_off(turns)
    """
    if turns & (PAUSES - 1) == PAUSES - 1:
        _sched_yield()
    else:
        pause()
    return turns + 1


def cycles():
    """Return the count of a clock that ticks evenly: x86-64's time stamp counter, arm64's virtual counter.

    Differences count ticks of a fixed rate, about that of the core on x86-64 and far slower on arm64. Read out of
    order with what stands around it, so use it over a hundred instructions and more.

    Returns
    -------
    int
        uint64.
    """
    return call(cycles, ())


@define(cycles)
def _cycles():
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", (), kind), [])

    return types.uint64(), generate
