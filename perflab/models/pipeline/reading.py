"""Read the innermost loop of a Numba-style function as a graph of instructions.

The model takes the source as a simple compiler would: one instruction for an operation, no vectors. What a real
one also does, it does: what is the same in every iteration leaves the loop, equal expressions are computed
once, unused ones not at all, and an index that counts with the loop costs nothing. The loop's variable costs an
addition, its end a branch.

- A variable that is read before the iteration writes it comes from the iteration before.
- A load of an element that an earlier iteration stored waits for that store, if both indices count with the
  loop or are the same. Other indices are taken to differ, as processors guess too.
- A row of an array, ``rows[i]``, costs nothing by itself.
- An ``if`` costs its comparison and a branch. The path goes through its body; where that leaves the iteration,
  through its ``else``. A branch that is predicted right costs no more, whatever it waits for.
"""

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from perflab.models.instrument import UninstrumentableError, parsed
from perflab.models.pipeline.loop import Loop
from perflab.models.pipeline.statements import Statements
from perflab.models.pipeline.values import UnmodelledError


def read(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    line: int | None = None,
    ways: Mapping[int, bool] | None = None,
) -> Loop:
    """Return the innermost loop of a function.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one within Numba's part of Python.
    args : tuple
        Example arguments, from which the model knows integers from floating-point numbers.
    line : int, optional
        Where the loop begins, in the numbers of its file or cell, if there are several innermost ones.
    ways : mapping of int to bool, optional
        Of a run: by the line of each ``if``, whether the path goes through its body. With it a load waits for
        a store to the same array, or to one that may share its memory, unless their indices surely differ.

    Returns
    -------
    Loop

    Raises
    ------
    UnmodelledError
        If there is no such loop, or if it does what the model has no instruction for; with the line and the way
        out.
    """
    plain = getattr(fn, "py_func", fn)
    try:
        definition, first = parsed(plain)
    except UninstrumentableError as error:
        name = getattr(plain, "__name__", type(plain).__name__)
        raise UnmodelledError(f"{name}: {error}; define it by a def statement in a file or a cell") from error
    loop = _innermost(definition, plain.__name__, first, line)
    reached = inspect.getclosurevars(plain)
    try:
        arguments = inspect.signature(plain).bind(*args)
    except TypeError as error:
        raise UnmodelledError(f"args: example arguments of {plain.__name__}, as a tuple; {error}") from error
    arguments.apply_defaults()
    names = {**reached.globals, **reached.nonlocals}
    statements = Statements(plain.__name__, first, names, arguments.arguments, ways)
    statements.names_of(definition)
    statements.before(definition.body, loop)
    return statements.read(loop, _used_after(definition, loop))


def _innermost(definition: ast.FunctionDef, name: str, first: int, line: int | None) -> ast.For | ast.While:
    """Return the deepest loop, or the innermost one at a line."""
    found: list[tuple[int, ast.For | ast.While]] = []

    def visit(node: ast.AST, depth: int) -> None:
        deeper = depth + isinstance(node, ast.For | ast.While)
        if deeper > depth and not any(isinstance(n, ast.For | ast.While) for s in node.body for n in ast.walk(s)):
            found.append((depth, node))
        for child in ast.iter_child_nodes(node):
            visit(child, deeper)

    visit(definition, 0)
    places = {node.lineno + first - 1: node for _, node in found}
    listed = ", ".join(map(str, places)) or "none"
    if line is not None:
        if line not in places:
            raise UnmodelledError(f"line: {name} has no innermost loop at {line}; there are some at {listed}")
        return places[line]
    deepest = [node for depth, node in found if depth == max(d for d, _ in found)]
    if len(deepest) != 1:
        raise UnmodelledError(
            f"{name} has {len(deepest)} innermost loops (lines: {listed}); say which one with line="
        )
    return deepest[0]


def _used_after(definition: ast.FunctionDef, loop: ast.For | ast.While) -> set[str]:
    """Return names that the function reads outside the loop."""
    inside = {id(node) for node in ast.walk(loop)}
    return {
        node.id
        for node in ast.walk(definition)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in inside
    }
