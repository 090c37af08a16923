"""Conversions for `view=(convert, layout)`: the course moves the data, the learner only says how.

A conversion is two functions, there and back. The way back lets a check compare a result in the baseline's own
layout, so that a field which a layout leaves out cannot escape the comparison.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab.check.values import aligned_empty, copy_records

MOST_NAMES = 1000  # and groups of them, in a layout
MOST_NAME = 80  # characters of one
NEAR = 1 << 18  # bytes: in the second cache of any machine


class LayoutError(ValueError):
    """A learner's layout that cannot be used; the text says why."""


@dataclass(frozen=True)
class Conversion:
    """How arguments move from the baseline's layout to the learner's and back.

    Attributes
    ----------
    split : callable
        ``split(layout, *args)`` returns the tuple of arguments for the function under test.
    merge : callable
        ``merge(layout, converted, *args)`` returns the tuple of arguments in the baseline's layout: what
        `converted` holds, and from `args` what the layout left out. It may write into `args`.
    """

    split: Callable[..., tuple]
    merge: Callable[..., tuple]

    def __call__(self, layout: Any, *args: Any) -> tuple:
        """Convert `args` as `layout` says."""
        return self.split(layout, *args)


def named(layout: Any) -> Any:
    """Return what a learner's layout says, if it is made of names alone, in tuples or lists.

    Raises
    ------
    LayoutError
        If it holds anything else: an array could take very long to be compared with a name.
    """
    left = [layout]
    for _ in range(MOST_NAMES):
        if not left:
            return layout
        one = left.pop()
        if type(one) in (tuple, list):
            left += one[: MOST_NAMES + 1]
        elif type(one) is not str or len(one) > MOST_NAME:
            raise LayoutError(f"layout() returned {_brief(one)}; return short names, in tuples")
    raise LayoutError(f"layout() returned more than {MOST_NAMES:,} names; name each field once")


def _brief(value: Any) -> str:
    if type(value) is str:
        return f"the text {value[:20]!r}... of {len(value):,} characters"
    return f"{value!r}" if type(value) in (bool, int, float, type(None)) else f"a {type(value).__name__}"


def _checked(layout: Any, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    example = f"(({names[0]!r},), ({', '.join(map(repr, names[1:3]))},))"
    if not isinstance(layout, tuple | list) or not all(isinstance(g, tuple | list) for g in layout):
        raise LayoutError(f"layout() returned {layout!r}; return groups of field names, e.g. {example}")
    seen: set[str] = set()
    for group in layout:
        if not group:
            raise LayoutError(f"layout() returned an empty group; a group holds field names, e.g. {example}")
        for name in group:
            if name not in names:
                raise LayoutError(f"layout() names {name!r}; the fields are {', '.join(names)}")
            if name in seen:
                raise LayoutError(f"layout() names {name!r} twice; a field lives in one group only")
            seen.add(name)
    if not layout:
        raise LayoutError(f"layout() returned no group; return groups of field names, e.g. {example}")
    return tuple(tuple(group) for group in layout)


def _split(layout: Any, table: np.ndarray, *rest: Any) -> tuple:
    groups = _checked(layout, table.dtype.names)
    parts = tuple(aligned_empty(table.shape, _dtype_of(group, table.dtype)) for group in groups)
    for piece in _pieces(table):
        for group, part in zip(groups, parts, strict=True):
            if part.dtype == table.dtype:
                copy_records(table[piece], part[piece])
            elif len(group) == 1:
                part[piece] = table[group[0]][piece]
            else:
                for name in group:
                    part[name][piece] = table[name][piece]
    return (parts, *rest)


def _merge(layout: Any, converted: tuple, table: np.ndarray, *rest: Any) -> tuple:
    parts, *rest_after = converted
    groups = _checked(layout, table.dtype.names)
    for group, part in zip(groups, parts, strict=True):
        shape = table.shape + (table.dtype[group[0]].shape if len(group) == 1 else ())
        if part.shape != shape:
            raise LayoutError(f"the part for {group} now has shape {part.shape}, not {shape}")
    for piece in _pieces(table):
        for group, part in zip(groups, parts, strict=True):
            if part.dtype == table.dtype:
                copy_records(part[piece], table[piece])
                continue
            for name in group:
                table[name][piece] = part[name][piece] if len(group) > 1 else part[piece]
    return (table, *rest_after)


def _dtype_of(group: tuple[str, ...], table: np.dtype) -> np.dtype:
    if len(group) == 1:
        return table[group[0]]
    return np.dtype([(name, table[name]) for name in group])


def _pieces(table: np.ndarray) -> Iterator[slice]:
    """Yield pieces of a table that stay in a near cache while one field after the other is copied."""
    step = max(1, NEAR // table.dtype.itemsize)
    return (slice(start, start + step) for start in range(0, table.size, step))


groups = Conversion(_split, _merge)
"""Regroup a table: ``layout()`` returns groups of field names, the function gets one array a group.

The first argument must be a one-dimensional structured array; it becomes a tuple `parts` with one array a group,
a plain one for a group of one field, a structured one without padding for more. Other arguments stay.
"""
