"""What a predictor sees: the conditional branches of a run, one after the other."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perflab.models.instrument import Site


@dataclass(frozen=True)
class Trace:
    """The conditional branches of a run, in order.

    Attributes
    ----------
    address : ndarray of int64, 1-D
        Where the branch instruction lies. Predictors use its lowest bits, as they are: of instructions that are
        all four bytes long, pass ``address >> 2``.
    taken : ndarray of bool, as long
        Whether it jumped.
    backward : ndarray of bool, as long, optional
        Whether it jumps to a lower address, as the branch at the end of a loop does.
    places : dict of int to Site
        By address, where the source is known.

    Raises
    ------
    TypeError, ValueError
        If an array has another type or length.
    """

    address: np.ndarray
    taken: np.ndarray
    backward: np.ndarray | None = None
    places: dict[int, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require("address", self.address, np.int64)
        _require("taken", self.taken, np.bool_)
        if self.backward is not None:
            _require("backward", self.backward, np.bool_)
        for name in ("taken", "backward"):
            array = getattr(self, name)
            if array is not None and array.size != self.address.size:
                raise ValueError(
                    f"{name}: {array.size} long, but address has {self.address.size}; one for each branch"
                )

    def __len__(self) -> int:
        return self.address.size


def _require(name: str, array: Any, dtype: type[np.generic]) -> None:
    """Raise unless `array` is a flat array of `dtype`."""
    wanted = np.dtype(dtype).name
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{name}: an array of {wanted}, got {type(array).__name__}; pass np.array({name}, {wanted!r})"
        )
    if array.dtype != dtype:
        raise TypeError(f"{name}: an array of {wanted}, got {array.dtype}; pass {name}.astype({wanted!r})")
    if array.ndim != 1:
        raise ValueError(f"{name}: one dimension, got {array.ndim}; pass {name}.ravel()")
