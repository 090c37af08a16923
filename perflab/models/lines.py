"""Count the cache lines that a function fetches.

Seconds say that a layout is slow; lines say why. `fetched` runs the body of a function in Python, with the numbers
of a true call, on arrays that watch every access. It keeps the lines touched last, as a very small cache does: two
passes over a long array fetch its lines twice, one fused pass fetches them once.

What is counted:

- A line is fetched when it is touched and is not among the `kept` lines touched last (fully associative,
  least recently used out first). Writing fetches too, as in a cache that allocates on a write. There is no
  prefetcher.
- Addresses are virtual: every buffer begins on a page of its own, wherever `malloc` put it. Views of one
  buffer share its lines. An element that straddles two lines touches both.
- An array that the function makes is memory like any other: its lines count when they are written or read
  (making an empty one touches nothing). The pages of an array that was dropped are given to the next one of
  that size.
- A whole-array operation is one pass over its operands and its result, in memory order: element-wise
  operations touch them side by side, all others one after the other. Numba may fuse a chain of them into a
  single pass; NumPy does not, and neither does this model.
- A copy reads in the order in which it writes, as NumPy's does: one of a transposed view reads down columns.
  Products of matrices read them more than once, and are refused.
- Scalars are not memory here, nor small tuples. Lists, dictionaries and sets have places of their own; see
  `perflab.models.containers`.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from perflab.models.traced import Column, Trace, UntraceableError, where


def fetched(fn: Callable[..., Any], args: tuple[Any, ...], *, line: int = 64, kept: int = 64) -> int:
    """Count the cache lines that ``fn(*args)`` fetches.

    The function runs for real: arrays among the arguments end up as a true call leaves them.
    An access to an element costs about half a microsecond.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one. Numba functions that it calls are watched too.
    args : tuple
        Its arguments: arrays (of numbers or of records), scalars, functions, and tuples, lists or
        dictionaries of these.
    line : int
        Bytes of a cache line.
    kept : int
        How many lines the simulated cache holds.

    Returns
    -------
    int
        Lines fetched.

    Raises
    ------
    UntraceableError
        If the function cannot run as plain Python on watched arrays; the message says what stood in the way.
    ValueError
        If `line` or `kept` is not positive.

    Examples
    --------
    >>> def total(x):
    ...     return sum(x[i] for i in range(x.size))
    >>> fetched(total, (np.ones(1000),))
    125
    """
    return watched(fn, args, line=line, kept=kept)[0]


def watched(fn: Callable[..., Any], args: tuple[Any, ...], *, line: int = 64, kept: int = 64) -> tuple[int, Any]:
    """Count as `fetched` does; return the lines, and what the function returned."""
    if line < 1 or kept < 1:
        raise ValueError("line and kept must be positive")
    name = getattr(fn, "__name__", type(fn).__name__)
    cache = _Cache(line, kept)
    trace = Trace(cache)
    try:
        twin = trace.twin(fn)
        inputs = tuple(trace.argument(arg) for arg in args)
        with np.errstate(all="ignore"):  # Numba's scalars overflow in silence
            result = trace.plain(twin(*inputs))
        trace.put_back()
    except Exception as failure:
        why = str(failure) if isinstance(failure, UntraceableError) else f"{type(failure).__name__}: {failure}"
        why += where(failure, trace.codes)
        raise UntraceableError(
            f"{name} cannot be traced: {why}. Counting lines runs the function as plain Python on watched arrays; "
            "let it use only numbers, arrays and tuples of them, NumPy, and other njit functions."
        ) from failure
    return cache.fetched, result


class _Cache:
    """A fully associative store of the lines touched last."""

    def __init__(self, line: int, kept: int) -> None:
        self.line, self.kept = line, kept
        self.fetched = 0
        self._newest = -1
        self._resident: OrderedDict[int, None] = OrderedDict()

    def touch(self, address: int, size: int, write: bool) -> None:
        """Touch `size` bytes from `address` on."""
        first = address // self.line
        last = (address + size - 1) // self.line
        if first == last:
            if first != self._newest:
                self._touch_line(first)
        else:
            for number in range(first, last + 1):
                self._touch_line(number)

    def step(self, count: int) -> None:
        """Know nothing of what has no place; see `perflab.models.traced.Memory`."""

    def touch_together(self, columns: list[Column]) -> None:
        """Touch the elements of several operands side by side; see `perflab.models.traced.Memory`."""
        lines = [
            (addresses + offset) // self.line
            for addresses, size, _ in columns
            for offset in (*range(0, size - 1, self.line), size - 1)
        ]
        rows = np.stack(lines, axis=1)
        # A row like the one before it touches lines that have just been touched.
        changed = np.ones(len(rows), bool)
        changed[1:] = (rows[1:] != rows[:-1]).any(axis=1)
        for number in rows[changed].ravel().tolist():
            if number != self._newest:
                self._touch_line(number)

    def _touch_line(self, number: int) -> None:
        resident = self._resident
        self._newest = number
        if number in resident:
            resident.move_to_end(number)
            return
        self.fetched += 1
        resident[number] = None
        if len(resident) > self.kept:
            resident.popitem(last=False)
