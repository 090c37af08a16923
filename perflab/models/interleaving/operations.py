"""What a thread asks of the machine: plain accesses, and the primitives of `perflab.atomics`."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from perflab.atomics import orders
from perflab.models.interleaving.memory import Cell, Shared


class Kind(IntEnum):
    """How the machine treats an operation."""

    LOAD = 0
    STORE = 1  # may wait in the store buffer
    UPDATE = 2  # reads and writes at once, and drains the store buffer first: what a locked instruction does
    FENCE = 3  # drains the store buffer
    NOTHING = 4  # of no effect here: a pause, a fence that orders what stays in order anyway
    INVOKE = 5  # a call that histories record begins
    RESPOND = 6  # such a call ends
    DONE = 7
    RAISED = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a thread.

    Attributes
    ----------
    kind : Kind
    name : str
        Of the primitive, for people; of the call for INVOKE and RESPOND.
    cells : tuple of Cell
        One, or the two of a pair.
    operands : tuple
        Values, in the order of the primitive's arguments; for INVOKE the arguments that are no arrays; for
        NOTHING, RESPOND, DONE and RAISED the result or the error.
    """

    kind: Kind
    name: str
    cells: tuple[Cell, ...] = ()
    operands: tuple = ()


ORDERS = {"load": orders.LOAD, "store": orders.STORE, "fence": orders.FENCE}  # all others: orders.UPDATE

# From what the cells hold and the operands to what they hold next, or None, and the result.
Effect = Callable[[tuple, tuple], tuple[tuple | None, Any]]

EFFECTS: dict[str, Effect] = {
    "store": lambda old, new: (new, None),
    "exchange": lambda old, new: (new, old[0]),
    "compare_exchange": lambda old, args: ((args[1],), True) if old[0] == args[0] else (None, False),
    "compare_exchange_value": lambda old, args: ((args[1],) if old[0] == args[0] else None, old[0]),
    "compare_exchange_pair": lambda old, args: (args[2:], True) if old == args[:2] else (None, False),
    "fetch_add": lambda old, args: ((old[0] + args[0],), old[0]),
    "fetch_sub": lambda old, args: ((old[0] - args[0],), old[0]),
    "fetch_and": lambda old, args: ((old[0] & args[0],), old[0]),
    "fetch_or": lambda old, args: ((old[0] | args[0],), old[0]),
    "fetch_xor": lambda old, args: ((old[0] ^ args[0],), old[0]),
    "fetch_max": lambda old, args: ((max(old[0], args[0]),), old[0]),
    "fetch_min": lambda old, args: ((min(old[0], args[0]),), old[0]),
}
VALUES = {"compare_exchange": 2, "compare_exchange_value": 2, "compare_exchange_pair": 4}  # operands; else one
PAIR = "compare_exchange_pair"


def of_atomics(name: str, args: tuple, keywords: dict[str, Any]) -> Operation:
    """Return the operation of a call of a primitive of `perflab.atomics`.

    Raises
    ------
    TypeError, ValueError, IndexError
        As the primitive would when it is compiled, or if the index is out of range.
    """
    if name == "fence":
        order = _order(name, (*args, *keywords.values()))
        return Operation(Kind.FENCE if order == "seq_cst" else Kind.NOTHING, f"fence ({order})", (), (None,))
    if len(args) < 2 or not isinstance(args[0], Shared):
        raise TypeError(f"atomics.{name}: its first arguments are a shared array and an index")
    array, index, *rest = args
    index = index if isinstance(index, tuple | slice) else operator.index(index)
    if array.ndim != 1 or isinstance(index, tuple | slice):
        raise TypeError(f"atomics.{name}: {array.name} has {array.ndim} dimensions; pass a row of it and an index")
    wide = 1 + (name == PAIR)
    if not 0 <= index <= array.size - wide:
        raise IndexError(f"atomics.{name}({array.name}, {index}): the array has {array.size} elements")
    cells = tuple(array[index + i] for i in range(wide))
    if cells[0].dtype.kind not in "iu":
        raise TypeError(f"atomics.{name}: {array.name} is an array of {cells[0].dtype}; atomics work on integers")
    wanted = 0 if name == "load" else VALUES.get(name, 1)
    rest += [keywords.pop(k) for k in ("value", "expected", "desired") if k in keywords]
    operands = tuple(cells[i % wide].fit(value) for i, value in enumerate(rest[:wanted]))
    if len(operands) < wanted:
        raise TypeError(f"atomics.{name}: {wanted} values wanted, {len(operands)} given")
    order = _order(name, (*rest[wanted:], *keywords.values()))
    text = f"{name} ({order})" if name in ORDERS else name
    if name == "load":
        return Operation(Kind.LOAD, text, cells)
    if name == "store" and order != "seq_cst":
        return Operation(Kind.STORE, text, cells, operands)
    return Operation(Kind.UPDATE, text, cells, operands)


def _order(name: str, given: tuple) -> str:
    order = given[0] if given else "seq_cst"
    known = ORDERS.get(name, orders.UPDATE)
    if len(given) > 1 or order not in known:
        raise ValueError(f"atomics.{name}: order is one of {', '.join(known)}; got {', '.join(map(str, given))}")
    return order


def effect_of(operation: Operation, old: tuple) -> tuple[tuple | None, Any]:
    """Return what the cells hold after an UPDATE, or None where they stay as they are, and its result."""
    new, result = EFFECTS[operation.name.partition(" ")[0]](old, operation.operands)
    if new is not None:
        new = tuple(cell.fit(value) for cell, value in zip(operation.cells, new, strict=True))
    return new, result
