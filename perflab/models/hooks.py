"""What rewritten code calls instead of touching an array: it does so, and notes where.

`perflab.models.accesses` puts these calls into a function's source. Each has an implementation for every type that
may stand there, since a syntax tree does not tell an array from a tuple.
"""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import carray, farray, njit, types
from numba.extending import intrinsic, overload
from numba.np.numpy_support import as_dtype

from perflab.models.tape import SITE, emit, fail

SIZE = 1  # bits of a code below the size

# Where new arrays go: the next free address, and the end. `perflab.models.arena` sets them.
free = np.zeros(2, np.int64)
_FREE = free.ctypes.data
PAGE = 4096


def load(site: int, owner: Any, index: Any) -> Any:
    """Return ``owner[index]``."""


def store(site: int, value: Any, owner: Any, index: Any) -> None:
    """``owner[index] = value``."""


def pick(site: int, owner: Any, index: Any) -> Any:
    """Return ``owner[index]`` for an index that is written as a number, which may be that of a tuple."""


def elements(site: int, owner: Any) -> Any:
    """Return what ``for value in owner`` goes through."""


def made(site: int, array: Any) -> Any:
    """Return a copy of a new array, at a place that is known, all of it written."""


def reserved(site: int, array: Any) -> Any:
    """Return a copy of a new array, at a place that is known, nothing of it touched."""


HOOKS: dict[str, Callable[..., Any]] = {
    hook.__name__: hook for hook in (load, store, pick, elements, made, reserved)
}


def encode(site: int, size: int, write: int) -> int:
    """Return the code of an access."""
    return site << SITE | size << SIZE | write


_encode = njit(encode)


@intrinsic
def _start(context: Any, owner: Any) -> Any:
    """Return the address of an array or of a record."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = args[0]
        if isinstance(owner, types.Array):
            pointer = context.make_array(owner)(context, builder, pointer).data
        return builder.ptrtoint(pointer, context.get_value_type(types.int64))

    return types.int64(owner), codegen


@intrinsic
def _pointer(context: Any, address: Any) -> Any:
    """Return an address as a pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


def _built(source: str, **names: Any) -> Callable[..., Any]:
    """Return the function `impl` of a source, for what depends on a name or a number of axes."""
    space = {"np": np, "start": _start, "fail": fail, "encode": _encode, "emit": emit, **names}
    exec(source, space)
    return space["impl"]


def _plain(kind: types.Type) -> bool:
    return isinstance(kind, types.Number | types.Boolean | types.CharSeq | types.UnicodeCharSeq)


def _element(owner: types.Type, index: types.Type) -> bool:
    """Tell whether an index names one element of an array."""
    if not isinstance(owner, types.Array):
        return False
    parts = index.types if isinstance(index, types.BaseTuple) else (index,)
    return len(parts) == owner.ndim and all(isinstance(part, types.Integer) for part in parts)


def _located(owner: types.Array, index: types.Type) -> tuple[str, str]:
    """Return statements that find the indexes of an element, and the expression of its address."""
    place = "index[{}]" if isinstance(index, types.BaseTuple) else "index"
    axes = range(owner.ndim)
    found = "\n    ".join(_ONE_INDEX.format(d=d, place=place.format(d)) for d in axes)
    return found, " + ".join(["start(owner)", *(f"k{d} * owner.strides[{d}]" for d in axes)])


# Written out, not called: so Numba sees that it may leave the array's reference count alone.
_ONE_INDEX = """k{d} = np.int64({place})
    if k{d} < 0:
        k{d} += owner.shape[{d}]
    if k{d} < 0 or k{d} >= owner.shape[{d}]:
        fail(site)
        raise IndexError("there is no such element")"""


def _indexes(owner: types.Array) -> str:
    return ", ".join(f"k{d}" for d in range(owner.ndim))


@overload(load)
def _load(site, owner, index):
    if isinstance(owner, types.UnicodeType):
        return None  # the slow way counts what is in a text
    if not isinstance(owner, types.Array):
        return lambda site, owner, index: owner[index]
    if _element(owner, index):
        found, address = _located(owner, index)
        event = f"emit({address}, encode(site, owner.itemsize, 0))"
        if not _plain(owner.dtype):  # a record: what is read of it, a field's hook tells
            event = "pass"
        body = f"{found}\n    {event}\n    return owner[{_indexes(owner)}]"
        return _built(f"def impl(site, owner, index):\n    {body}")
    parts = index.types if isinstance(index, types.BaseTuple) else (index,)
    if any(isinstance(part, types.Array | types.List | types.Boolean) for part in parts):
        return None
    return lambda site, owner, index: owner[index]  # a view


