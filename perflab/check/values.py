"""What may cross between a check and a function under test: copied, verified, compared.

Only plain data crosses: NumPy arrays (structured too), Python and NumPy scalars, `None`, str, bytes, tuples,
namedtuples, lists, dicts, dataclasses, files, and oracles; a bytearray or memoryview crosses as bytes. Never an
object with behavior of its own: it could lie about what it equals.
"""

import ctypes
import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from perflab.check.files import File
from perflab.check.oracles import Oracle, fresh, target_of
from perflab.check.questions import SCALARS, held

LINE = 64  # bytes; staged arrays start on a cache line, so that a record of 64 bytes is one line
BRIEF = 80  # characters of a value in a report
# Relative tolerance when an exercise names none, by the bytes of a real number: a few rounding errors, not another
# algorithm's noise.
DEFAULT_RTOL = {2: 1e-2, 4: 1e-5}
DEFAULT_RTOL_OTHER = 1e-9


def _rebuild(value: Any, leaf: Callable[[Any, str], Any], where: str) -> Any:
    """Return `value` with `leaf(x, path)` in place of each array, scalar, file and oracle; refuse all else."""
    kind = type(value)
    if kind in SCALARS or isinstance(value, np.generic | np.ndarray | File | Oracle):
        return leaf(value, where)
    if (whole := held(value)) is not None:
        return leaf(whole, where)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*(_rebuild(v, leaf, f"{where}.{n}") for n, v in zip(value._fields, value, strict=True)))
    if kind in (tuple, list):
        return kind(_rebuild(v, leaf, f"{where}[{i}]") for i, v in enumerate(value))
    if kind is dict:
        return {_rebuild(k, leaf, f"{where} key"): _rebuild(v, leaf, f"{where}[{k!r}]") for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        parts = {name: _rebuild(getattr(value, name), leaf, f"{where}.{name}") for name in names}
        twin = object.__new__(kind)
        for name, part in parts.items():
            object.__setattr__(twin, name, part)
        return twin
    raise TypeError(
        f"{where} is a {kind.__module__}.{kind.__qualname__}; use NumPy arrays, numbers, str, bytes, tuples, "
        "lists, dicts or dataclasses of these"
    )


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype, order: str = "C") -> np.ndarray:
    """Return an uninitialized array that starts on a cache line."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + LINE, np.uint8)
    # An owner that begins where the array does: the model of lines puts the beginning of an owner on a page.
    owner = (ctypes.c_uint8 * size).from_buffer(room, -room.ctypes.data % LINE)
    return np.ndarray(shape, dtype, buffer=owner, order=order)


def copy_array(array: np.ndarray) -> np.ndarray:
    """Return a copy of `array` that shares no memory, starts on a cache line and keeps the order of axes."""
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects; use an array of numbers or records")
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    twin = aligned_empty(array.shape, array.dtype, order)
    copy_records(array, twin)
    return twin


def copy_records(source: np.ndarray, target: np.ndarray) -> None:
    """Copy an array into one of the same shape; NumPy goes field by field through records, 15 times slower."""
    if source.dtype.names and source.dtype == target.dtype:
        whole = f"V{source.dtype.itemsize}"
        source, target = source.view(whole), target.view(whole)
    target[...] = source


def copy(value: Any, where: str = "the argument") -> Any:
    """Return a private copy of `value`: fresh memory, files of its own, oracles that have not been called yet.

    Raises
    ------
    TypeError
        If something in it may not cross.
    """

    def leaf(x: Any, path: str) -> Any:
        if isinstance(x, Oracle):
            return fresh(x)
        if isinstance(x, File):
            return x.lay_out()
        if isinstance(x, np.ndarray):
            if x.dtype.hasobject:
                raise TypeError(f"{path} is an array of Python objects; use an array of numbers or records")
            return copy_array(x)
        return x

    return _rebuild(value, leaf, where)


def reveal(value: Any, used: list[Oracle] | None = None) -> Any:
    """Return `value` with every oracle replaced by the object that it stands for: for references only.

    Parameters
    ----------
    value : object
    used : list of Oracle, optional
        In place of those in `value`, in the same order: oracles that a run has called.
    """
    left = iter(oracles(value) if used is None else used)
    return _rebuild(value, lambda x, _: target_of(next(left)) if isinstance(x, Oracle) else x, "the argument")


def oracles(value: Any) -> list[Oracle]:
    """Return all oracles inside `value`."""
    found: list[Oracle] = []

    def leaf(x: Any, _: str) -> Any:
        if isinstance(x, Oracle):
            found.append(x)
        return x

    _rebuild(value, leaf, "the argument")
    return found


def materialize(value: Any, where: str = "the result") -> Any:
    """Return what a function handed back, as plain data: nothing lazy, nothing with behavior of its own.

    Raises
    ------
    TypeError
        With a sentence that names the place and what is allowed.
    """

    def leaf(x: Any, path: str) -> Any:
        if isinstance(x, File):
            return _content(x, path)
        if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
            raise TypeError(f"{path} is a {type(x).__name__}; return a plain NumPy array")
        if isinstance(x, np.generic) and not type(x).__module__.startswith("numpy"):
            raise TypeError(f"{path} is a {type(x).__name__}; return a plain number")
        # Its elements would say themselves what they equal.
        if isinstance(x, np.ndarray | np.generic) and x.dtype.hasobject:
            raise TypeError(f"{path} is an array of Python objects; return an array of numbers or records")
        return x

    return _rebuild(value, leaf, where)


def _content(file: File, path: str) -> bytes:
    try:
        return file.content()
    except TypeError as error:
        raise TypeError(f"{path} is {error}") from error


def _number(x: Any) -> bool:
    return isinstance(x, bool | int | float | complex | np.generic) and not isinstance(x, np.flexible)


def _scalar(x: Any) -> Any:
    """Return an array without axes as its one value, and NumPy's strings as Python's."""
    if isinstance(x, np.ndarray) and x.shape == ():
        x = x[()]
    return x.item() if isinstance(x, np.str_ | np.bytes_) else x


def difference(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float = 0.0,
    dtype: Any = None,
    where: str = "the result",
) -> str | None:
    """Say where `actual` first differs from `expected`, or return None.

    Parameters
    ----------
    actual, expected : object
        Materialized values.
    rtol, atol : float
        Tolerance of expected floating-point numbers, as in `numpy.isclose`; `rtol` is by default 1e-2 where
        float16 is expected, 1e-5 where float32 is, and 1e-9 where float64 is, whatever the type of `actual`. Where
        integers, booleans, times or strings are expected, they must be equal.
    dtype : dtype, optional
        The exact type that every array and scalar of the result must have.
    where : str
        How the report names the value.
    """
    tolerance = {"rtol": rtol, "atol": atol, "dtype": dtype}
    actual, expected = _scalar(actual), _scalar(expected)
    if isinstance(expected, np.ndarray):
        return _array_difference(actual, expected, where, **tolerance)
    if _number(expected):
        if not _number(actual):
            return f"{where} is {_brief(actual)}; expected the number {_brief(expected)}"
        return _array_difference(np.asarray(actual), np.asarray(expected), where, scalar=True, **tolerance)
    if isinstance(expected, np.void) and isinstance(actual, np.void):  # a record, or a few bytes
        return _array_difference(np.asarray(actual), np.asarray(expected), where, scalar=True, **tolerance)
    if isinstance(expected, tuple | list):
        same_length = isinstance(actual, tuple | list) and len(actual) == len(expected)
        if not isinstance(actual, tuple | list) or not (same_length or _long(actual, expected)):
            return f"{where} is {_brief(actual)}; expected {len(expected)} values: {_brief(expected)}"
        pairs = enumerate(zip(actual, expected, strict=False))
        found = (difference(a, e, where=f"{where}[{i}]", **tolerance) for i, (a, e) in pairs)
        first = next((sentence for sentence in found if sentence), None)
        return first if same_length else _number_of_values(actual, expected, where, first)
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or actual.keys() != expected.keys():
            return f"{where} is {_brief(actual)}; expected {_brief(expected)}"
        found = (difference(actual[k], expected[k], where=f"{where}[{k!r}]", **tolerance) for k in expected)
        return next((sentence for sentence in found if sentence), None)
    if dataclasses.is_dataclass(expected):
        if type(actual) is not type(expected):
            return f"{where} is {_brief(actual)}; expected {_brief(expected)}"
        return difference(dataclasses.asdict(actual), dataclasses.asdict(expected), where=where, **tolerance)
    if type(actual) is type(expected) is bytes and actual != expected:
        return _bytes_difference(actual, expected, where)
    if type(actual) is not type(expected) or actual != expected:
        return f"{where} is {_brief(actual)}; expected {_brief(expected)}"
    return None


def _long(actual: Any, expected: Any) -> bool:
    """Tell whether a report that holds both would cut one off, maybe before they differ."""
    return max(len(repr(actual)), len(repr(expected))) > BRIEF


def _number_of_values(actual: tuple | list, expected: tuple | list, where: str, first: str | None) -> str:
    """Say how many values there are, and which is the first that differs: two long lists may begin alike."""
    both = min(len(actual), len(expected))
    if not first and len(actual) > both:
        first = f"{where}[{both}] is {_brief(actual[both])}, and nothing belongs there"
    elif not first:
        first = f"{where}[{both}] is missing; expected {_brief(expected[both])}"
    values = f"{len(actual):,} {'value' if len(actual) == 1 else 'values'}"
    return f"{where} has {values} where {len(expected):,} belong{'s' * (len(expected) == 1)}; {first}"


def _bytes_difference(actual: bytes, expected: bytes, where: str) -> str:
    if not _long(actual, expected):
        return f"{where} is {_brief(actual)}; expected {_brief(expected)}"
    both = min(len(actual), len(expected))
    unequal = np.frombuffer(actual, np.uint8, both) != np.frombuffer(expected, np.uint8, both)
    first = int(unequal.argmax()) if unequal.any() else both
    sizes = f"{len(actual):,} bytes" + ("" if len(actual) == len(expected) else f" where {len(expected):,} belong")
    parts = (_brief(data[first : first + 16]) for data in (actual, expected))
    return "{} has {}; from byte {:,} on it holds {}, expected {}".format(where, sizes, first, *parts)


def _array_difference(
    actual: Any,
    expected: np.ndarray,
    where: str,
    *,
    rtol: float | None,
    atol: float,
    dtype: Any,
    scalar: bool = False,
) -> str | None:
    if not isinstance(actual, np.ndarray):
        return f"{where} is {_brief(actual)}; expected an array of shape {expected.shape}"
    if actual.shape != expected.shape:
        return f"{where} has shape {actual.shape}; expected {expected.shape}"
    if dtype is not None and actual.dtype != np.dtype(dtype):
        return f"{where} has dtype {actual.dtype}; expected {np.dtype(dtype)}"
    if actual.dtype == expected.dtype and _same_bytes(actual, expected):
        return None
    if expected.dtype.names:
        if actual.dtype.names != expected.dtype.names:
            return f"{where} has fields {actual.dtype.names}; expected {expected.dtype.names}"
        found = (
            _array_difference(
                np.asarray(actual[n]),
                np.asarray(expected[n]),
                f"{where}[{n!r}]",
                rtol=rtol,
                atol=atol,
                dtype=None,
                scalar=scalar and np.asarray(expected[n]).shape == (),
            )
            for n in expected.dtype.names
        )
        return next((sentence for sentence in found if sentence), None)
    same = _same(actual, expected, rtol, atol)
    if same is None:
        return f"{where} has dtype {actual.dtype}; expected {expected.dtype}"
    if same.all():
        return None
    if scalar:
        return f"{where} is {_brief(actual[()])}; expected {_brief(expected[()])}"
    first = tuple(int(i) for i in np.argwhere(~same)[0])
    index = ", ".join(map(str, first))
    wrong = int(same.size - np.count_nonzero(same))
    return (
        f"{where}[{index}] is {_brief(actual[first])}; expected {_brief(expected[first])} "
        f"({wrong} of {same.size} values differ)"
    )


def _same(actual: np.ndarray, expected: np.ndarray, rtol: float | None, atol: float) -> np.ndarray | None:
    """Tell for each place whether two arrays of one shape agree; None if their types have nothing in common.

    What is expected alone decides how close is close enough: who hands back another type gains nothing by it.
    """
    kind, given = expected.dtype.kind, actual.dtype.kind
    # Booleans are no numbers here: 1 is not an answer to a yes-or-no question.
    family = next((kinds for kinds in ("b", "iufcO", "mM", "SU", "V") if kind in kinds), "")
    if given not in family or (family in ("mM", "SU") and given != kind) or actual.dtype.names:
        return None
    if kind in "fc":
        return _close(actual, expected, rtol, atol)
    if kind in "iu" and given in "fc":
        return _equal_integers(actual, expected)
    try:
        same = np.asarray(actual == expected)
    except TypeError:  # months are no days
        return None
    if kind in "mM":
        same |= np.isnat(actual) & np.isnat(expected)
    return same if same.shape == expected.shape else None


def _close(actual: np.ndarray, expected: np.ndarray, rtol: float | None, atol: float) -> np.ndarray:
    if rtol is None:
        size = expected.dtype.itemsize // (2 if expected.dtype.kind == "c" else 1)
        rtol = DEFAULT_RTOL.get(size, DEFAULT_RTOL_OTHER)
    if actual.dtype.kind == "O":  # integers of more than 64 bits
        actual = np.array([_as_float(x) for x in actual.reshape(-1)]).reshape(actual.shape)
    if "c" not in (actual.dtype.kind, expected.dtype.kind):
        # Half a number's digits would do for comparing, its range would not.
        wide = np.result_type(actual, expected, np.float32)
        return np.isclose(actual.astype(wide), expected.astype(wide), rtol=rtol, atol=atol, equal_nan=True)
    size = np.maximum(np.abs(expected.real), np.abs(expected.imag)).astype(np.float64)
    room = atol + rtol * np.where(np.isfinite(size), size, 0.0)  # of both parts: one may be small beside the other
    parts = ((actual.real, expected.real), (actual.imag, expected.imag))
    close = [np.isclose(a, e, rtol=0.0, atol=room, equal_nan=True) for a, e in parts]
    return close[0] & close[1]


def _as_float(x: int) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.nan


def _equal_integers(actual: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Tell where floating-point numbers are these very integers: a comparison of both types would round."""
    whole = actual.real.astype(np.result_type(actual.real, np.float64))
    info = np.iinfo(expected.dtype)
    inside = (actual.imag == 0) & (whole == np.trunc(whole)) & (whole >= info.min) & (whole < float(info.max + 1))
    return inside & (np.where(inside, whole, 0).astype(expected.dtype) == expected)


def _same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell quickly whether two arrays are equal to the bit; most timed outcomes are."""
    if not (a.flags.c_contiguous and b.flags.c_contiguous and a.dtype.itemsize) or a.dtype.hasobject:
        return False
    word = np.uint8 if a.nbytes % 8 else np.uint64  # eight at once: half the time of all timed comparisons is here
    return np.array_equal(*(one.reshape(-1).view(np.uint8).view(word) for one in (a, b)))


def _brief(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 3]}..."
