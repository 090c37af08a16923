"""What libraries' sorts cost where elements are counted, and which of their functions search out of sight.

A sort is counted as a merge sort: it reads and writes each of n elements in each of log2(n) rounds.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

# Of NumPy: they look for many values at once, and how often each is compared nobody sees.
SEARCHING = frozenset(
    {"interp", "digitize", "isin", "in1d", "intersect1d", "setdiff1d", "setxor1d", "union1d", "histogram"}
)
_OF_NUMPY = frozenset({"sort", "argsort", "lexsort", "unique"})
_OF_PYTHON = (sorted, heapq.nsmallest, heapq.nlargest)


def rounds(count: int) -> int:
    """Return in how many rounds so many elements are sorted."""
    return max(count - 1, 1).bit_length()


def passes(name: str, operands: Iterable[Any]) -> Iterator[Any]:
    """Yield each array that a function of NumPy's gets as often as it goes through it."""
    for operand in operands:
        yield from itertools.repeat(operand, 2 * rounds(operand.size) if name in _OF_NUMPY else 1)


def moves(function: Callable[..., Any], args: tuple[Any, ...], result: Any) -> int:
    """Return how many elements a function of Python's reads and writes while it sorts; 0 if it does not sort."""
    if function in _OF_PYTHON:
        count = max(len(each) for each in (result, *args) if hasattr(each, "__len__"))
    elif getattr(function, "__name__", "") == "sort" and isinstance(getattr(function, "__self__", None), list):
        count = len(function.__self__)
    else:
        return 0
    return 2 * count * rounds(count)
