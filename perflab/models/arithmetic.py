"""Arithmetic on one number at a time, as Numba compiles it, for models that run compiled code themselves.

A value stands for a number of a Numba type: an int for int64, a float for float64, a bool for boolean, and a NumPy
scalar for all other types. Numba's own typing says which type an operation has: ``uint64 - uint64`` wraps around,
and ``uint64 < int64`` compares two floats. Which type two numbers have that meet in one variable,
`perflab.models.interleaving.meetings` asks; where a compiled function is traced, a variable holds a number of the
type that was assigned to it last.
"""

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba.core import types
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.np.numpy_support import as_dtype

_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1
# Of Python's numbers; those of NumPy's scalars follow.
_TYPES: dict[type, types.Type] = {
    bool: types.boolean,
    int: types.int64,
    float: types.float64,
    complex: types.complex128,
    np.bool_: types.boolean,
    **{
        getattr(np, name): getattr(types, name)
        for name in (
            *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
            *("float32", "float64", "complex64", "complex128"),
        )
    },
}
_DEFAULTS = {np.dtype(kind) for kind in (np.int64, np.float64, np.bool_, np.complex128)}
_EXACT = {operator.add, operator.sub, operator.mul}
_COMPARISONS = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}
_DIVISIONS = {operator.truediv, operator.floordiv, operator.mod}
_SHIFTS = {operator.lshift, operator.rshift}
_IN_PLACE = {
    getattr(operator, f"i{name}"): getattr(operator, name if name not in ("and", "or") else f"{name}_")
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "xor", "and", "or")
}


def is_number(value: Any) -> bool:
    """Tell whether a value stands for a number of a Numba type."""
    return value.__class__ in _TYPES


def typed(value: Any, dtype: np.dtype) -> Any:
    """Return a number as one of `dtype`: integers wrap around, floats lose their fraction, as a C cast does."""
    if value.__class__ is int and not _SMALLEST <= value <= _LARGEST:
        value = np.array(value & ((1 << 64) - 1), np.uint64)
    with np.errstate(all="ignore"):
        cast = np.asarray(value).astype(dtype)[()]
    return cast.item() if dtype in _DEFAULTS else cast


def standing(value: Any) -> Any:
    """Return the value that stands for a number that Python or NumPy computed; anything else as it is."""
    if value.__class__ is int and not _SMALLEST <= value <= _LARGEST:
        if value > _LARGEST and value < 1 << 64:
            return np.uint64(value)
        raise OverflowError(f"{value} needs more than 64 bits, which compiled integers have")
    if isinstance(value, np.generic) and value.dtype in _DEFAULTS:
        return value.item()
    return value


def computed(op: Callable[..., Any], left: Any, right: Any) -> Any:
    """Return ``op(left, right)`` for an operator of the module `operator`, in place or not.

    Raises
    ------
    TypeError
        If Numba has no such operation.
    ZeroDivisionError
        As compiled code raises it.
    """
    op = _IN_PLACE.get(op, op) if left.__class__ in _TYPES else op
    # By far the most frequent ones; a bool beside an int64 counts as one.
    if (left.__class__ is int and right.__class__ in (int, bool)) or (
        left.__class__ is bool and right.__class__ is int
    ):
        if op in _EXACT:
            value = op(left, right)
            return value if _SMALLEST <= value <= _LARGEST else _wrapped(value)
        if op in _COMPARISONS:
            return op(left, right)
    if left.__class__ is float and right.__class__ is float and (op in _EXACT or op in _COMPARISONS):
        return op(left, right)
    if left.__class__ not in _TYPES or right.__class__ not in _TYPES:
        return standing(op(_promoting(left, right), _promoting(right, left)))
    return _operation(op, left.__class__, right.__class__)(standing(left), standing(right))


def negated(op: Callable[[Any], Any], value: Any) -> Any:
    """Return ``op(value)`` for a unary operator of the module `operator`."""
    if op is operator.not_ or value.__class__ not in _TYPES:
        return op(value)
    result = _result(op, (value.__class__,))
    if value.__class__ in (bool, np.bool_) and op is operator.invert:
        return not value
    if value.__class__ in (bool, np.bool_):
        value = int(value)
    with np.errstate(all="ignore"):
        return typed(op(_scalar(value)), result)  # in the type of the operand: only the result is wider


