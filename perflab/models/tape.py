"""A tape: where instrumented code writes what it does, and from where models read it, piece by piece.

An event is two integers, a value and a code. ``code >> 32`` is the site, the place in the source that the event
comes from; the lower half belongs to the kind of site (see `perflab.models.accesses` for loads and stores). The
tape has room for `EVENTS`; when it is full, compiled code calls back and a consumer reads it, so that a trace of
any length needs no more memory than that.

There is one tape in a process: its address is a constant of the compiled code, which makes an event cost about two
nanoseconds.
"""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

EVENTS = 1 << 14
SITE = 32  # bits of a code below the site

Consumer = Callable[[np.ndarray, np.ndarray], None]
"""``consumer(values, codes)`` reads two int64 arrays of equal length, which are overwritten afterwards."""

_HEADER = 2
# How many events there are, and the site that failed; then the values of the events, and their codes.
_block = np.zeros(_HEADER + 2 * EVENTS, np.int64)
_COUNT = _block.ctypes.data
_FAILED = _COUNT + 8
_VALUES = _COUNT + 8 * _HEADER
_CODES = _VALUES + 8 * EVENTS

_lock = threading.Lock()
_consumer: Consumer | None = None
_failure: BaseException | None = None


@contextmanager
def recording(consumer: Consumer) -> Iterator[None]:
    """Hand the events of the block to `consumer`, the last ones when the block ends.

    Raises
    ------
    RuntimeError
        If something is being recorded already.
    BaseException
        What `consumer` raised, once the instrumented code has come to its end.
    """
    global _consumer, _failure
    if not _lock.acquire(blocking=False):
        raise RuntimeError("the tape is in use: one function is recorded at a time, and not from inside another")
    try:
        _consumer, _failure = consumer, None
        _block[:_HEADER] = 0, -1
        yield
        _drain()
        if _failure is not None:
            raise _failure
    finally:
        _consumer, _failure = None, None
        _lock.release()


def failed() -> int | None:
    """Return the site at which the function failed, if a hook has noted one."""
    return None if _block[1] < 0 else int(_block[1])


def _drain() -> None:
    """Hand on what is on the tape. Called from compiled code, where nothing can be raised."""
    global _consumer, _failure
    count = int(_block[0])
    _block[0] = 0
    if _consumer is not None and count:
        try:
            _consumer(_block[_HEADER : _HEADER + count], _block[_HEADER + EVENTS : _HEADER + EVENTS + count])
        except BaseException as failure:
            _consumer, _failure = None, failure


_full = ctypes.CFUNCTYPE(None)(_drain)


@intrinsic
def _peek(context: Any, address: Any) -> Any:
    """Return the integer at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.inttoptr(args[0], args[0].type.as_pointer()))

    return types.int64(types.int64), codegen


@intrinsic
def _poke(context: Any, address: Any, value: Any) -> Any:
    """Write an integer to an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], builder.inttoptr(args[0], args[0].type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@njit
def emit(value: int, code: int) -> None:
    """Write an event. To be called from compiled code, within `recording`."""
    count = _peek(_COUNT)
    _poke(_VALUES + 8 * count, value)
    _poke(_CODES + 8 * count, code)
    _poke(_COUNT, count + 1)
    if count + 1 == EVENTS:
        _full()


@njit
def fail(site: int) -> None:
    """Note where the function fails. A single store: more would keep Numba from leaving reference counts alone."""
    _poke(_FAILED, site)
