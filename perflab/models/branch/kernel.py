"""Watch the branches of a function: a part of `perflab.models.instrument`, and the trace that comes of it.

A branch is where the source decides: the condition of an ``if``, of a ``while``, of ``x if test else y`` and of an
``assert``; each operand of ``and`` and ``or``, of which the last belongs to what is around it; and each round of a
``for``, with one more for its end. What compilers remove by computing without a branch counts all the same.

Directions are those of plain machine code. What follows a condition comes next in memory, so the branch is
taken if the condition does not hold; the branch of a loop jumps back, and is taken as long as the loop goes on.
An operand of ``or`` that holds jumps ahead.
"""

import ast
import sys
from array import array
from collections import deque
from collections.abc import Callable
from types import FunctionType, GeneratorType
from typing import Any

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

from perflab.models import tape
from perflab.models.branch.predictors import Predictor
from perflab.models.branch.replay import Mispredictions, replay
from perflab.models.branch.tage import Tage
from perflab.models.branch.trace import Trace
from perflab.models.instrument import Part, UninstrumentableError, instrument

MOST = 1 << 25  # branches of a trace, in memory: 10 bytes each
BACKWARD, HOLDS = 1, 2  # bits of a code: it jumps back; it jumps if the condition holds
WAY_OUT = "Write its loops and conditions as statements; if it is compiled, let it use only what Numba compiles."


@njit
def _branched(site, flags, held):
    """Write down a condition, and return it."""
    tape.emit(np.int64(bool(held)), (site << tape.SITE) | flags)
    return held


def _branched_plainly(site: int, flags: int, held: Any) -> Any:
    tape.emit(int(bool(held)), (site << tape.SITE) | flags)
    return held


# They decide nothing by the elements of what they get, or ask a table for one.
_BRANCHLESS = {
    len,
    range,
    enumerate,
    zip,
    reversed,
    iter,
    next,
    list,
    tuple,
    bytes,
    bytearray,
    dict,
    isinstance,
    type,
}
_BRANCHLESS_METHODS = {"append", "extend", "pop", "get", "setdefault", "add", "copy", "keys", "values", "items"}
_CONTAINERS = (
    list,
    tuple,
    str,
    bytes,
    bytearray,
    dict,
    set,
    frozenset,
    deque,
    array,
    np.ndarray,
    GeneratorType,
    map,
)


