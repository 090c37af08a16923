"""Count the cycles of a whole call: what its innermost loops cost, as often as they go around.

So no loop that hardly runs stands for the one that does, and nothing is done elsewhere for free:

- Outside of innermost loops, on the way of an ``if`` that fewer rounds take, and in helper functions, each
  operation on numbers costs its latency, as if it waited for the one before.
- A load waits for a store to the same array, unless their indices surely differ.
- Each round of a loop around another one costs a mispredicted branch, the end of the inner one.
- What may hide a loop is refused: functions of libraries, operations on whole arrays, functions that call
  themselves. So are innermost loops that load fewer elements than the largest argument has.
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
from perflab.models.pipeline import expressions, work
from perflab.models.pipeline.analysis import analyze
from perflab.models.pipeline.core import SKYLAKE, Core
from perflab.models.pipeline.expressions import MAKERS, VIEWS
from perflab.models.pipeline.loop import Loop
from perflab.models.pipeline.reading import read
from perflab.models.pipeline.values import UnmodelledError

FEW = 64  # rounds of a loop that may be of a kind that the model cannot read, such as one over what is left
UNREAD = 42  # cycles of such a round: the latency of the slowest instruction
OPEN = (len, range, min, max, abs, int, float, bool)
WAY_OUT = "write it as a loop of this function"
OPERATORS = {kind.__name__: name for kind, name in expressions.INTEGER.items()}
FLOAT_OPERATORS = {kind.__name__: name for kind, name in expressions.FLOAT.items()}


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
    plain = getattr(fn, "py_func", fn)
    name = plain.__name__
    definition, first = parsed(plain)
    _refuse_hidden(plain, ())
    seen = work.watched(fn, args)
    loops = {node.lineno + first - 1: node for node in ast.walk(definition) if _is_loop(node)}
    outer = {line for line, node in loops.items() if any(_is_loop(n) for n in ast.walk(node) if n is not node)}
    ways = _ways(seen, name)
    total, loaded, charged = Fraction(0), 0, _Lines()
    for site, rounds in seen.times(*work.ROUNDS):
        if not rounds:
            continue
        if site.function != name:
            if rounds > FEW:
                raise UninstrumentableError(f"line {site.line}: a loop of {site.function}; {WAY_OUT}")
            total += rounds * UNREAD
        elif site.line in outer:
            total += rounds * core.penalty
        elif (loop := _innermost(fn, args, site, rounds, ways)) is None:
            total += rounds * UNREAD
            loaded += rounds
        else:
            total += rounds * analyze(loop, core).cycles
            loaded += rounds * sum(it.operation == "load" for it in loop.body)
            charged.add(loops[site.line], ways, first)
    size = max((arg.size for arg in args if isinstance(arg, np.ndarray)), default=0)
    if loaded < size:
        raise UninstrumentableError(
            f"the innermost loops of {name} load {loaded:,} elements of {size:,}; {WAY_OUT}"
        )
    for site, made in zip(seen.sites, seen.made, strict=True):
        if site.kind not in (*work.ROUNDS, *work.WAYS) and not (site.function == name and site.line in charged):
            total += _one_by_one(site, made, core)
    return float(total), seen.result


class _Lines:
    """Lines whose operations are charged as parts of their loop."""

    def __init__(self) -> None:
        self._lines: set[int] = set()

    def __contains__(self, line: int) -> bool:
        return line in self._lines

    def add(self, loop: ast.For | ast.While, ways: dict[int, bool], first: int) -> None:
        """Add those of a loop, without the ways that its model does not take."""
        begin = max(loop.body[0].lineno, loop.lineno + 1) if isinstance(loop, ast.For) else loop.lineno
        lines = set(range(begin, loop.body[-1].end_lineno + 1))
        for node in ast.walk(loop):
            if isinstance(node, ast.If):
                left = node.orelse if ways.get(node.lineno + first - 1, True) else node.body
                lines -= {line for part in left for line in range(part.lineno, part.end_lineno + 1)}
        self._lines |= {line + first - 1 for line in lines}


def _ways(seen: work.Watched, name: str) -> dict[int, bool]:
    """Return by line whether an ``if`` of the function held at least as often as not."""
    then, other = ({s.line: n for s, n in seen.times(way) if s.function == name} for way in work.WAYS)
    return {line: then[line] >= other[line] for line in then}


def _one_by_one(site: Site, made: np.ndarray, core: Core) -> int:
    """Return what the operations of a site cost, if each waits for the one before."""
    if made[work.ARRAY]:
        raise UninstrumentableError(f"line {site.line}, `{site.text}`: it hides a loop over an array; {WAY_OUT}")
    costs = 0
    for kind, operators in ((work.INTEGER, OPERATORS), (work.FLOAT, FLOAT_OPERATORS)):
        operation = operators.get(site.kind)
        costs += int(made[kind]) * (core.operations[operation].latency if operation else UNREAD)
    return costs


def _innermost(
    fn: Callable[..., Any], args: tuple[Any, ...], site: Site, rounds: int, ways: dict[int, bool]
) -> Loop | None:
    """Return an innermost loop; None if the model cannot read it, and it has few rounds."""
    try:
        return read(fn, args, line=site.line, ways=ways)
    except UnmodelledError as error:
        if rounds > FEW:
            raise UninstrumentableError(str(error)) from error
        return None


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, ast.For | ast.While)


def _refuse_hidden(plain: Callable[..., Any], callers: tuple[Callable[..., Any], ...]) -> None:
    """Raise if a function, or one that it calls, calls itself, or what may hide a loop.

    It may call functions like itself, makers and views of arrays, and what deals with single numbers.
    """
    definition, first = parsed(plain)
    reached = inspect.getclosurevars(plain)
    names = {**vars(builtins), **reached.globals, **reached.nonlocals}

    def found(node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return names.get(node.id)
        return getattr(found(node.value), node.attr, None) if isinstance(node, ast.Attribute) else None

    for node in ast.walk(definition):
        why = "it may hide a loop" if _multiplies_matrices(node) else ""
        if isinstance(node, ast.Call):
            called = found(node.func)
            own = getattr(called, "py_func", called)
            if own in (plain, *callers):
                why = f"{own.__name__} calls itself"
            elif isinstance(called, Dispatcher):
                _refuse_hidden(own, (plain, *callers))
            elif not _is_open(called, node):
                why = "it may hide a loop"
        if why:
            raise UninstrumentableError(f"line {node.lineno + first - 1}, `{ast.unparse(node)}`: {why}; {WAY_OUT}")


def _multiplies_matrices(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)


def _is_open(called: Any, node: ast.Call) -> bool:
    """Tell whether a call makes or views an array, or deals with single numbers."""
    makes = getattr(np, getattr(called, "__name__", ""), None) is called and any(
        called is getattr(np, f"{name}{like}") for name in MAKERS for like in ("", "_like")
    )
    number = isinstance(called, type) and issubclass(called, np.generic)
    view = called is None and isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS
    return makes or number or view or any(called is one for one in OPEN)
