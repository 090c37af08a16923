"""Primitives called by Python: through a small compiled function, to try them; or refused with a sentence."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from numba import njit, types
from numba.core import config

from perflab.intrinsics.primitive import defined, types_of


def call(function: Callable, args: tuple, *order: str) -> Any:
    """Call the primitive `function`; wrong types are reported without Numba's story around them.

    Parameters
    ----------
    function : callable
    args : tuple
    *order : str
        The last argument, where there is one that has to be a literal.
    """
    if config.DISABLE_JIT:
        raise RuntimeError(f"{function.__name__}: it exists only in compiled code; unset NUMBA_DISABLE_JIT")
    kinds = types_of(args)
    defined(function)(*kinds, *(types.literal(x) if isinstance(x, str) else types_of((x,))[0] for x in order))
    compiled = _ordered(function, *order, len(args)) if order else _plain(function)
    return compiled(*args)


@cache
def _plain(function: Callable) -> Callable:
    return njit(nogil=True)(lambda *args: function(*args))


# By the number of arguments before the order: in a call with a star the order would be no literal.
FORMS = {
    0: lambda function, order: lambda: function(order),
    2: lambda function, order: lambda a, i: function(a, i, order),
    3: lambda function, order: lambda a, i, x: function(a, i, x, order),
    4: lambda function, order: lambda a, i, x, y: function(a, i, x, y, order),
    6: lambda function, order: lambda a, i, u, v, x, y: function(a, i, u, v, x, y, order),
}


@cache
def _ordered(function: Callable, order: str, count: int) -> Callable:
    return njit(nogil=True)(FORMS[count](function, order))


def compiled_only(function: Callable) -> Callable:
    """Return a function that has the name and the arguments of another, and refuses to be called by Python."""

    @wraps(function)
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"{function.__name__}: it exists only in compiled code; call it in a function with @njit"
        )

    return refused
