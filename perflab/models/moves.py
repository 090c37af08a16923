"""What NumPy's functions that only move elements take from where: a run on the numbers of elements tells.

A copy is no pass over memory in the order of what is copied: NumPy walks in the order in which it writes. So a
transposed view that becomes an array in order is read down its columns.
"""

from collections.abc import Callable
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


def moved(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], written: list[Any], watched: type
) -> list[tuple[Any, np.ndarray, int]]:
    """Return where what a function writes comes from; nothing if that cannot be told.

    Parameters
    ----------
    function : callable
        One of `MOVING`.
    args, kwargs : tuple, dict
        With watched arrays.
    written : list of watched arrays
        The new ones, or what was given to write into.
    watched : type
        See `Numbers`.

    Returns
    -------
    list of (watched array, ndarray of int64, int)
        One that is written; for each element the address of what it is a copy of, -1 for none; bytes of that.
    """
    numbers = Numbers(watched)
    kwargs = {**kwargs, "dtype": np.int64} if "dtype" in kwargs else kwargs
    try:
        result = function(*numbers.instead_of(args), **numbers.instead_of(kwargs))
    except (TypeError, ValueError):
        return []
    parts = [numbers.of(into) for into in written if numbers.knows(into)]
    if not parts:
        parts = list(result) if isinstance(result, tuple | list) else [result]
    if [np.shape(part) for part in parts] != [into.shape for into in written]:
        return []
    if any(part.dtype not in (np.int64, np.float64) for part in parts):
        return []  # too few bits for the numbers
    return [(into, numbers.places_of(part), numbers.itemsize) for part, into in zip(parts, written, strict=True)]


def touch_move(memory: Any, into: Any, places: np.ndarray, size: int) -> None:
    """Read what is at `places`, -1 for nothing, and write it to `into` side by side, in the order of the latter.

    NumPy, too, chooses the order of a copy by where it writes.
    """
    strides = into.strides
    axes = sorted(range(into.ndim), key=lambda axis: -abs(strides[axis]))
    read, written = (each.transpose(axes).ravel() for each in (places, into.places()))
    if (known := read >= 0).all():
        memory.touch_together([(read, size, False), (written, into.itemsize, True)])
    else:  # some elements come from nowhere, such as a border of zeros
        memory.touch_together([(read[known], size, False)])
        memory.touch_together([(written, into.itemsize, True)])


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

    def knows(self, array: Any) -> bool:
        """Tell whether there are numbers of its elements."""
        return id(array) in self._known

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
