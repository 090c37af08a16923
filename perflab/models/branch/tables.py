"""What predictors are built of: tables of saturating counters."""

from typing import Any

import numpy as np
from numba import njit


@njit
def step(table: np.ndarray, index: int, taken: bool, bits: int) -> bool:
    """Predict a branch from its counter, then let the counter learn what it did.

    Parameters
    ----------
    table : ndarray of int64
        Counters, from `new_table`. One goes up when its branch is taken and down when not, and saturates.
    index : int
        The counter.
    taken : bool
        What the branch did.
    bits : int
        Of a counter.

    Returns
    -------
    bool
        What was predicted: taken, if the counter was in its upper half.
    """
    counter = table[index]
    # Without a branch, which would be mispredicted as often as the one that is simulated.
    up, down = counter < (1 << bits) - 1, counter > 0
    table[index] = counter + (taken & up) - (~taken & down)
    return counter >= 1 << (bits - 1)


@njit
def new_table(entries: int, bits: int) -> np.ndarray:
    """Return counters at the lowest value that predicts taken (int64)."""
    return np.full(entries, 1 << (bits - 1), np.int64)


def require_size(**sizes: Any) -> None:
    """Raise a ValueError unless each size is a power of two."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or size < 1 or size & (size - 1):
            near = 1 << max(int(size) - 1, 0).bit_length() if isinstance(size, int | float | np.number) else 1024
            raise ValueError(
                f"{name}: a power of two, since low bits of the address choose; got {size!r}, take {near}"
            )


def require_bits(most: int, **widths: Any) -> None:
    """Raise a ValueError unless each width is from 1 to `most`."""
    for name, width in widths.items():
        if not isinstance(width, int | np.integer) or not 1 <= width <= most:
            raise ValueError(f"{name}: a number of bits from 1 to {most}, got {width!r}")
