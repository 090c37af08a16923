"""Where arrays lie in a model's memory: every buffer begins on a page of its own, in the order of their first use.

Real addresses change from run to run; these do not.
"""

import functools
import inspect
import weakref
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

PAGE = 4096


class AddressSpace:
    """Gives every buffer virtual pages of its own."""

    def __init__(self) -> None:
        self._next = PAGE
        self._dropped: defaultdict[int, list[int]] = defaultdict(list)
        self._shifts: dict[int, tuple[int, Any]] = {}  # by id of the buffer; the second keeps that id honest

    @property
    def end(self) -> int:
        """The first address that no buffer has had."""
        return self._next

    def knows(self, data: np.ndarray) -> bool:
        """Tell whether the buffer under `data` has a place."""
        return id(buffer_of(data)) in self._shifts

    def shift(self, data: np.ndarray) -> int:
        """Return virtual minus real address for the buffer under `data`."""
        buffer = buffer_of(data)
        key = id(buffer)
        if key not in self._shifts:
            start, size = extent(buffer, data)
            pages = size // PAGE + 1
            virtual = self.allocate(pages)
            alive = buffer
            if isinstance(buffer, np.ndarray):
                alive = weakref.ref(buffer, functools.partial(self._drop, key, pages, virtual))
            self._shifts[key] = virtual - start, alive
        return self._shifts[key][0]

    def allocate(self, pages: int) -> int:
        """Return the address of pages that nobody has."""
        if self._dropped[pages]:
            return self._dropped[pages].pop()
        virtual = self._next
        self._next += pages * PAGE
        return virtual

    def give_back(self, pages: int, virtual: int) -> None:
        """Let others have pages that were allocated."""
        self._dropped[pages].append(virtual)

    def _drop(self, key: int, pages: int, virtual: int, _: weakref.ref) -> None:
        del self._shifts[key]
        self.give_back(pages, virtual)


def buffer_of(data: np.ndarray) -> Any:
    """Return the object that owns the memory of an array."""
    owner: Any = data
    while getattr(owner, "base", None) is not None and isinstance(owner, np.ndarray):
        owner = owner.base
    while isinstance(owner, memoryview):
        owner = owner.obj
    return owner


def extent(buffer: Any, data: np.ndarray) -> tuple[int, int]:
    """Return real address and bytes of a buffer of which `data` is a view."""
    whole = buffer
    if not isinstance(buffer, np.ndarray):
        try:
            whole = np.frombuffer(buffer, np.uint8)
        except (TypeError, ValueError, BufferError):  # it exports no buffer: what NumPy sees of it must do
            whole = data
            while isinstance(whole.base, np.ndarray):
                whole = whole.base
    return address_of(whole), whole.nbytes


def address_of(data: np.ndarray) -> int:
    """Return the real address of the first element."""
    return data.__array_interface__["data"][0]


@dataclass(frozen=True)
class Region:
    """An array of a traced function, and where it lies.

    Attributes
    ----------
    name : str
        Of the argument, or of the part of it: "x", "parts.x", "tables[0]".
    at : int
        Address of its first element.
    shape, strides : tuple of int
    dtype : numpy.dtype
    """

    name: str
    at: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype

    @property
    def span(self) -> tuple[int, int]:
        """The lowest address, and the one after the highest."""
        steps = [(length - 1) * stride for length, stride in zip(self.shape, self.strides, strict=True)]
        if 0 in self.shape:
            return self.at, self.at
        low = self.at + sum(step for step in steps if step < 0)
        return low, self.at + sum(step for step in steps if step > 0) + self.dtype.itemsize


def region(name: str, data: np.ndarray, at: int) -> Region:
    """Return the region of an array at an address."""
    return Region(name, at, data.shape, data.strides, data.dtype)


def named(fn: Any, args: tuple[Any, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Return the arrays among the arguments of a function, with the names by which a reader knows them."""
    try:
        bound = inspect.signature(fn).bind(*args).arguments
    except (TypeError, ValueError):
        bound = {f"argument {i}": arg for i, arg in enumerate(args)}
    for name, value in bound.items():
        yield from _named(name, value)


def _named(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple | list):
        names = [f"{name}.{part}" for part in getattr(value, "_fields", ())]
        for i, part in enumerate(value):
            yield from _named(names[i] if names else f"{name}[{i}]", part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _named(f"{name}[{key!r}]", part)