@overload(pick, prefer_literal=True)
def _pick(site, owner, index):
    if isinstance(owner, types.BaseTuple) and isinstance(index, types.IntegerLiteral):
        return _built(f"def impl(site, owner, index):\n    return owner[{index.literal_value}]")
    return lambda site, owner, index: load(site, owner, index)


@overload(store)
def _store(site, value, owner, index):
    if _element(owner, index) and _plain(owner.dtype):
        found, address = _located(owner, index)
        return _built(
            f"def impl(site, value, owner, index):\n    {found}\n    owner[{_indexes(owner)}] = value\n"
            f"    emit({address}, encode(site, owner.itemsize, 1))"
        )
    if isinstance(owner, types.Array | types.Record):
        return None

    def impl(site, value, owner, index):
        owner[index] = value

    return impl


@cache
def load_field(name: str) -> Callable[..., Any]:
    """Return the hook for ``owner.name`` and ``owner["name"]``."""

    def load_this(site, owner):
        """Return the field."""

    access = f"owner.{name}" if name.isidentifier() else f"owner[{name!r}]"

    @overload(load_this)
    def _load_this(site, owner):
        event = "pass"
        if isinstance(owner, types.Record):
            if name not in owner.fields:
                return None
            if _plain(owner.typeof(name)):
                size = as_dtype(owner.typeof(name)).itemsize
                event = f"emit(start(owner) + {owner.offset(name)}, encode(site, {size}, 0))"
        elif isinstance(owner, types.Array):
            fields = owner.dtype.fields if isinstance(owner.dtype, types.Record) else ()
            if name not in fields and name != "T":
                return None
        return _built(f"def impl(site, owner):\n    {event}\n    return {access}")

    _fields.add(load_this)
    return load_this


@cache
def store_field(name: str) -> Callable[..., Any]:
    """Return the hook for ``owner.name = value`` and ``owner["name"] = value``."""

    def store_this(site, value, owner):
        """Assign to the field."""

    access = f"owner.{name}" if name.isidentifier() else f"owner[{name!r}]"

    @overload(store_this)
    def _store_this(site, value, owner):
        if not isinstance(owner, types.Record) or name not in owner.fields or not _plain(owner.typeof(name)):
            return None
        size = as_dtype(owner.typeof(name)).itemsize
        event = f"emit(start(owner) + {owner.offset(name)}, encode(site, {size}, 1))"
        return _built(f"def impl(site, value, owner):\n    {access} = value\n    {event}")

    _fields.add(store_this)
    return store_this


_fields: set[Any] = set()


def is_hook(function: Any) -> bool:
    """Tell whether compiled code that calls this tells of all that it touches."""
    return isinstance(function, FunctionType) and (function in HOOKS.values() or function in _fields)


@overload(elements)
def _elements(site, owner):
    if isinstance(owner, types.UnicodeType):
        return None
    if not isinstance(owner, types.Array):
        return lambda site, owner: owner

    def impl(site, owner):
        for k in range(len(owner)):
            yield load(site, owner, k)

    return impl


@intrinsic
def _free(context: Any, which: Any) -> Any:
    """Return the next free address, or the end."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.add(context.get_constant(types.int64, _FREE), builder.shl(args[0], args[0].type(3)))
        return builder.load(builder.inttoptr(at, args[0].type.as_pointer()))

    return types.int64(types.int64), codegen


@intrinsic
def _set_free(context: Any, address: Any) -> Any:
    """Set the next free address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = context.get_constant(types.int64, _FREE)
        builder.store(args[0], builder.inttoptr(at, args[0].type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@njit
def _claim(site: int, size: int) -> int:
    """Return the address of new memory of whole pages."""
    at = _free(0)
    end = at + (size // PAGE + 1) * PAGE
    if end > _free(1):
        fail(site)
        raise MemoryError("more new arrays than there is room for")
    _set_free(end)
    return at


def _placed(array: Any, touched: bool) -> Any:
    if not isinstance(array, types.Array) or array.layout not in "CF":
        return None
    if not (_plain(array.dtype) or (isinstance(array.dtype, types.Record) and not touched)):
        return None
    view = carray if array.layout == "C" else farray

    def reserve(site, array):
        return view(_pointer(_claim(site, array.nbytes)), array.shape, array.dtype)

    def make(site, array):
        at = _claim(site, array.nbytes)
        placed = view(_pointer(at), array.shape, array.dtype)
        placed[...] = array
        for k in range(array.size):
            emit(at + k * array.itemsize, _encode(site, array.itemsize, 1))
        return placed

    return make if touched else reserve


@overload(made)
def _made(site, array):
    return _placed(array, True)


@overload(reserved)
def _reserved(site, array):
    return _placed(array, False)
