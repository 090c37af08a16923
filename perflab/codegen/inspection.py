"""What the compiler made of a function: its loops, the hot one first, and what Numba added to their indices."""

import html
import textwrap
from dataclasses import dataclass, field

from numba.core.dispatcher import Dispatcher

from perflab.codegen.annotate import annotated, summary
from perflab.codegen.assembly import called, functions
from perflab.codegen.checks import index_checks
from perflab.codegen.compiler import SECONDS, TARGET, CodegenError, compiled
from perflab.codegen.features import Loop, branches_of, by_heat, divisions_of, inner_loops

WIDTH = 79  # columns of the text above the code
# Metrics of `check.counts`, and how a report names them: but for divisions and branches, of the hot loop.
METRICS = {
    "vector_bits": "bits worked on by one instruction of the hot loop",
    "fma": "fused multiply-adds in the hot loop",
    "divisions": "divisions in a loop",
    "branches": "branches in its loops",
    "code_calls": "calls in the hot loop",
    "gathers": "gathers in the hot loop",
    "wraparound": "repairs of negative indices in the loop",
    "bounds_checks": "bounds checks in the loop",
    "prefetches": "prefetches in the hot loop",
    "instructions": "instructions of the hot loop",
}


@dataclass(frozen=True)
class Code:
    """The code of one function for one signature.

    Attributes
    ----------
    name, signature, target : str
    loops : tuple of Loop
        The innermost ones, the hottest first: the deepest, and among equally deep ones that with most arithmetic.
    called_loops : tuple of Loop or None
        Those of functions that it calls, directly or not, and that LLVM did not inline, in the same order; None
        where one calls itself, so that its code is not at hand.
    branches : int
        Conditional jumps in all these loops and in those around them, without one that closes each.
    wraparound : int
        Repairs of negative indices in a loop: Numba adds ``if i < 0: i += n`` where LLVM cannot prove that the
        index is never negative. An unrolled loop has several of each.
    bounds_checks : int
        Tests in a loop whether an index is inside, with ``boundscheck=True``.
    divisions : int
        Of that loop which has most, with all that it calls and all loops in it, of integers and other numbers: one
        that never runs must not stand for the one that divides.
    """

    name: str
    signature: str
    target: str
    loops: tuple[Loop, ...] = field(repr=False)
    called_loops: tuple[Loop, ...] | None = field(repr=False)
    branches: int
    wraparound: int
    bounds_checks: int
    divisions: int

    @property
    def hot(self) -> Loop | None:
        """The loop where most time goes, as far as code can tell; None without a loop."""
        return self.loops[0] if self.loops else None

    def __str__(self) -> str:
        headline = f"{self.name}{self.signature} for {self.target}"
        if self.hot is None:
            return f"{headline}\nThere is no loop."
        added = {"Repairs of negative indices": self.wraparound, "Bounds checks": self.bounds_checks}
        words = [f"{what}: {number}." for what, number in added.items() if number]
        text = textwrap.fill(" ".join(["The hot loop.", summary(self.hot), *words]), WIDTH)
        return f"{headline}\n{text}\n\n{annotated(self.hot)}"

    def _repr_html_(self) -> str:
        return f'<pre style="overflow-x:auto;line-height:1.3;font-family:monospace">{html.escape(str(self))}</pre>'


def inspect(fn: Dispatcher, args: tuple | str, *, seconds: float = SECONDS) -> Code:
    """Inspect the code of a Numba function for the types of some arguments.

    It is compiled in a process of its own, for `TARGET` whatever this machine is; `fn` stays as it was. Loops of
    functions that it calls and that LLVM did not inline are not its own: they show as calls, and apart.

    Parameters
    ----------
    fn : Numba function
    args : tuple or str
        Example arguments, Numba types, or a signature such as ``"f8(f8[::1])"``.
    seconds : float
        When to give up.

    Returns
    -------
    Code

    Raises
    ------
    TypeError
        If `fn` is not compiled by Numba, or `args` have no Numba type.
    CodegenError
        If it does not compile, or not in time.

    Examples
    --------
    >>> from numba import njit
    >>> @njit
    ... def double(a):
    ...     for i in range(a.size):
    ...         a[i] *= 2
    >>> inspect(double, "void(f8[::1])").hot.vector_bits
    256
    """
    found = compiled(fn, args, seconds)
    every = functions(found["asm"])
    own = next(one for one in every if one.name == found["name"])
    others = called(own, every)
    other_loops = None if others is None else tuple(by_heat(loop for one in others for loop in inner_loops(one)))
    divisions, branches = divisions_of(own, others or []), branches_of(own, others or [])
    wraparound, bounds = index_checks(found["ir"], found["name"])
    loops = tuple(inner_loops(own))
    return Code(
        fn.__name__, found["signature"], TARGET, loops, other_loops, branches, wraparound, bounds, divisions
    )


def measure(metric: str, fn: Dispatcher, args: tuple) -> float:
    """Return one number about the hot loop of `fn`, be it in a function that it calls; without a loop, 0.

    Divisions and branches are counted in all loops: one that hardly runs must not stand for the one that works.

    Whoever moves a loop into a function that LLVM does not inline still has that loop.

    Parameters
    ----------
    metric : str
        A key of `METRICS`.
    fn : Numba function
    args : tuple
        See `inspect`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the metric is unknown.
    TypeError, CodegenError
        See `inspect`; also if `fn` calls a function that calls itself, whose loops are not in its code.
    """
    if metric not in METRICS:
        raise ValueError(f"metric: one of {', '.join(map(repr, METRICS))}, got {metric!r}")
    code = inspect(fn, args)
    if code.called_loops is None:
        raise CodegenError(f"{fn.__name__}: it calls a function that calls itself; write that as a loop")
    loops = by_heat((*code.loops, *code.called_loops))
    if not loops:
        return 0.0
    if metric in ("branches", "wraparound", "bounds_checks", "divisions"):
        return float(getattr(code, metric))
    values = {
        "code_calls": loops[0].calls,
        "instructions": len(loops[0].instructions),
    }
    return float(values[metric] if metric in values else getattr(loops[0], metric))
