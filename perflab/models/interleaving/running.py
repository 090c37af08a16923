"""What rewritten functions call; the names there are none that a program has."""

import ast
import operator
from typing import Any

import numpy as np

from perflab.models import arithmetic
from perflab.models.interleaving.memory import Cell, Shared

MOST_TURNS = 1_000_000  # of loops between two stops


class UnrewritableError(TypeError):
    """Code that cannot be taken apart; the text names the line and the way out."""


class EndlessError(RuntimeError):
    """A loop that goes on without any access to shared memory."""


def _place(array: Any, index: Any) -> Cell | None:
    """Return the shared cell that is assigned to, or None if the array is the thread's own."""
    if not isinstance(array, Shared):
        return None
    cell = array[index]
    if not isinstance(cell, Cell):
        raise UnrewritableError(f"{array.name}[...] = ... writes many cells at once: write the loop")
    return cell


def _sequence(values: Any) -> Any:
    """Return what a for loop runs over, as something that can be indexed."""
    return values if isinstance(values, range | tuple | Shared) or hasattr(values, "dtype") else tuple(values)


_turns = [0]


def _turn() -> None:
    """Count a turn of a loop; whoever drives the function sets the count to 0 at each stop."""
    _turns[0] += 1
    if _turns[0] > MOST_TURNS:
        raise EndlessError(
            f"a loop made {MOST_TURNS:,} turns without any access to shared memory: it waits for something that "
            "no other thread can change; read it with atomics.load, or bound the loop"
        )


def restart_turns() -> None:
    """Begin to count the turns of loops anew."""
    _turns[0] = 0


def _item(array: Any, index: Any) -> Any:
    """Return an element: a cell of a shared array, or the value that stands for a number of the thread's own."""
    return arithmetic.standing(array[index])


def _put(array: Any, index: Any, value: Any) -> None:
    """Store into an array of the thread's own, as compiled code does: integers wrap around."""
    if isinstance(array, np.ndarray) and arithmetic.is_number(value):
        value = arithmetic.typed(value, array.dtype)
    array[index] = value


def _unified(unified: Any, place: str, value: Any) -> Any:
    """Return a value as one of the type that it has where it meets others."""
    return unified(place, value)


# Of each operator of the syntax tree: what computes, by itself and in place.
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitOr: "or_",
    ast.BitXor: "xor",
    ast.BitAnd: "and_",
    ast.MatMult: "matmul",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.USub: "neg",
    ast.UAdd: "pos",
    ast.Invert: "invert",
}

HELPERS = {
    "_place_": _place,
    "_sequence_": _sequence,
    "_turn_": _turn,
    "_item_": _item,
    "_put_": _put,
    "_unified_": _unified,
    "_standing_": arithmetic.standing,
    "_computed_": arithmetic.computed,
    "_negated_": arithmetic.negated,
    "_called_": arithmetic.called,
    "_counted_": arithmetic.counted,
    "_Cell_": Cell,
    **{f"_{name}_": getattr(operator, name) for name in OPERATORS.values()},
    **{
        f"_i{name}_": getattr(operator, f"i{name}".removesuffix("_"))
        for kind, name in OPERATORS.items()
        if issubclass(kind, ast.operator)
    },
}