def called(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Return what a function of numbers returns: a builtin, one of `math`, or NumPy's.

    What takes or returns anything but numbers is called as it is.
    """
    if not args or any(arg.__class__ not in _TYPES for arg in args):
        return standing(function(*args))
    kinds = tuple(arg.__class__ for arg in args)
    if isinstance(function, type) and issubclass(function, np.number | np.bool_):
        return typed(args[0], np.dtype(function)) if len(args) == 1 else standing(function(*args))
    try:
        parameters, result = _signature(function, kinds)
    except TypeError:
        return standing(function(*args))
    if function in (int, bool) and len(args) == 1:
        return typed(args[0], result)
    if function in (min, max):
        return typed(_scalar(function(*(_scalar(typed(arg, result)) for arg in args))), result)
    if len(parameters) == len(args):
        args = tuple(_scalar(typed(arg, part)) for arg, part in zip(args, parameters, strict=True))
    with np.errstate(all="ignore"):
        value = function(*args)
    return typed(value, result) if result is not None and is_number(value) else standing(value)


def counted(*args: Any) -> Any:
    """Return what ``range(*args)`` yields: a range, or an array if its numbers are of another type than int64."""
    if all(arg.__class__ is int for arg in args):
        return range(*args)
    kind = _resolved(range, tuple(_TYPES[arg.__class__] for arg in args)).return_type.dtype
    numbers = range(*(int(typed(arg, as_dtype(kind))) for arg in args))
    return numbers if kind == types.int64 else np.array(numbers, as_dtype(kind))


def _wrapped(value: int) -> int:
    return ((value - _SMALLEST) & ((1 << 64) - 1)) + _SMALLEST


def _scalar(value: Any) -> Any:
    """Return a NumPy scalar, whose operators keep its type."""
    return value if isinstance(value, np.generic) else np.asarray(value)[()]


def _promoting(value: Any, other: Any) -> Any:
    """Return a number beside an array as one that promotes: Numba's numbers have types of their own there."""
    return _scalar(value) if hasattr(other, "dtype") and value.__class__ in (int, float) else value


def _resolved(function: Any, args: tuple[types.Type, ...]) -> Any:
    context = cpu_target.typing_context
    context.refresh()
    try:
        signature = context.resolve_function_type(context.resolve_value_type(function), args, {})
    except (NumbaError, TypeError, ValueError, NotImplementedError, AttributeError) as error:
        name = getattr(function, "__name__", repr(function))
        raise TypeError(f"Numba has no {name} of {', '.join(map(str, args))}") from error
    if signature is None:
        raise TypeError(f"Numba has no {getattr(function, '__name__', function)} of {', '.join(map(str, args))}")
    return signature


@cache
def _signature(function: Any, kinds: tuple[type, ...]) -> tuple[tuple[np.dtype, ...], np.dtype | None]:
    """Return the types of a function's arguments and of its result, None for one that is no number."""
    signature = _resolved(function, tuple(_TYPES[kind] for kind in kinds))
    parameters = tuple(as_dtype(kind) for kind in signature.args if isinstance(kind, types.Number | types.Boolean))
    result = signature.return_type
    return parameters, as_dtype(result) if isinstance(result, types.Number | types.Boolean) else None


def _result(op: Any, kinds: tuple[type, ...]) -> np.dtype:
    result = _signature(op, kinds)[1]
    assert result is not None
    return result


@cache
def _operation(op: Callable[..., Any], left: type, right: type) -> Callable[[Any, Any], Any]:
    """Return a function that does a binary operation on numbers of two types."""
    (first, second), result = _signature(op, (left, right))
    if op in _COMPARISONS:
        if "f" in first.kind + second.kind:
            return lambda a, b: bool(op(typed(a, first), typed(b, second)))
        return lambda a, b: op(int(typed(a, first)), int(typed(b, second)))
    assert result is not None
    if op in _SHIFTS:
        return lambda a, b: _shifted(op, int(typed(a, result)), int(b), result)
    if result.kind in "iu" or (result.kind == "b"):
        if op is operator.pow:
            return lambda a, b: _power(int(typed(a, result)), int(typed(b, second)), result)
        if op in _DIVISIONS:
            return lambda a, b: _divided(op, int(typed(a, result)), int(typed(b, result)), result)
        return lambda a, b: typed(op(int(typed(a, result)), int(typed(b, result))), result)
    if op in _DIVISIONS:
        return lambda a, b: _divided(op, typed(a, first), typed(b, second), result)

    def plainly(a: Any, b: Any) -> Any:
        with np.errstate(all="ignore"):
            return typed(op(_scalar(typed(a, first)), _scalar(typed(b, second))), result)

    return plainly


def _divided(op: Callable[..., Any], a: Any, b: Any, result: np.dtype) -> Any:
    if b == 0:
        raise ZeroDivisionError("division by zero")
    if op is operator.floordiv and b == -1 and a == _SMALLEST:
        return 0  # no int64 is that quotient, and this is what Numba says
    with np.errstate(all="ignore"):
        return typed(op(a, b), result)


def _shifted(op: Callable[..., Any], a: int, count: int, result: np.dtype) -> Any:
    bits = 8 * result.itemsize
    if not 0 <= count < bits:
        raise TypeError(
            f"a shift by {count} of an integer of {bits} bits: compiled code has no right answer; "
            f"keep the count between 0 and {bits - 1}"
        )
    return typed(op(a, count), result)


def _power(base: int, exponent: int, result: np.dtype) -> Any:
    if exponent < 0:
        raise TypeError("an integer to a negative power: compiled code has no right answer; make the base a float")
    return typed(pow(base, exponent, 1 << 64), result)


def handing(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rewritten compiled function as Python calls it: numbers come back as Python's."""

    def handed(*args: Any, **kwargs: Any) -> Any:
        return _handed_back(compiled(*args, **kwargs))

    return handed


def _handed_back(value: Any) -> Any:
    if isinstance(value, tuple):
        parts = map(_handed_back, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value.item() if isinstance(value, np.number | np.bool_) else value
