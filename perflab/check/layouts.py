"""Conversions for `view=(convert, layout)`: the course moves the data, the learner only says how.

A conversion is two functions, there and back. The way back lets a check compare a result in the baseline's own
layout, so that a field which a layout leaves out cannot escape the comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab.check.values import aligned_empty, copy_array, copy_records


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
    parts = []
    for group in _checked(layout, table.dtype.names):
        if len(group) == 1:
            parts.append(copy_array(table[group[0]]))
            continue
        dtype = np.dtype([(name, table.dtype[name]) for name in group])
        if dtype == table.dtype:
            parts.append(copy_array(table))
            continue
        part = aligned_empty(table.shape, dtype)
        for name in group:
            part[name] = table[name]
        parts.append(part)
    return (tuple(parts), *rest)


def _merge(layout: Any, converted: tuple, table: np.ndarray, *rest: Any) -> tuple:
    parts, *rest_after = converted
    for group, part in zip(_checked(layout, table.dtype.names), parts, strict=True):
        if part.shape != table.shape:
            raise LayoutError(f"the part for {group} now has shape {part.shape}, not {table.shape}")
        if part.dtype == table.dtype:
            copy_records(part, table)
            continue
        for name in group:
            table[name] = part[name] if len(group) > 1 else part
    return (table, *rest_after)


groups = Conversion(_split, _merge)
"""Regroup a table: ``layout()`` returns groups of field names, the function gets one array a group.

The first argument must be a one-dimensional structured array; it becomes a tuple `parts` with one array a group,
a plain one for a group of one field, a structured one without padding for more. Other arguments stay.
"""
