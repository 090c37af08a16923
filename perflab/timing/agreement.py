"""Whether two outcomes are the same work, as far as can be seen."""

from typing import Any

import numpy as np

SAME = 1e-3  # relative: a reordered sum may differ so much, other work differs by more
NUMBERS = (np.ndarray, np.number, np.bool_, int, float, complex)
EXACT = (str, bytes, bytearray, set, frozenset)


def agree(a: Any, b: Any) -> bool:
    """Tell whether two outcomes are the same work.

    Integers, text and bytes agree if they are equal; floating-point numbers if they differ by no more than what
    another order of additions may change. What is of two kinds, or of a kind not known here, is not compared, and
    agrees.

    Parameters
    ----------
    a, b : object
        Results, or tuples of changed arguments.
    """
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(value, b[key]) for key, value in a.items())
    if isinstance(a, EXACT) and isinstance(b, EXACT):
        return a == b
    seen = (*NUMBERS, tuple, list)
    if not isinstance(a, seen) or not isinstance(b, seen):
        return True
    if isinstance(a, tuple | list) or isinstance(b, tuple | list):
        return False
    return _arrays_agree(np.asarray(a), np.asarray(b))


def _arrays_agree(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.names or b.dtype.names:
        return a.dtype.names == b.dtype.names and all(_arrays_agree(a[name], b[name]) for name in a.dtype.names)
    kinds = a.dtype.kind + b.dtype.kind
    if not set(kinds) <= set("biufc"):
        return True
    if set(kinds) <= set("biu"):
        return bool(np.array_equal(a, b))
    # Where terms cancel, what is left of their rounding is to be seen beside the largest values.
    scale = max((float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in (a, b)), default=0.0)
    coarse = max(np.finfo(x.dtype).eps for x in (a, b) if x.dtype.kind in "fc")
    return bool(np.allclose(a, b, rtol=SAME, atol=float(np.sqrt(coarse)) * scale, equal_nan=True))
