"""What an expression is to the model: its kind, where it comes from, and whether it counts with the loop."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np


class UnmodelledError(TypeError):
    """A function whose loop the model cannot read; the text says which line, and what to write in its place."""


@dataclass(frozen=True)
class Linear:
    """``scale * i + offset + base``: i is what the loop counts, `base` a text for what it leaves alone."""

    scale: int
    offset: int
    base: str = ""


@dataclass(frozen=True)
class Value:
    """The value of an expression.

    Attributes
    ----------
    kind : {"int", "float", "array", "other"}
    source : int, str or None
        The instruction that makes it; or the name that had it when the iteration began; or None if the loop leaves
        it alone.
    text : str
        Tells apart what the loop leaves alone.
    constant : int, float or None
        The number, where it is known.
    linear : Linear or None
        Its form as an index.
    dtype, axes
        Of an array.
    memory : str
        Whose elements an array has; nothing if that is not known.
    row : tuple of str and Value
        Of a row that the loop takes from an array: the name of that array, and the indices so far.
    """

    kind: str
    source: int | str | None = None
    text: str = ""
    constant: Any = None
    linear: Linear | None = None
    dtype: np.dtype | None = None
    axes: int = 0
    memory: str = ""
    row: tuple[Any, ...] = ()

    @property
    def identity(self) -> Any:
        """Equal for values that are surely equal in one iteration."""
        return self.linear or (self.source if self.source is not None else (self.text, self.constant))


OTHER = Value("other")


def of_object(value: Any, text: str, known: bool = False) -> Value:
    """Return what an object is to the model; `known` says that its value is the same in every call."""
    if isinstance(value, np.ndarray):
        return Value("array", text=text, dtype=value.dtype, axes=value.ndim)
    if isinstance(value, bool | int | np.integer | np.bool_):
        linear = Linear(0, int(value)) if known else Linear(0, 0, text)
        return Value("int", text=text, constant=int(value) if known else None, linear=linear)
    if isinstance(value, float | np.floating):
        return Value("float", text=text, constant=float(value) if known else None)
    return OTHER


def kind_of(dtype: np.dtype) -> str:
    """Return what an element of an array is: "int", "float", or "other" for a record."""
    return {"i": "int", "u": "int", "b": "int", "f": "float"}.get(dtype.kind, "other")


def combined(op: Callable[[int, int], int], left: Value, right: Value) -> Linear | None:
    """Return the form of ``left op right`` as an index, if it has one."""
    a, b = left.linear, right.linear
    if a is None or b is None:
        return None
    if op is operator.add or (op is operator.sub and not b.base):
        return Linear(
            op(a.scale, b.scale), op(a.offset, b.offset), " + ".join(sorted(filter(None, (a.base, b.base))))
        )
    if op is operator.mul:
        for one, other in ((a, b), (b, a)):
            if not one.scale and not one.base and not other.base:
                return Linear(other.scale * one.offset, other.offset * one.offset)
    return None


def apart(stored: list[Linear | None], loaded: list[Linear | None], step: int) -> int | None:
    """Return how many iterations after a store a load finds its element: 0 of the same one, None if never.

    Parameters
    ----------
    stored, loaded : list of Linear or None
        The indices, one for each axis. Of one that is no `Linear` nothing is known: it is taken to differ.
    step : int
        How far the loop counts in an iteration.
    """
    if None in stored or None in loaded or len(stored) != len(loaded):
        return None
    gaps = set()
    for s, t in zip(stored, loaded, strict=True):
        if (s.scale, s.base) != (t.scale, t.base) or (not s.scale and s.offset != t.offset):
            return None
        if s.scale:
            gaps.add(Fraction(s.offset - t.offset, s.scale * step))
    if not gaps:
        return 0  # always the same element
    gap = gaps.pop()
    return int(gap) if not gaps and gap >= 0 and gap.denominator == 1 else None


def surely_apart(stored: list[Linear | None], loaded: list[Linear | None], step: int) -> bool:
    """Tell whether no load finds what a store left, in the same iteration or in a later one."""
    for s, t in zip(stored, loaded, strict=False):
        if s is None or t is None or (s.scale, s.base) != (t.scale, t.base):
            continue
        if not s.scale and s.offset != t.offset:
            return True
        if s.scale:
            gap = Fraction(s.offset - t.offset, s.scale * step)
            if gap < 0 or gap.denominator != 1:
                return True
    return False
