"""The arrays of a call in memory that a fork shares, and back."""

import ctypes
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher
from numpy.lib.array_utils import byte_bounds

PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic, Dispatcher)


@dataclass(frozen=True)
class Region:
    """Addresses from `low` up to `high`, and where a copy of them lies in shared memory."""

    low: int
    high: int
    offset: int


def shared(values: tuple, where: str) -> tuple[tuple, Callable[[], None]]:
    """Return `values` with their arrays in shared memory, and a function that copies these back.

    Arrays that overlap do so in shared memory too, and each lies as it lay on its page.

    Parameters
    ----------
    values : tuple
        Arrays, numbers, texts, compiled functions, and tuples of these.
    where : str
        What an error calls them.

    Raises
    ------
    TypeError
        For anything else: a thread would change a copy of it that nobody sees.
    """
    arrays = {id(array): array for array in _arrays(values, where)}
    regions = _regions([array for array in arrays.values() if array.size])
    memory = mmap.mmap(
        -1, mmap.PAGESIZE + max((region.offset + region.high - region.low for region in regions), default=0)
    )
    start = np.frombuffer(memory, np.uint8).ctypes.data
    for region in regions:
        ctypes.memmove(start + region.offset, region.low, region.high - region.low)
    copies = {key: _copy(array, regions, memory) for key, array in arrays.items()}

    def back() -> None:
        for key, array in arrays.items():
            if array.flags.writeable:
                np.copyto(array, copies[key])

    return _replaced(values, copies), back


def _arrays(values: tuple, where: str) -> Iterator[np.ndarray]:
    for value in values:
        if isinstance(value, tuple):
            yield from _arrays(value, where)
        elif isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                raise TypeError(f"{where}: arrays of numbers can be shared; got one of {value.dtype}")
            yield value
        elif not isinstance(value, PLAIN):
            raise TypeError(
                f"{where}: arrays, numbers, and tuples of these can be shared; got a {type(value).__name__}"
            )


def _regions(arrays: list[np.ndarray]) -> list[Region]:
    """Return the memory of some arrays in pieces that do not overlap."""
    pieces: list[list[int]] = []
    for low, high in sorted(byte_bounds(array) for array in arrays):
        if pieces and low < pieces[-1][1]:
            pieces[-1][1] = max(pieces[-1][1], high)
        else:
            pieces.append([low, high])
    regions, used = [], 0
    for low, high in pieces:
        offset = used + (low - used) % mmap.PAGESIZE
        regions.append(Region(low, high, offset))
        used = offset + high - low
    return regions


def _copy(array: np.ndarray, regions: list[Region], memory: mmap.mmap) -> np.ndarray:
    if array.size == 0:
        return array
    region = next(one for one in regions if one.low <= array.ctypes.data < one.high)
    offset = region.offset + array.ctypes.data - region.low
    copy = np.ndarray(array.shape, array.dtype, memory, offset, array.strides)
    copy.flags.writeable = array.flags.writeable
    return copy


def _replaced(values: tuple, copies: dict[int, np.ndarray]) -> Any:
    new = [
        _replaced(value, copies) if isinstance(value, tuple) else copies.get(id(value), value) for value in values
    ]
    return type(values)(*new) if hasattr(values, "_fields") else tuple(new)
