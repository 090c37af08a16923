"""Memory orders: their names, which of them make sense where, and what LLVM calls them."""

from typing import Any, Literal

from numba import types
from numba.core.errors import TypingError

from perflab.intrinsics import constant

Order = Literal["relaxed", "acquire", "release", "acq_rel", "seq_cst"]

LOAD = ("relaxed", "acquire", "seq_cst")
STORE = ("relaxed", "release", "seq_cst")
UPDATE = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
FENCE = ("acquire", "release", "acq_rel", "seq_cst")

# A compare-and-exchange that fails has only read: it keeps of its order what concerns reading.
OF_FAILURE = {"release": "relaxed", "acq_rel": "acquire"}


def known(given: Any, allowed: tuple[str, ...], operation: str) -> tuple[str, types.Type]:
    """Return an order, and its type for a signature.

    Raises
    ------
    TypingError
        If it is no literal string, or not one of those allowed.
    """
    value, kind = constant(given)
    if value not in allowed:
        got = repr(value) if value is not None else f"a variable of type {kind}"
        names = ", ".join(map(repr, allowed))
        raise TypingError(f"order: for {operation} one of {names}, written as a literal; got {got}")
    return value, kind


def llvm(order: str) -> str:
    """Return LLVM's name of an order."""
    return "monotonic" if order == "relaxed" else order
