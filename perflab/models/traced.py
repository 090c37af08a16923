"""Run a function in Python on arrays that watch every access.

A `Trace` wraps what a function can reach, and tells a memory model (a cache, say) each address that it touches. A
plain function computes as Python does. A Numba function runs here, too, but with the numbers that it has when it
is compiled: see `perflab.models.arithmetic`. What lies in no array, `perflab.models.containers` counts.
"""

import array
import collections
import functools
import itertools
import linecache
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.experimental.jitclass.base import JitClassType
from numpy.lib.mixins import NDArrayOperatorsMixin

from perflab.models import sorts
from perflab.models.arithmetic import handing
from perflab.models.containers import CompiledContainers, Containers, Extent, is_unwatched
from perflab.models.moves import CONTRACTING, IN_ORDER, MOVING, SHAPED_BY_THE_REST, moved, touch_move
from perflab.models.places import AddressSpace, address_of
from perflab.models.sources import UntraceableError
from perflab.models.touches import hooks_of, touching

_METADATA = frozenset({"shape", "size", "ndim", "dtype", "strides", "nbytes", "itemsize", "flags"})
_VIEWS = frozenset({"T", "real", "imag"})
_UNREAD = frozenset({"shape", "size", "ndim", "result_type", "can_cast", "shares_memory", "may_share_memory"})
# One pass over every operand would be plainly wrong for these.
_PARTIAL = sorts.SEARCHING | {"item", "take", "put", "choose", "place", "partition", "argpartition"}
_PARTIAL |= {"searchsorted", "take_along_axis", "put_along_axis", "putmask"}
# What writes to its first operand.
_FILLING = frozenset({"copyto", "fill", "sort"})
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.number, np.bool_, np.dtype, type, range, slice)
_CONTAINERS = (set, frozenset, bytearray, collections.deque, array.array)
_INTEGERS = (int, np.integer)
_LIBRARIES = sys.stdlib_module_names - {"__main__"}
# Primitives that Python may call, too, by the elements that they touch.
ATOMICS = {"perflab.atomics.words": 1, "perflab.atomics.pairs": 2}


class Memory(Protocol):
    """What a trace reports to."""

    def touch(self, address: int, size: int, write: bool) -> None:
        """Read or write `size` bytes from `address` on."""

    def step(self, count: int) -> None:
        """Make accesses to what has no place in memory, such as the elements of a small tuple."""

    def touch_together(self, columns: "list[Column]") -> None:
        """Touch the elements of several operands side by side: the first of each, then the second of each, ...

        Parameters
        ----------
        columns : list of (ndarray of int64, int, bool)
            Addresses of the elements, equally many for each operand, the bytes of an element, and whether it is
            written.
        """


Column = tuple[np.ndarray, int, bool]


