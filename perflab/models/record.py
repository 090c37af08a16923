"""Record the memory accesses of a function: of a compiled one compiled where that is possible, else in Python.

Both ways tell the same story, access by access; the compiled one is a hundred times faster. Both have the outcome
of a true call: a plain function computes as Python does, a compiled one as Numba does.

- Addresses are virtual: every buffer begins on a page of its own, wherever `malloc` put it. Views of one buffer
  share its lines.
- Scalars are no memory here. Of lists, texts, dictionaries and sets `perflab.models.containers` tells; compiled
  code that uses them is recorded the slow way.
- `prange` runs in order, on one thread.
"""

import linecache
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from perflab.models import tape
from perflab.models.accesses import Accesses, complete
from perflab.models.arena import Arena
from perflab.models.hooks import encode
from perflab.models.instrument import Site, UninstrumentableError, instrument
from perflab.models.places import Region, address_of, named, region
from perflab.models.tape import EVENTS, Consumer
from perflab.models.traced import Column, Trace, UntraceableError, where

WAY_OUT = "let it use only numbers, arrays and tuples of them, NumPy, and other njit functions."


@dataclass(frozen=True)
class Recording:
    """What is known about a recorded call besides its events.

    Attributes
    ----------
    result : object
        What the function returned.
    sites : tuple of Site
        By number.
    regions : tuple of Region
        The arrays among the arguments.
    compiled : bool
        Whether it ran compiled.
    steps : int
        Accesses to what has no place in memory, such as the elements of a small tuple; no events tell of them.
    """

    result: Any
    sites: tuple[Site, ...]
    regions: tuple[Region, ...]
    compiled: bool
    steps: int = 0


def accesses(fn: Callable[..., Any], args: tuple[Any, ...], consumer: Consumer) -> Recording:
    """Call ``fn(*args)`` and hand each of its accesses to `consumer`.

    The function runs for real: arrays among the arguments end up as a true call leaves them.

    Parameters
    ----------
    fn : callable
        A Numba function, or a plain one. Functions that it calls are recorded too.
    args : tuple
        Its arguments: arrays (of numbers or of records), scalars, and tuples of these; functions, lists and
        dictionaries the slow way.
    consumer : callable
        ``consumer(addresses, codes)`` gets some thousand events at a time: int64 arrays, overwritten afterwards.
        The lower 32 bits of a code are ``size << 1 | write``, the upper ones the number of a site.

    Raises
    ------
    UntraceableError
        If the accesses cannot be watched, or the function fails; the text names the line and the way out.
    """
    if not isinstance(fn, Dispatcher):
        return _watched(fn, args, consumer)
    try:
        code = instrument(fn, (Accesses,))
        arena = Arena(code.arguments(args))
        code.compile(arena.args)
        complete(code)
    except UninstrumentableError:
        return _watched(fn, args, consumer)
    regions = tuple(region(name, data, address_of(data) - arena.base) for name, data in named(fn, arena.args))

    def modeled(addresses: np.ndarray, codes: np.ndarray) -> None:
        addresses -= arena.base
        if addresses.min() < 0 or addresses.max() >= arena.size:
            raise UntraceableError(_refusal(fn, "it touches arrays that are no arguments"))
        consumer(addresses, codes)

    failed = None
    try:
        with tape.recording(modeled):
            try:
                result = code.call(arena.args)
            except Exception as failure:
                failed = tape.failed()
                raise _FailedError from failure
    except _FailedError as failure:
        cause = failure.__cause__
        where = ""
        if failed is not None:
            site = code.sites[failed]
            where = f" at line {site.line}, `{site.text}`"
        raise UntraceableError(_refusal(fn, f"{type(cause).__name__}: {cause}{where}")) from cause
    finally:
        arena.put_back()
    return Recording(_detached(result), tuple(code.sites), regions, True)


class _FailedError(Exception):
    """The function raised; its cause says what."""