def _called(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call; refuse a function of a library that decides by the elements of what it gets."""
    home = (getattr(function, "__module__", None) or "").partition(".")[0]
    owner = getattr(function, "__self__", None)
    library = not isinstance(function, Dispatcher | FunctionType) or (
        home in sys.stdlib_module_names and home != "__main__"
    )
    if library and home != "numpy" and not isinstance(owner, np.ndarray | np.generic):
        name = getattr(function, "__name__", type(function).__name__)
        if isinstance(owner, _CONTAINERS):
            hidden = name not in _BRANCHLESS_METHODS
        else:
            hidden = function not in _BRANCHLESS and any(
                isinstance(v, _CONTAINERS) for v in (*args, *kwargs.values())
            )
        if hidden:
            raise UninstrumentableError(
                f"{name} decides out of sight: write it as a loop, whose branches can be counted"
            )
    return function(*args, **kwargs)


def _searched(container: Any) -> Any:
    """Return what ``in`` looks through; refuse what it compares element by element."""
    if isinstance(container, _CONTAINERS) and not isinstance(container, dict | set | frozenset):
        raise UninstrumentableError("in compares out of sight: write it as a loop, whose branches can be counted")
    return container


class Branches(Part):
    """Writes every branch: whether its condition held."""

    hooks = {"branched": _branched}  # noqa: RUF012
    interpreted = {"branched": _branched_plainly, "called": _called, "searched": _searched}  # noqa: RUF012

    def visit_Call(self, node: ast.Call) -> ast.Call:  # noqa: N802
        """See that no library decides out of sight; of what is compiled Numba sees to it."""
        self.generic_visit(node)
        if self.is_interpreted:
            return self.call("called", node.func, *node.args, keywords=node.keywords)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:  # noqa: N802
        """See that no search decides out of sight."""
        self.generic_visit(node)
        if self.is_interpreted:
            node.comparators = [
                self.call("searched", part) if isinstance(op, ast.In | ast.NotIn) else part
                for op, part in zip(node.ops, node.comparators, strict=True)
            ]
        return node

    def visit_If(self, node: ast.If) -> ast.If:  # noqa: N802
        """Watch the condition."""
        node.test = self._condition(node.test, "if", 0)
        node.body, node.orelse = self._all(node.body), self._all(node.orelse)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:  # noqa: N802
        """Watch the condition."""
        node.test = self._condition(node.test, "if", 0)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:  # noqa: N802
        """Watch the condition."""
        node.test = self._condition(node.test, "assert", 0)
        return node

    def visit_While(self, node: ast.While) -> ast.While:  # noqa: N802
        """Watch the condition."""
        node.test = self._condition(node.test, "while", BACKWARD | HOLDS)
        node.body, node.orelse = self._all(node.body), self._all(node.orelse)
        return node

    def visit_For(self, node: ast.For) -> ast.For:  # noqa: N802
        """Watch each round, and the end if the loop comes to it."""
        node.iter = self.visit(node.iter)
        site = self.site("for", ast.copy_location(ast.For(node.target, node.iter, [], []), node))
        again, end = (
            ast.copy_location(ast.Expr(self._event(site, BACKWARD | HOLDS, ast.Constant(held))), node)
            for held in (True, False)
        )
        node.body = [again, *self._all(node.body)]
        node.orelse = [end, *self._all(node.orelse)]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.BoolOp:  # noqa: N802
        """Watch all operands but the last, outside a condition."""
        node.values = [*self._operands(node), self.visit(node.values[-1])]
        return node

    def visit_ListComp(self, node: ast.AST) -> ast.AST:  # noqa: N802
        """Refuse a loop that has no place for an event."""
        raise self.refuse(node, "write it as a loop, whose branches can be counted")

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def _all(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(statement) for statement in statements]

    def _condition(self, node: ast.expr, kind: str, flags: int) -> ast.expr:
        """Return a condition whose parts are watched; `flags` are those of its last branch."""
        if isinstance(node, ast.BoolOp):
            node.values = [*self._operands(node), self._condition(node.values[-1], kind, flags)]
            return node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node.operand = self._condition(node.operand, kind, flags ^ HOLDS)
            return node
        if isinstance(node, ast.Constant):
            return node  # no compiler leaves a branch there
        site = self.site(kind, node)
        return self._event(site, flags, self.visit(node))

    def _operands(self, node: ast.BoolOp) -> list[ast.expr]:
        """Return the operands but the last: one of ``and`` jumps if it fails, one of ``or`` if it holds."""
        kind, flags = ("and", 0) if isinstance(node.op, ast.And) else ("or", HOLDS)
        return [self._condition(value, kind, flags) for value in node.values[:-1]]

    def _event(self, site: ast.Constant, flags: int, held: ast.expr) -> ast.Call:
        return self.call("branched", site, ast.Constant(flags), held)


def watched(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Trace, Any]:
    """Call ``fn(*args)`` and return its branches and its result; see `record`."""
    pieces: list[tuple[np.ndarray, np.ndarray]] = []
    count = 0

    def consume(values: np.ndarray, codes: np.ndarray) -> None:
        nonlocal count
        count += values.size
        if count > MOST:
            raise UninstrumentableError(f"{_name(fn)} has more than {MOST:,} branches; give it a smaller input")
        pieces.append((values.astype(bool), codes.copy()))

    try:
        code = instrument(fn, (Branches,))
        given = code.arguments(args)
        code.compile(given)
    except UninstrumentableError as error:
        raise UninstrumentableError(f"{_name(fn)}: its branches cannot be watched: {error}. {WAY_OUT}") from error
    try:
        with tape.recording(consume):
            result = code.call(given)
    except UninstrumentableError as error:
        raise UninstrumentableError(f"{_name(fn)}: its branches cannot be watched: {error}. {WAY_OUT}") from error
    codes = np.concatenate([codes for _, codes in pieces] or [np.empty(0, np.int64)])
    held = np.concatenate([held for held, _ in pieces] or [np.empty(0, bool)])
    places = dict(enumerate(code.sites))
    return Trace(codes >> tape.SITE, held == (codes & HOLDS > 0), codes & BACKWARD > 0, places), result


def record(fn: Callable[..., Any], args: tuple[Any, ...]) -> Trace:
    """Call ``fn(*args)`` and return its branches.

    The function runs for real, compiled if it is: arrays among the arguments end up as a true call leaves them.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one, which Python runs. Functions that it calls are watched too.
    args : tuple

    Returns
    -------
    Trace
        The address of a branch is its number in the order of the source; `Trace.places` says where that is.

    Raises
    ------
    UninstrumentableError
        If the branches cannot be watched; the text names the line and the way out.
    """
    return watched(fn, args)[0]


def mispredictions(
    fn: Callable[..., Any], args: tuple[Any, ...], predictor: Predictor | None = None
) -> Mispredictions:
    """Count the branches of ``fn(*args)`` that a predictor would guess wrong.

    Parameters
    ----------
    fn, args
        See `record`.
    predictor : Predictor, optional
        `Tage` by default, which comes closest to a processor of today.

    Returns
    -------
    Mispredictions
    """
    return replay(predictor or Tage(), record(fn, args))


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)
