"""One stretch of memory with copies of all arrays among some arguments, each at the place that the model says.

So compiled code computes the addresses of the model by itself, views and arrays that share memory included.
"""

import ctypes
import mmap
from typing import Any

import numpy as np

from perflab.models import hooks
from perflab.models.instrument import UninstrumentableError
from perflab.models.places import AddressSpace, address_of, buffer_of, extent

ROOM = 256 << 20  # bytes for arrays that the function makes; only what is touched is taken from the system
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_SCALARS = (bool, int, float, complex, np.number, np.bool_, str, bytes, type(None))


class Arena:
    """Copies of arguments.

    Parameters
    ----------
    args : tuple
        Scalars, arrays and tuples of them.

    Attributes
    ----------
    args : tuple
        The same with arrays in the arena.
    base, size : int
        Real minus modeled address, and bytes.

    Raises
    ------
    UninstrumentableError
        For an argument that cannot be copied there.
    """

    def __init__(self, args: tuple[Any, ...]) -> None:
        space = AddressSpace()
        self._buffers: dict[int, tuple[int, int, bool, Any]] = {}  # by modeled address: real one, bytes, writable
        self._find(args, space)
        self._memory = np.frombuffer(mmap.mmap(-1, space.end + ROOM, flags=PRIVATE), np.uint8)
        self.base, self.size = address_of(self._memory), self._memory.size
        for at, (real, size, _, _) in self._buffers.items():
            ctypes.memmove(self.base + at, real, size)
        hooks.free[:] = self.base + space.end, self.base + self._memory.size
        self._space = space
        self.args = tuple(map(self._moved, args))

    def _find(self, value: Any, space: AddressSpace) -> None:
        if isinstance(value, tuple):
            for part in value:
                self._find(part, space)
        elif isinstance(value, np.ndarray):
            if value.dtype.hasobject or isinstance(value, np.ma.MaskedArray):
                raise UninstrumentableError(f"a {type(value).__name__} of {value.dtype} is no plain memory")
            real, size = extent(buffer_of(value), value)
            at = real + space.shift(value)
            writable = value.flags.writeable or self._buffers.get(at, (0, 0, False, None))[2]
            self._buffers[at] = real, size, writable, value
        elif not isinstance(value, _SCALARS):
            raise UninstrumentableError(f"an argument is a {type(value).__name__}")

    def _moved(self, value: Any) -> Any:
        if isinstance(value, tuple):
            parts = map(self._moved, value)
            return value._make(parts) if hasattr(value, "_make") else tuple(parts)
        if not isinstance(value, np.ndarray):
            return value
        # An offset to the lowest byte, since strides may be negative.
        at = address_of(value) + self._space.shift(value)
        moved = np.ndarray(value.shape, value.dtype, self._memory, at, value.strides)
        moved.flags.writeable = value.flags.writeable
        return moved

    def put_back(self) -> None:
        """Copy what became of the arrays to where they came from."""
        for at, (real, size, writable, _) in self._buffers.items():
            if writable:
                ctypes.memmove(real, self.base + at, size)