def _detached(result: Any) -> Any:
    """Return a result without memory of the arena."""
    if isinstance(result, tuple):
        parts = map(_detached, result)
        return result._make(parts) if hasattr(result, "_make") else tuple(parts)
    return result.copy() if isinstance(result, np.ndarray) else result


def _refusal(fn: Callable[..., Any], why: str) -> str:
    name = getattr(fn, "__name__", type(fn).__name__)
    return f"{name} cannot be traced: {why}. Watching memory runs it on arrays of the watcher's; {WAY_OUT}"


def _watched(fn: Callable[..., Any], args: tuple[Any, ...], consumer: Consumer) -> Recording:
    """Record the slow way."""
    writer = _Writer(consumer)
    writer.trace = trace = Trace(writer)
    try:
        twin = trace.twin(fn)
        watched = tuple(trace.argument(arg) for arg in args)
        with np.errstate(all="ignore"):  # Numba's scalars overflow in silence
            result = twin(*watched)
    except _ConsumerError as failure:
        raise failure.__cause__ from None
    except Exception as failure:
        why = str(failure) if isinstance(failure, UntraceableError) else f"{type(failure).__name__}: {failure}"
        raise UntraceableError(_refusal(fn, why + where(failure, trace.codes))) from failure
    writer.write_out()
    trace.put_back()
    regions = tuple(region(name, data, trace.place(data)) for name, data in named(fn, args))
    return Recording(trace.plain(result), tuple(writer.sites), regions, False, writer.steps)


class _ConsumerError(BaseException):
    """The consumer raised; its cause says what. No `except Exception` of the function shall catch it."""


class _Writer:
    """Turns what a `Trace` reports into events with sites.

    Attributes
    ----------
    trace : Trace
        Set once there is one.
    sites : list of Site
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.trace: Trace
        self.sites: list[Site] = []
        self.steps = 0
        self._numbers: dict[tuple[types.CodeType, int, bool], int] = {}
        self._values: list[int] = []
        self._codes: list[int] = []

    def touch(self, address: int, size: int, write: bool) -> None:
        """See `perflab.models.traced.Memory`."""
        self._values.append(address)
        self._codes.append(encode(self._site(write), size, write))
        if len(self._values) >= EVENTS:
            self.write_out()

    def step(self, count: int) -> None:
        """See `perflab.models.traced.Memory`."""
        self.steps += count

    def touch_together(self, columns: list[Column]) -> None:
        """See `perflab.models.traced.Memory`."""
        self.write_out()
        addresses = np.stack([addresses for addresses, _, _ in columns], axis=1).ravel()
        codes = [encode(self._site(write), size, write) for _, size, write in columns]
        self._hand_on(addresses.astype(np.int64), np.tile(np.array(codes, np.int64), len(columns[0][0])))

    def write_out(self) -> None:
        """Hand on what has been gathered."""
        values, codes = np.array(self._values, np.int64), np.array(self._codes, np.int64)
        self._values.clear()
        self._codes.clear()
        self._hand_on(values, codes)

    def _hand_on(self, values: np.ndarray, codes: np.ndarray) -> None:
        try:
            # A pass over a whole array has any number of events, and a consumer room for as many as a tape.
            for first in range(0, values.size, EVENTS):
                self._consumer(values[first : first + EVENTS], codes[first : first + EVENTS])
        except Exception as failure:
            raise _ConsumerError from failure

    def _site(self, write: bool) -> int:
        """Return the number of the site that the function is at."""
        frame = sys._getframe(2)
        while frame.f_back is not None and frame.f_code not in self.trace.codes:
            frame = frame.f_back
        key = frame.f_code, frame.f_lineno, write
        if key not in self._numbers:
            self._numbers[key] = len(self.sites)
            text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            self.sites.append(Site("store" if write else "load", frame.f_code.co_name, frame.f_lineno, text))
        return self._numbers[key]
