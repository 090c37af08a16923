"""What each worker needs first, done once and before workers are forked: import this to do it.

Numba imports much of itself, and SciPy, with the first function that it compiles.
"""

from numba import njit


@njit
def nothing() -> None:
    """Do nothing."""


nothing()