def _addresses(first: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """Return the address of every element (bytes, int64, of the given shape)."""
    total = np.array(first, np.int64)
    for length, stride in zip(shape, strides, strict=True):
        total = total[..., None] + np.arange(length, dtype=np.int64) * stride
    return total


class Trace:
    """Wraps what a function can reach, and reports its accesses to a memory model.

    Attributes
    ----------
    memory : Memory
    codes : set of code objects
        Of the functions that it has wrapped.
    containers : Containers
        What counts elements outside of arrays.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._space = AddressSpace()
        self._twins: dict[tuple[Callable[..., Any], bool], Callable[..., Any]] = {}
        self.codes: set[types.CodeType] = set()
        self._copies: list[tuple[Any, Any]] = []  # of containers of arrays among the arguments
        self.containers = plain = Containers(memory, self._space, _Array, self.codes, self._all_of, self.met)
        self._hooks = [hooks_of(kind.hooks()) for kind in (plain, CompiledContainers(plain))]

    # What the function can reach

    def twin(self, fn: Any, inside: bool = False) -> Callable[..., Any]:
        """Return the function as Python that tells what it touches, with everything that it names wrapped.

        Parameters
        ----------
        fn : callable
        inside : bool
            Whether compiled code calls it.
        """
        compiled = isinstance(fn, Dispatcher)
        if compiled:
            fn = fn.py_func
        if not isinstance(fn, types.FunctionType):
            raise UntraceableError(f"it is a {type(fn).__name__}, which has no Python body to run")
        if (fn, compiled or inside) not in self._twins:
            self._make_twin(fn, compiled or inside)
        twin = self._twins[fn, compiled or inside]
        return handing(twin) if compiled and not inside else twin

    def _make_twin(self, fn: types.FunctionType, compiled: bool) -> None:
        code = touching(fn)
        reach = functools.partial(self.reach, inside=compiled)
        names: dict[str, Any] = {"__builtins__": fn.__globals__.get("__builtins__", __builtins__)}
        names |= self._hooks[compiled]
        cells = {name: types.CellType() for name in fn.__code__.co_freevars}
        defaults = fn.__defaults__ and tuple(map(reach, fn.__defaults__))
        closure = tuple(cells[name] for name in code.co_freevars)
        twin = types.FunctionType(code, names, fn.__name__, defaults, closure)
        twin.__kwdefaults__ = fn.__kwdefaults__ and {k: reach(v) for k, v in fn.__kwdefaults__.items()}
        self.codes.update(_codes(code))
        self._twins[fn, compiled] = twin  # before its names are wrapped: it may name itself
        for name in {name for each in _codes(fn.__code__) for name in each.co_names}:
            if name in fn.__globals__:
                names[name] = reach(fn.__globals__[name])
        for name, original in zip(cells, fn.__closure__ or (), strict=True):
            cells[name].cell_contents = reach(original.cell_contents)

    def argument(self, value: Any) -> Any:
        """Wrap an argument; refuse one that may hide memory."""
        if isinstance(value, tuple | list | dict):
            if not isinstance(value, tuple) and not any(isinstance(leaf, np.ndarray) for leaf in _leaves(value)):
                for leaf in _leaves(value):
                    self.argument(leaf)
                return value  # as it is, since the function may change it
            wrapped = _mapped(self.argument, value)
            if not isinstance(value, tuple):
                self._copies.append((value, wrapped))
            return wrapped
        wrapped = self.reach(value)
        if wrapped is value and not isinstance(value, _PLAIN + _CONTAINERS):
            raise UntraceableError(f"an argument is a {type(value).__name__}, whose memory cannot be watched")
        return wrapped

    def put_back(self) -> None:
        """Let containers among the arguments hold what those of the watched call hold."""
        for original, wrapped in self._copies:
            if isinstance(original, list):
                original[:] = _raw(wrapped)
            else:
                original.clear()
                original.update(_raw(wrapped))

    def reach(self, value: Any, inside: bool = False) -> Any:
        """Wrap whatever the function may get hold of: arrays, functions, modules, and containers of them."""
        if value is np.ndarray:
            return _Arrays
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, tuple | list | dict):
            return _mapped(functools.partial(self.reach, inside=inside), value)
        if isinstance(value, Dispatcher):
            return self.twin(value, inside)
        home = (getattr(value, "__module__", None) or "numpy").partition(".")[0]
        if isinstance(value, JitClassType) or getattr(type(value), "__module__", "").startswith("numba.typed"):
            raise UntraceableError(
                f"{getattr(value, '__name__', type(value).__name__)} keeps memory that cannot be watched"
            )
        if isinstance(value, types.ModuleType):
            return value if value.__name__ in sys.stdlib_module_names else _Module(self, value, inside)
        if isinstance(value, type) and (method := _own_method(value)):
            raise UntraceableError(
                f"what {value.__name__}.{method} does cannot be watched: write functions in place of methods"
            )
        if home == "numpy" and callable(value) and not isinstance(value, type | np.ufunc | _Array):
            return functools.partial(self._call_with, value)
        if isinstance(value, types.FunctionType) and value.__module__ in ATOMICS:
            return functools.partial(self._perform, value)
        if isinstance(value, types.FunctionType) and home != "numba" and home not in _LIBRARIES:
            return self.twin(value, inside)
        return value

    def array(self, data: np.ndarray) -> "_Array":
        """Wrap an array; refuse one whose elements are no plain memory."""
        if not isinstance(data, np.ndarray):
            raise UntraceableError(f"a {type(data).__name__} keeps memory that cannot be watched; use an array")
        if data.dtype.hasobject or isinstance(data, np.ma.MaskedArray | np.matrix):
            raise UntraceableError(f"a {type(data).__name__} of {data.dtype} keeps memory that cannot be watched")
        return _Array(self, data.view(np.ndarray), self._space.shift(data))

    def plain(self, value: Any) -> Any:
        """Return what the function returned without the wrapping: arrays, numbers, containers of them."""
        return _raw(value)

    def place(self, data: np.ndarray) -> int:
        """Return the virtual address of the first element of an array."""
        return address_of(data) + self._space.shift(data)

    # What the function does

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a NumPy function: a view costs nothing, anything else one pass over operands and results."""
        name = function.__name__
        if name in _PARTIAL:
            raise UntraceableError(
                f"{name} touches only a part of its operands: write it as a loop or as x[indices]"
            )
        operands = [] if name.endswith("_like") or name in _UNREAD else list(_arrays((args, kwargs)))
        if name in CONTRACTING:
            _refuse_matrices(name, operands)
        result = function(*_raw(args), **_raw(kwargs))
        returned = [part for part in _leaves(result) if isinstance(part, np.ndarray)]
        fresh = [part for part in returned if not self._space.knows(part)]
        wrapped = self._wrap(result)
        if name in IN_ORDER:
            order = kwargs.get("order", args[1] if len(args) > 1 else "C")
            for operand in operands:
                places = operand.places().ravel(order if order == "F" else "C")
                self.memory.touch_together([(places, operand.itemsize, False)])
            return wrapped
        if name in MOVING and operands and self._move(function, args, kwargs, fresh):
            return wrapped
        if self._copy(operands, fresh):
            return wrapped
        if fresh or not returned or "out" in kwargs:
            given = list(_leaves(kwargs.get("out", ())))
            given += args[:1] if name in _FILLING else []
            for operand in sorts.passes(name, operands):
                written = any(operand is each for each in given)
                self.touch_all([] if written else [operand], [operand] if written else [])
            if name not in ("empty", "empty_like"):
                for part in fresh:
                    self.made(part)
        return wrapped

    def _copy(self, operands: "list[_Array]", fresh: list[np.ndarray]) -> bool:
        """Touch an array and a new one of its shape side by side, in the order of the new one; tell whether."""
        if len(operands) != 1 or len(fresh) != 1 or fresh[0].shape != operands[0].shape or fresh[0].ndim < 2:
            return False
        touch_move(self.memory, self.array(fresh[0]), operands[0].places(), operands[0].itemsize)
        return True

    def _move(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], fresh: list[np.ndarray]) -> bool:
        """Touch what was moved and where it went side by side; tell whether that is known."""
        target = args[0] if function.__name__ == "copyto" else kwargs.get("out")
        written = [target] if isinstance(target, _Array) else [self.array(part) for part in fresh]
        many = len(list(_arrays((args, kwargs)))) > 1
        if not written or (many and function.__name__ in SHAPED_BY_THE_REST):
            return False
        moves = moved(function, args, kwargs, written, _Array)
        for into, places, size in moves:
            touch_move(self.memory, into, places, size)
        return bool(moves)

    def made(self, data: np.ndarray) -> "_Array":
        """Wrap an array that has just been written."""
        wrapped = self.array(data)
        self.touch_all([], [wrapped])
        return wrapped

    def met(self, data: Any) -> "_Array":
        """Wrap an array that a library handed out: one that it has just written, or one that is known."""
        fresh = isinstance(data, np.ndarray) and not self._space.knows(data)
        return self.made(data) if fresh else self.array(data)

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a universal function, or its `reduce` or `accumulate`."""
        if method not in ("__call__", "reduce", "accumulate"):
            raise UntraceableError(f"numpy.{ufunc.__name__}.{method} is not supported: write it as a loop")
        if ufunc.__name__ in CONTRACTING:
            _refuse_matrices(ufunc.__name__, list(_arrays(inputs)))
        result = getattr(ufunc, method)(*_raw(inputs), **_raw(kwargs))
        if "out" in kwargs:
            outputs = kwargs["out"]
            wrapped = outputs[0] if len(outputs) == 1 else outputs
        else:
            wrapped = self._wrap(result)
            outputs = (wrapped,)
        read, written = list(_arrays(inputs)), list(_arrays(outputs))
        if method == "__call__" and ufunc.signature is None:
            self.touch_all(read, written)
        else:
            for operand in read:
                self.touch_all([operand])
            for operand in written:
                self.touch_all([], [operand])
        return wrapped

    def touch_all(self, read: "list[_Array]", written: "Sequence[_Array]" = ()) -> None:
        """Touch every element of operands that broadcast together, side by side and in memory order."""
        operands = [*read, *written]
        if not operands:
            return
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
        strides = [np.broadcast_to(operand._data, shape).strides for operand in operands]
        # NumPy loops over the axis with the smallest steps innermost, whatever the order of the axes.
        order = sorted(range(len(shape)), key=lambda axis: -sum(abs(steps[axis]) for steps in strides))
        self.memory.touch_together(
            [
                (
                    _addresses(
                        operand._at, tuple(shape[axis] for axis in order), tuple(steps[axis] for axis in order)
                    ).ravel(),
                    operand.itemsize,
                    number >= len(read),
                )
                for number, (operand, steps) in enumerate(zip(operands, strides, strict=True))
            ]
        )

    def _all_of(self, array: "_Array") -> np.ndarray:
        self.memory.touch_together([(array.places().ravel(), array.itemsize, False)])
        return array._data

    def _wrap(self, result: Any) -> Any:
        if is_unwatched(result.__class__):
            return self.array(result)
        return _mapped(self._wrap, result) if isinstance(result, tuple | list) else result

    def _call_with(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.call(function, args, kwargs)

    def _perform(self, primitive: Callable[..., Any], *args: Any, **order: str) -> Any:
        """Make an atomic operation: one access, which writes unless it is a load."""
        result = primitive(*_raw(args), **order)
        if args and isinstance(args[0], _Array):
            array, index = args[:2]
            size = ATOMICS[primitive.__module__] * array.itemsize
            self.memory.touch(array._address_of(index), size, primitive.__name__ != "load")
        return result


class _Module:
    """A module whose functions and arrays are wrapped when they are looked up."""

    def __init__(self, trace: Trace, module: types.ModuleType, inside: bool) -> None:
        self._trace, self._module, self._inside = trace, module, inside

    def __getattr__(self, name: str) -> Any:
        wrapped = self._trace.reach(getattr(self._module, name), self._inside)
        setattr(self, name, wrapped)  # so that the next look-up is a plain one
        return wrapped


class _Array(NDArrayOperatorsMixin):
    """An array that reports every access to its elements."""

    __slots__ = ("_at", "_data", "_fields", "_length", "_shift", "_size", "_step", "_touch", "_trace")

    def __init__(self, trace: Trace, data: np.ndarray, shift: int) -> None:
        self._trace, self._data, self._shift = trace, data, shift
        self._touch = trace.memory.touch
        self._at = address_of(data) + shift
        self._size = data.itemsize
        self._fields: dict[str, _Array] = {}
        # Indexing a row of numbers is by far the most frequent access, and the one that is made fast.
        if data.ndim == 1 and data.dtype.names is None:
            self._step, self._length = data.strides[0], len(data)
        else:
            self._step = None

    def __getitem__(self, index: Any) -> Any:
        if self._step is not None and isinstance(index, _INTEGERS):
            index = int(index)
            value = self._data[index]
            self._touch(self._at + (index if index >= 0 else index + self._length) * self._step, self._size, False)
            return value
        if isinstance(index, str):
            return self._field(index)
        if _is_element(index, self._data.ndim):
            if self._data.dtype.names is not None:
                return _Record(self, index)
            value = self._data[index]
            self._touch(self._address_of(index), self._size, False)
            return value
        if _is_view(index):
            return _Array(self._trace, self._data[index], self._shift)
        self._touch_indexed(index, False)
        return self._trace.made(self._data[_raw(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if self._step is not None and isinstance(index, _INTEGERS):
            index = int(index)
            self._data[index] = _raw(value)
            self._touch(self._at + (index if index >= 0 else index + self._length) * self._step, self._size, True)
            return
        if isinstance(value, _Record):
            value.touch_whole()
        if _is_element(index, self._data.ndim):
            self._data[index] = _raw(value)
            self._touch(self._address_of(index), self._size, True)
            return
        given = list(_arrays(value))
        if isinstance(value, tuple | list):
            self._trace.containers.deeply(value)
        if isinstance(index, str) or _is_view(index):
            part = self[index]
            if given and part._same_memory(given[0]):
                return  # the end of `x[a:b] += y`; NumPy copies nothing onto itself either
            part._data[...] = _raw(value)
            self._trace.touch_all(given, [part])
        else:
            self._data[_raw(index)] = _raw(value)
            self._trace.touch_all(given)
            self._touch_indexed(index, True)

    def __getattr__(self, name: str) -> Any:
        if name in _METADATA:
            value = getattr(self._data, name)
            return Extent(value) if value.__class__ is tuple else value
        if name in _VIEWS:
            return self._trace.array(getattr(self._data, name))
        if name in (self._data.dtype.names or ()):
            return self._field(name)
        method = getattr(np.ndarray, name, None)
        if name.startswith("__") or not isinstance(method, types.MethodDescriptorType):
            raise AttributeError(f"arrays have no attribute {name!r} whose accesses can be watched")
        return functools.partial(self._trace._call_with, method, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self._trace.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, kinds: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._trace.call(function, args, kwargs)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise UntraceableError("an array is handed to code whose accesses cannot be watched")

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self._data)))

    def __bool__(self) -> bool:
        self._trace.touch_all([self])
        return bool(self._data)

    def _field(self, name: str) -> "_Array":
        if name not in self._fields:
            self._fields[name] = _Array(self._trace, self._data[name], self._shift)
        return self._fields[name]

    def like(self) -> np.ndarray:
        """Return a new array of int64 of the same shape, and with its axes in the same order in memory."""
        return np.empty_like(self._data, np.int64, subok=False)

    def places(self) -> np.ndarray:
        """Return the address of every element (bytes, int64, of the array's shape)."""
        return _addresses(self._at, self._data.shape, self._data.strides)

    def _same_memory(self, other: "_Array") -> bool:
        mine, theirs = self._data, other._data
        return self._at == other._at and (mine.shape, mine.strides, mine.dtype) == (
            theirs.shape,
            theirs.strides,
            theirs.dtype,
        )

    def _address_of(self, index: Any) -> int:
        indexes = index if isinstance(index, tuple) else (index,)
        return self._at + sum(
            (int(i) if i >= 0 else int(i) + length) * stride
            for i, length, stride in zip(indexes, self._data.shape, self._data.strides, strict=True)
        )

    def _touch_indexed(self, index: Any, write: bool) -> None:
        for part in _arrays(index):
            self._trace.touch_all([part])
        addresses = self.places()[_raw(index)]
        self._trace.memory.touch_together([(addresses.ravel(), self._size, write)])


class _Record:
    """A reference to one element of an array of records; its fields are read and written in place."""

    __slots__ = ("_array", "_index")

    def __init__(self, array: _Array, index: Any) -> None:
        object.__setattr__(self, "_array", array)
        object.__setattr__(self, "_index", index)

    def __getattr__(self, name: str) -> Any:
        return self._array._field(name)[self._index]

    def __setattr__(self, name: str, value: Any) -> None:
        self._array._field(name)[self._index] = value

    __getitem__ = __getattr__
    __setitem__ = __setattr__

    def raw(self) -> np.void:
        return self._array._data[self._index]

    def touch_whole(self) -> None:
        self._array._touch(self._array._address_of(self._index), self._array._size, False)


def _refuse_matrices(name: str, operands: list[_Array]) -> None:
    if any(operand.ndim > 1 for operand in operands):
        raise UntraceableError(f"{name} reads a matrix more than once, in an order of its own: write it as a loop")


class _KindOfArrays(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, np.ndarray | _Array)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise UntraceableError("np.ndarray makes an array that cannot be watched: use np.empty or np.zeros")


class _Arrays(metaclass=_KindOfArrays):
    """What `numpy.ndarray` is where arrays are watched: code that asks for arrays shall take these for some."""


def _is_element(index: Any, ndim: int) -> bool:
    """Whether an index names one element."""
    if isinstance(index, tuple):
        return len(index) == ndim and all(isinstance(i, _INTEGERS) for i in index)
    return ndim == 1 and isinstance(index, _INTEGERS)


def _is_view(index: Any) -> bool:
    """Whether NumPy answers an index with a view instead of a copy."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, slice | int | np.integer) for part in parts)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Return a function's code and all code inside it."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return itertools.chain([code], *map(_codes, inner))


def _own_method(kind: type) -> str | None:
    """Return the name of a method of a class that is none of a library's and has a body of its own, or None."""
    if kind.__module__.partition(".")[0] in {"numpy", "numba", "perflab", *_LIBRARIES}:
        return None
    home = str(Path(functools.__file__).parent)
    for name, value in vars(kind).items():
        code = getattr(value, "__code__", None)
        if code is not None and code.co_filename != "<string>" and not code.co_filename.startswith(home):
            return name
    return None


def _mapped(wrap: Callable[[Any], Any], container: Any) -> Any:
    if isinstance(container, dict):
        return {key: wrap(value) for key, value in container.items()}
    if hasattr(container, "_make"):
        return container._make(map(wrap, container))
    if isinstance(container, Extent):
        return tuple(container)
    return type(container)(map(wrap, container))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield value


def _arrays(value: Any) -> Iterator[_Array]:
    return (leaf for leaf in _leaves(value) if isinstance(leaf, _Array))


def _raw(value: Any) -> Any:
    """Take the watched arrays and records out of an argument."""
    if isinstance(value, _Array):
        return value._data
    if isinstance(value, _Record):
        return value.raw()
    return _mapped(_raw, value) if isinstance(value, tuple | list | dict) else value


def where(failure: BaseException, codes: set[types.CodeType]) -> str:
    """Say at which line of the function it failed."""
    lines = [
        (frame.f_code.co_filename, number)
        for frame, number in traceback.walk_tb(failure.__traceback__)
        if frame.f_code in codes
    ]
    if not lines:
        return ""
    text = linecache.getline(*lines[-1]).strip()
    return f" at line {lines[-1][1]}" + (f", `{text}`" if text else "")
