"""What NumPy's functions that only move elements take from where: a run on the numbers of elements tells.

A copy is no pass over memory in the order of what is copied: NumPy walks in the order in which it writes. So a
transposed view that becomes an array in order is read down its columns.
"""

from typing import Any

import numpy as np

MOVING = frozenset({"copy", "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require"})
MOVING |= {"copyto", "ravel", "flatten", "reshape", "concatenate", "append", "stack", "hstack", "vstack"}
MOVING |= {"dstack", "column_stack", "row_stack", "block", "repeat", "tile", "roll", "pad"}
SHAPED_BY_THE_REST = frozenset({"repeat", "tile", "roll", "pad"})  # where their second argument is no array
# What goes through an array in the order of its axes, wherever these lie.
IN_ORDER = frozenset({"tolist", "tobytes"})
# What reads a matrix more than once, in an order of its own.
CONTRACTING = frozenset({"dot", "inner", "matmul", "tensordot", "einsum", "kron", "matvec", "vecmat", "vecdot"})

FIRST = 1 << 40  # smaller numbers are none of elements


class Numbers:
    """Arrays of the numbers of elements, in place of watched arrays.

    Parameters
    ----------
    watched : type
        Of these; with ``places()``, ``like()``, and what arrays have.
    """

    def __init__(self, watched: type) -> None:
        self._watched = watched
        self._known: dict[int, tuple[Any, np.ndarray]] = {}
        self._next = FIRST

    def of(self, array: Any) -> np.ndarray:
        """Return the numbers of the elements of a watched array, in the same order in memory."""
        if id(array) not in self._known:
            numbers = array.like()
            numbers[...] = np.arange(self._next, self._next + array.size).reshape(array.shape)
            self._next += array.size
            self._known[id(array)] = array, numbers
        return self._known[id(array)][1]

    def instead_of(self, value: Any) -> Any:
        """Return arguments with numbers in place of watched arrays, and their type in place of others."""
        if value.__class__ is self._watched:
            return self.of(value)
        if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
            return np.int64
        if isinstance(value, dict):
            return {key: self.instead_of(part) for key, part in value.items()}
        return type(value)(map(self.instead_of, value)) if value.__class__ in (tuple, list) else value

    def places_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the address of each element (bytes), by its number; -1 for what is no element."""
        places = np.concatenate([np.array([-1]), *(array.places().ravel() for array, _ in self._known.values())])
        which = numbers.astype(np.int64) - (FIRST - 1)
        return places[np.where((which > 0) & (which < places.size), which, 0)]

    @property
    def itemsize(self) -> int:
        """Bytes of an element, of the largest."""
        return max(array.itemsize for array, _ in self._known.values())
