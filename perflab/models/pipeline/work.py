"""Watch a call for the model: rounds of loops, ways of ifs, and each operation on numbers, wherever it happens.

It is a part of `perflab.models.instrument`, so functions that are called are watched, too.
"""

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from perflab.models import tape
from perflab.models.instrument import Part, Site, UninstrumentableError, instrument

INTEGER, FLOAT, ARRAY, OTHER = range(4)  # what an operation makes
ROUNDS, WAYS = ("for", "while"), ("then", "else")
WAY_OUT = "Write its loops as statements; if it is compiled, let it use only what Numba compiles."


def _kind(value: Any) -> int:
    """Return which kind of value it is."""
    if isinstance(value, np.ndarray):
        return ARRAY
    if isinstance(value, bool | int | np.integer | np.bool_):
        return INTEGER
    return FLOAT if isinstance(value, float | complex | np.inexact) else OTHER


@overload(_kind)
def _kind_compiled(value):
    if isinstance(value, types.Array):
        return lambda value: ARRAY
    if isinstance(value, types.Integer | types.Boolean):
        return lambda value: INTEGER
    return (lambda value: FLOAT) if isinstance(value, types.Float | types.Complex) else (lambda value: OTHER)


@njit
def _made(site, value):
    """Write down an operation, and return what it made."""
    tape.emit(_kind(value), site << tape.SITE)
    return value


def _made_plainly(site: int, value: Any) -> Any:
    tape.emit(_kind(value), site << tape.SITE)
    return value


class Work(Part):
    """Writes each round of a loop, each way of an if, and each operation, whose sites are of its kind: "Mult"."""

    hooks = {"made": _made}  # noqa: RUF012
    interpreted = {"made": _made_plainly}  # noqa: RUF012

    def visit_BinOp(self, node: ast.BinOp) -> ast.Call:  # noqa: N802
        """Watch an operation."""
        site = self.site(type(node.op).__name__, node)
        self.generic_visit(node)
        return self.call("made", site, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:  # noqa: N802
        """Watch an operation in place."""
        site = self.site(type(node.op).__name__, node)
        result: Any = copy.deepcopy(node.target)
        result.ctx = ast.Load()
        self.generic_visit(node)
        return [node, self._event(site, node, result)]

    def visit_If(self, node: ast.If) -> ast.If:  # noqa: N802
        """Watch both ways."""
        sites = [self.site(way, node) for way in WAYS]
        self.generic_visit(node)
        node.body, node.orelse = (
            [self._event(site, node), *statements]
            for site, statements in zip(sites, (node.body, node.orelse), strict=True)
        )
        return node

    def visit_For(self, node: ast.For) -> ast.For:  # noqa: N802
        """Watch each round."""
        return self._loop(node, "for")

    def visit_While(self, node: ast.While) -> ast.While:  # noqa: N802
        """Watch each round."""
        return self._loop(node, "while")

    def visit_ListComp(self, node: ast.AST) -> ast.AST:  # noqa: N802
        """Refuse a loop that has no place for an event."""
        raise self.refuse(node, "write it as a loop, whose rounds can be counted")

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def _loop(self, node: Any, kind: str) -> Any:
        site = self.site(kind, node)
        self.generic_visit(node)
        node.body.insert(0, self._event(site, node))
        return node

    def _event(self, site: ast.Constant, node: ast.AST, value: ast.expr | None = None) -> ast.stmt:
        return ast.copy_location(ast.Expr(self.call("made", site, value or ast.Constant(0))), node)


@dataclass(frozen=True)
class Watched:
    """What a call did, and its result.

    Attributes
    ----------
    sites : list of Site
    made : ndarray of int64, (sites, 4)
        Events of each site: how often it made an integer, a floating-point number, an array, something else.
    result : object
    """

    sites: list[Site]
    made: np.ndarray
    result: Any

    def times(self, *kinds: str) -> list[tuple[Site, int]]:
        """Return sites of these kinds, and how often each was passed."""
        return [(s, int(n)) for s, n in zip(self.sites, self.made.sum(axis=1), strict=True) if s.kind in kinds]


def watched(fn: Callable[..., Any], args: tuple[Any, ...]) -> Watched:
    """Call ``fn(*args)`` and return what it did.

    Raises
    ------
    UninstrumentableError
        If it cannot be watched; the text names the line and the way out.
    """
    try:
        code = instrument(fn, (Work,))
        given = code.arguments(args)
        code.compile(given)
    except UninstrumentableError as error:
        name = getattr(fn, "__name__", type(fn).__name__)
        raise UninstrumentableError(f"{name}: its loops cannot be watched: {error}. {WAY_OUT}") from error
    made = np.zeros(len(code.sites) * (OTHER + 1), np.int64)

    def consume(values: np.ndarray, codes: np.ndarray) -> None:
        np.add(made, np.bincount((codes >> tape.SITE) * (OTHER + 1) + values, minlength=made.size), out=made)

    with tape.recording(consume):
        result = code.call(given)
    return Watched(code.sites, made.reshape(-1, OTHER + 1), result)
