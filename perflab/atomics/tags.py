"""A tag and an index in one integer: what an ordinary compare-and-exchange needs to notice a change back (ABA)."""

import numpy as np
from numba import njit

BITS = 32  # for each
MASK = 0xFFFF_FFFF
SIGN = 0x8000_0000


@njit(nogil=True)
def pack(tag, index):
    """Return an int64 of a tag and an index.

    Parameters
    ----------
    tag : int
        A count of changes; it goes around after 2**32 of them.
    index : int
        From -2**31 to 2**31 - 1, so -1 can stand for "none".

    Raises
    ------
    ValueError
        If the index does not fit.
    """
    index = np.int64(index)
    if index < -SIGN or index >= SIGN:
        raise ValueError("index: it has 32 bits here, from -2**31 to 2**31 - 1")
    return np.int64(tag) << BITS | index & MASK


@njit(nogil=True)
def tag_of(packed):
    """Return the tag of a packed integer, from 0 to 2**32 - 1."""
    return np.int64(packed) >> BITS & MASK


@njit(nogil=True)
def index_of(packed):
    """Return the index of a packed integer, from -2**31 to 2**31 - 1."""
    low = np.int64(packed) & MASK
    return low - ((low & SIGN) << 1)
