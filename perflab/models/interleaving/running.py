"""What rewritten functions call; the names there are none that a program has."""

import ast
from typing import Any

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


def _int64(value: Any) -> Any:
    """Return a computed integer as Numba has it: of 64 bits, wrapped around."""
    if value.__class__ is int and not -(1 << 63) <= value < 1 << 63:
        return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)
    return value


HELPERS = {"_place_": _place, "_sequence_": _sequence, "_turn_": _turn, "_int64_": _int64, "_Cell_": Cell}
GROWING = (ast.Add, ast.Sub, ast.Mult, ast.LShift, ast.Pow)  # what may need more than 64 bits
