"""Shared arrays as a rewritten function sees them: places, whose values only the machine knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab.models import arithmetic


@dataclass(frozen=True, slots=True)
class Cell:
    """One element of a shared array.

    Attributes
    ----------
    number : int
        Among all cells of the program.
    name : str
        For people, e.g. "head[0]".
    dtype : numpy.dtype
    writeable : bool
    """

    number: int
    name: str
    dtype: np.dtype
    writeable: bool

    def fit(self, value: Any) -> Any:
        """Return what the cell holds after `value` is stored: integers wrap around, as in the machine."""
        kind = self.dtype.kind
        if kind == "f":
            return float(self.dtype.type(value))
        if kind == "b":
            return bool(value)
        if isinstance(value, float | np.floating):
            return int(arithmetic.typed(value, self.dtype))
        bits = 8 * self.dtype.itemsize
        value = int(value) & ((1 << bits) - 1)
        return value - (1 << bits) if kind == "i" and value >> (bits - 1) else value

    def loaded(self, value: Any) -> Any:
        """Return what a thread gets that loads `value` from the cell: a number of the cell's type."""
        return value if value is None or value.__class__ is bool else arithmetic.typed(value, self.dtype)


class Shared:
    """Stands for a shared array, or a part of one.

    It has a shape, and an element of it is a `Cell`. All else has to go through elements.

    Parameters
    ----------
    name : str
    places : ndarray of int
        Numbers of the cells.
    cells : list of Cell
        All cells of the program.
    """

    __slots__ = ("_cells", "name", "places")

    def __init__(self, name: str, places: np.ndarray, cells: list[Cell]) -> None:
        self.name, self.places, self._cells = name, places, cells

    def __getitem__(self, index: Any) -> "Cell | Shared":
        for part in index if isinstance(index, tuple) else (index,):
            if not isinstance(part, int | np.integer | slice):
                raise TypeError(f"{self.name}[...]: index it with integers and slices, and write the loop")
        try:
            place = self.places[index]
        except IndexError as error:
            raise IndexError(f"{self.name}[{index}]: {error}") from None
        return Shared(self.name, place, self._cells) if isinstance(place, np.ndarray) else self._cells[place]

    def __len__(self) -> int:
        return len(self.places)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Shared) and self.places.tolist() == other.places.tolist()

    @property
    def dtype(self) -> np.dtype:
        """As of an array."""
        return self._cells[self.places.flat[0]].dtype if self.places.size else np.dtype(np.int64)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return self.places.shape

    @property
    def size(self) -> int:
        """As of an array."""
        return self.places.size

    @property
    def ndim(self) -> int:
        """As of an array."""
        return self.places.ndim

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(f"{self.name} is handed over whole to a function that reads it at once: write the loop")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self.name} is unpacked at once: name its elements one by one")


class Memory:
    """The shared arrays of a program, and the cells in them.

    Attributes
    ----------
    cells : list of Cell
    """

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self._arrays: list[tuple[np.ndarray, int]] = []  # with the number of its first cell
        self._values: list[Any] = []

    def share(self, value: Any, name: str) -> Any:
        """Return an argument as a rewritten function gets it: arrays as places, in tuples too.

        Raises
        ------
        TypeError
            If it can neither be shared nor be copied for each schedule.
        """
        if isinstance(value, np.ndarray):
            return self._shared(value, name)
        if isinstance(value, tuple):
            names = getattr(value, "_fields", [f"{name}[{i}]" for i in range(len(value))])
            parts = [self.share(part, part_name) for part, part_name in zip(value, names, strict=True)]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, bool | int | float | str | np.number | np.bool_) or value is None or callable(value):
            return arithmetic.standing(value)
        raise TypeError(
            f"argument {name} is a {type(value).__name__}: threads share NumPy arrays of numbers; pass arrays, "
            "numbers, functions, and tuples of these"
        )

    def _shared(self, array: np.ndarray, name: str) -> Shared:
        if array.dtype.kind not in "iufb":
            raise TypeError(f"argument {name} is an array of {array.dtype}: threads share arrays of plain numbers")
        for known, first in self._arrays:
            if known is array:
                return self._places(self._name_of(first), array, first)
            if np.may_share_memory(known, array) and np.shares_memory(known, array):
                raise TypeError(
                    f"argument {name} is a view that overlaps {self._name_of(first)}: pass the whole array to "
                    "every thread, and the index"
                )
        first = len(self.cells)
        self._arrays.append((array, first))
        for index in np.ndindex(array.shape):
            text = f"{name}[{', '.join(map(str, index))}]"
            self.cells.append(Cell(len(self.cells), text, array.dtype, array.flags.writeable))
        self._values += array.ravel().tolist()
        return self._places(name, array, first)

    def _places(self, name: str, array: np.ndarray, first: int) -> Shared:
        return Shared(name, np.arange(first, first + array.size).reshape(array.shape), self.cells)

    def _name_of(self, first: int) -> str:
        return self.cells[first].name.rpartition("[")[0] if first < len(self.cells) else "an empty array"

    def initial(self, number: int) -> Any:
        """Return the value of a cell before the program."""
        return self._values[number]

    def write_back(self, values: dict[int, Any]) -> None:
        """Put values into the real arrays, by number of the cell; all others become as at first."""
        for array, first in self._arrays:
            if not array.flags.writeable:
                continue
            flat = [values.get(n, self._values[n]) for n in range(first, first + array.size)]
            array[...] = np.array(flat, array.dtype).reshape(array.shape)
