"""Traces of several threads, made one: by a given order, or recorded from a function that each of them calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab.models.coherence.protocol import MOST_THREADS
from perflab.models.hooks import SIZE
from perflab.models.places import PAGE, Region
from perflab.models.record import accesses
from perflab.models.tape import SITE

ROUND_ROBIN = "round-robin"


@dataclass(frozen=True)
class ThreadTrace:
    """What one thread touches, in its order.

    Attributes
    ----------
    addresses : ndarray of int64
        Bytes.
    writes : ndarray of bool
    sizes : ndarray of int64 or int
        Bytes of each access, or of all.
    """

    addresses: np.ndarray
    writes: np.ndarray
    sizes: np.ndarray | int = 8


def checked(traces: Sequence[ThreadTrace]) -> list[ThreadTrace]:
    """Return traces with all arrays made, or raise an error that names the wrong one."""
    if not 2 <= len(traces) <= MOST_THREADS:
        raise ValueError(f"traces: {len(traces)} of them; give 2 to {MOST_THREADS}, one for each thread")
    result = []
    for number, trace in enumerate(traces):
        where = f"traces[{number}]"
        if not isinstance(trace, ThreadTrace):
            raise TypeError(f"{where}: a {type(trace).__name__}; make a ThreadTrace(addresses, writes)")
        sizes = np.full(trace.addresses.shape, trace.sizes) if isinstance(trace.sizes, int) else trace.sizes
        for name, array, kind in (
            ("addresses", trace.addresses, np.int64),
            ("writes", trace.writes, np.bool_),
            ("sizes", sizes, np.int64),
        ):
            if not isinstance(array, np.ndarray) or array.dtype != kind or array.shape != (len(trace.addresses),):
                told = getattr(array, "dtype", type(array).__name__)
                raise TypeError(
                    f"{where}: {name} are {told}; give one dimension of {np.dtype(kind)}, one for each access"
                )
        if trace.addresses.size and (trace.addresses.min() < 0 or sizes.min() < 1):
            raise ValueError(f"{where}: addresses are 0 or more, sizes 1 or more")
        result.append(ThreadTrace(trace.addresses, trace.writes, sizes))
    return result


def turns(lengths: Sequence[int], order: str | np.ndarray) -> np.ndarray:
    """Return which thread makes each access.

    Parameters
    ----------
    lengths : sequence of int
        Accesses of each thread.
    order : "round-robin" or ndarray of int
        Each thread that is not done makes one access in turn; or the threads' numbers, one for each access.
    """
    if isinstance(order, str):
        if order != ROUND_ROBIN:
            raise ValueError(f"order: {order!r}; take {ROUND_ROBIN!r} or an array of the threads' numbers")
        rounds = np.concatenate([np.arange(length) for length in lengths])
        threads = np.repeat(np.arange(len(lengths)), lengths)
        return threads[np.lexsort((threads, rounds))]
    given = np.asarray(order)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise TypeError(f"order: {given.dtype} of {given.ndim} dimensions; give integers, one for each access")
    if given.size and not 0 <= given.min() <= given.max() < len(lengths):
        raise ValueError(f"order: numbers from 0 to {len(lengths) - 1} are threads")
    counts = np.bincount(given.astype(np.int64), minlength=len(lengths)).tolist()
    if counts != list(lengths):
        raise ValueError(f"order: it has {counts} accesses of each thread, the traces have {list(lengths)}")
    return given.astype(np.int64)


def recorded(
    fn: Callable[..., Any], args: Sequence[tuple[Any, ...]]
) -> tuple[list[ThreadTrace], tuple[Region, ...], tuple[Any, ...]]:
    """Record what each thread touches, where the arrays that they share lie, and what the calls returned.

    The threads run one after the other, so a thread must not wait for another one.
    """
    arrays = [[id(part) for part in _arrays(each)] for each in args]
    if any(each != arrays[0] for each in arrays):
        raise ValueError("args: the threads are given different arrays; give all the same, in the same order")
    if any(_is_list_of_numbers(part) for each in args for part in each):
        raise ValueError("args: threads share arrays; give the numbers of a list, set or dictionary as an array")
    traces, regions, results = [], (), []
    for number, each in enumerate(args):
        pieces: list[tuple[np.ndarray, np.ndarray]] = []
        recording = accesses(fn, each, lambda a, c, pieces=pieces: pieces.append((a.copy(), c.copy())))
        regions = recording.regions
        results.append(recording.result)
        addresses = np.concatenate([a for a, _ in pieces] or [np.zeros(0, np.int64)])
        codes = np.concatenate([c for _, c in pieces] or [np.zeros(0, np.int64)])
        # What a thread makes for itself lies behind what it is given: nobody else has it.
        end = max((region.span[1] for region in regions), default=0) // PAGE * PAGE + PAGE
        addresses[addresses >= end] += (number + 1) << 44
        traces.append(ThreadTrace(addresses, codes & 1 == 1, (codes & ((1 << SITE) - 1)) >> SIZE))
    return traces, regions, tuple(results)


def _is_list_of_numbers(value: Any) -> bool:
    return isinstance(value, list | set | dict | bytearray) and not _arrays(value)


def _arrays(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return [array for part in parts for array in _arrays(part)]
