"""Count the cycles of a whole call: what its innermost loops cost, as often as they go around.

So no loop that hardly runs stands for the one that does. What is outside of innermost loops is taken for free,
with three exceptions: each round of a loop around another one costs a mispredicted branch, the end of the inner
one; functions of libraries may hide loops and are refused; and the loops have to load as many elements as the
largest argument has.
"""

import ast
import builtins
import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from perflab.models.instrument import Site, UninstrumentableError, parsed
from perflab.models.pipeline.analysis import analyze
from perflab.models.pipeline.core import SKYLAKE, Core
from perflab.models.pipeline.expressions import MAKERS, VIEWS
from perflab.models.pipeline.reading import read
from perflab.models.pipeline.values import UnmodelledError

FEW = 64  # rounds of a loop that may be of a kind that the model cannot read, such as one over what is left
UNREAD = 42  # cycles of such a round: the latency of the slowest instruction
OPEN = (len, range, min, max, abs, int, float, bool)
WAY_OUT = "write it as a loop of this function"


def cycles(fn: Callable[..., Any], args: tuple[Any, ...], core: Core = SKYLAKE) -> tuple[float, Any]:
    """Run ``fn(*args)``; return the cycles that its loops take on a core, and the result.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one within Numba's part of Python.
    args : tuple
    core : Core

    Raises
    ------
    UninstrumentableError
        If the rounds of its loops cannot be counted, or the model cannot read one of them; with the line and the
        way out.
    """
    # Imported here: a sandbox lacks the models that an exercise forbids.
    from perflab.models.branch.kernel import watched

    plain = getattr(fn, "py_func", fn)
    definition, first = parsed(plain)
    _refuse_libraries(definition, plain, first)
    loops = [node for node in ast.walk(definition) if isinstance(node, ast.For | ast.While)]
    outer = {
        node.lineno + first - 1 for node in loops if any(_is_loop(n) for n in ast.walk(node) if n is not node)
    }
    trace, result = watched(fn, args)
    again = trace.taken & trace.backward
    total, loaded = Fraction(0), 0
    for number, site in trace.places.items():
        rounds = int((again & (trace.address == number)).sum())
        if site.kind not in ("for", "while") or not rounds:
            continue
        if site.function != plain.__name__:
            if rounds > FEW:
                raise UninstrumentableError(f"line {site.line}: a loop of {site.function}; {WAY_OUT}")
            total += rounds * UNREAD
        elif site.line in outer:
            total += rounds * core.penalty
        else:
            of_round, loads = _innermost(fn, args, site, rounds, core)
            total += rounds * of_round
            loaded += rounds * loads
    size = max((arg.size for arg in args if isinstance(arg, np.ndarray)), default=0)
    if loaded < size:
        name = plain.__name__
        raise UninstrumentableError(
            f"the innermost loops of {name} load {loaded:,} elements of {size:,}; {WAY_OUT}"
        )
    return float(total), result


def _innermost(fn: Callable[..., Any], args: tuple, site: Site, rounds: int, core: Core) -> tuple[Fraction, int]:
    """Return cycles and loads of a round."""
    try:
        loop = read(fn, args, line=site.line)
    except UnmodelledError as error:
        if rounds > FEW:
            raise UninstrumentableError(str(error)) from error
        return Fraction(UNREAD), 1
    return analyze(loop, core).cycles, sum(it.operation == "load" for it in loop.body)


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, ast.For | ast.While)


def _refuse_libraries(definition: ast.FunctionDef, plain: Callable[..., Any], first: int) -> None:
    """Raise if the function calls what may hide a loop: all but its own functions, makers and views of arrays."""
    reached = inspect.getclosurevars(plain)
    names = {**vars(builtins), **reached.globals, **reached.nonlocals}

    def found(node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return names.get(node.id)
        return getattr(found(node.value), node.attr, None) if isinstance(node, ast.Attribute) else None

    for node in ast.walk(definition):
        hidden = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)
        if isinstance(node, ast.Call):
            called = found(node.func)
            makes = getattr(np, getattr(called, "__name__", ""), None) is called and any(
                called is getattr(np, f"{name}{like}") for name in MAKERS for like in ("", "_like")
            )
            number = isinstance(called, type) and issubclass(called, np.generic)
            view = called is None and isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS
            own = isinstance(called, Dispatcher) or called is plain
            hidden = not (makes or number or view or own or any(called is one for one in OPEN))
        if hidden:
            raise UninstrumentableError(
                f"line {node.lineno + first - 1}, `{ast.unparse(node)}`: it may hide a loop; {WAY_OUT}"
            )
