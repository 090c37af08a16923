"""What Python keeps outside of arrays, counted: lists, tuples, texts, sets, dictionaries, objects, large integers.

These are the hooks of `perflab.models.touches`. One rule for all: an element that is read or written is one
access. So a loop makes one for each step, and a library function one for each element of what it gets. A
dictionary and a set are asked with one access; `bisect` and `heapq` make as many as they compare. Integers of more
than 64 bits are read word by word in each operation.

What holds more than eight elements, or can change, has a place in the model's memory: a row of slots, of 8 bytes
for each element (of a text, one; of an `array`, what it has). An element that is an array is no access by itself,
nor is a field that is a function: what counts is what lies in them.
"""

import array
import bisect
import collections
import functools
import heapq
import itertools
import operator
import sys
import types
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numba import prange

from perflab.models import arithmetic, sorts
from perflab.models.places import PAGE, AddressSpace
from perflab.models.sources import UntraceableError
from perflab.models.touches import OPERATORS

PLACES = 1024  # containers that have one at a time
FEW = 8  # elements of a small container that cannot change: a register each
_WORD = 1 << 64
_FIXED = (tuple, str, bytes, frozenset)
_VIEWS = tuple(type(view) for view in ({}.keys(), {}.values(), {}.items()))
_HASHED = (dict, set, frozenset, collections.ChainMap, *_VIEWS)
_SIZED = (list, bytearray, collections.deque, array.array, *_FIXED, *_HASHED)
_LAZY = (zip, enumerate, map, filter, reversed)
_UNREAD = (len, range, isinstance, issubclass, callable, id, type, slice)
_ONE = frozenset({"append", "appendleft", "popleft", "add", "discard", "get", "setdefault", "popitem"})
_ONE |= {"move_to_end"}
_NONE = frozenset({"keys", "values", "items", "clear"})
_LOGARITHMIC = (*(getattr(bisect, name) for name in ("bisect", "bisect_left", "bisect_right")),)
_LOGARITHMIC += tuple(getattr(heapq, name) for name in ("heappush", "heappop", "heapreplace", "heappushpop"))
_BUILTINS = (types.BuiltinFunctionType, types.MethodWrapperType, types.MethodDescriptorType, np.ufunc)
_BUFFERS = (bytes, bytearray)
_PYTHONS = (types.FunctionType, types.MethodType, functools.partial)


class Extent(tuple):
    """The shape or the strides of an array, which are no memory."""

    __slots__ = ()


@functools.cache
def _is_sized(kind: type) -> bool:
    return issubclass(kind, _SIZED) and kind is not Extent


@functools.cache
def _is_own(kind: type) -> bool:
    """Tell whether a class is the program's own."""
    home = (getattr(kind, "__module__", None) or "builtins").partition(".")[0]
    return home == "__main__" or home not in {"numpy", "numba", "perflab", *sys.stdlib_module_names}


@functools.cache
def _is_small_number(kind: type) -> bool:
    return issubclass(kind, float | complex | np.generic | bool | type(None) | np.ndarray)


@functools.cache
def is_unwatched(kind: type) -> bool:
    """Tell whether values of a class have elements that nobody watches."""
    return issubclass(kind, np.ndarray | np.void | np.flatiter | np.nditer | np.broadcast | memoryview)


@functools.cache
def _counts_itself(kind: type) -> bool:
    return kind is Extent or kind.__module__.startswith("perflab.")


def _is_library(function: Any) -> bool:
    """Tell whether a function of Python is a library's."""
    return (function.__module__ or "").partition(".")[0] in {
        "numpy",
        "numba",
        "perflab",
        *sys.stdlib_module_names,
    } - {"__main__"}


def _is_numpys(function: Any, owner: Any) -> bool:
    """Tell whether a function, or the object that it is a method of, is NumPy's."""
    homes = (getattr(function, "__module__", None), type(function).__module__, type(owner).__module__)
    return any(home is not None and home.partition(".")[0] == "numpy" for home in homes)


def _words(value: Any) -> int:
    """Return how many words a large integer has, beyond the first."""
    return 0 if -_WORD < value < _WORD else value.bit_length() >> 6


class _Places:
    """Where containers lie: those that were touched last, each on pages of its own."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self._known: OrderedDict[int, tuple[Any, int, int]] = OrderedDict()  # the container keeps its id honest

    def of(self, owner: Any) -> tuple[int, int]:
        """Return the address of a container, and the bytes of a slot."""
        size = 1 if isinstance(owner, str | bytes | bytearray) else getattr(owner, "itemsize", 8)
        known = self._known.get(id(owner))
        needed = size * len(owner)
        if known is None or known[2] * PAGE < needed:
            if known is not None:
                self._space.give_back(known[2], known[1])
            pages = 1 << (2 * needed // PAGE).bit_length()
            known = self._known[id(owner)] = owner, self._space.allocate(pages), pages
            if len(self._known) > PLACES:
                _, (_, at, pages) = self._known.popitem(last=False)
                self._space.give_back(pages, at)
        return known[1], size


class Containers:
    """Counts what a function does to its containers, and reports it to a memory.

    Parameters
    ----------
    memory : Memory
        See `perflab.models.traced`.
    space : AddressSpace
    watched : type
        Of arrays, which report for themselves.
    codes : set of code objects
        Of rewritten functions, whose calls report for themselves.
    read : callable
        Reads all of a watched array; returns it unwatched.
    met : callable
        Makes what a library returned one of watched arrays, or raises `UntraceableError`.
    """

    def __init__(
        self,
        memory: Any,
        space: AddressSpace,
        watched: type,
        codes: set[types.CodeType],
        read: Callable[[Any], np.ndarray],
        met: Callable[[Any], Any],
    ) -> None:
        self._memory, self._watched, self._codes, self._read, self._met = memory, watched, codes, read, met
        self._places = _Places(space)

    def hooks(self) -> dict[str, Callable[..., Any]]:
        """Return the hooks by name."""
        return {
            "load": self.load,
            "stored": self.stored,
            "field": self.field,
            "stored_field": self.stored_field,
            "steps": self.steps,
            "unpacking": self.unpacking,
            "unpacked": self.unpacked,
            "captured": self.captured,
            "whole": self.whole,
            "slice": slice,
            "operated": self.operated,
            "unary": self.unary,
            "chain": self.chain,
            "call": self.call,
            **_OPERATORS,
        }

    # Elements

    def load(self, owner: Any, index: Any) -> Any:
        """Return ``owner[index]``."""
        value = owner[index]
        if owner.__class__ is self._watched:
            return value
        if _is_sized(owner.__class__):
            self._touch(owner, index, value, False)
        elif not _counts_itself(owner.__class__):
            self._memory.step(1)
        return self._met(value) if is_unwatched(value.__class__) else value

    def stored(self, owner: Any) -> Any:
        """Return what an assignment to elements goes to."""
        if owner.__class__ is not self._watched and _is_sized(owner.__class__):
            return _Sink(self, owner)
        if owner.__class__ is not self._watched and not _counts_itself(owner.__class__):
            self._memory.step(1)
        return owner

    def _touch(self, owner: Any, index: Any, value: Any, write: bool) -> None:
        if index.__class__ is slice:
            self.charge(owner, range(*index.indices(len(owner))), write)
        elif self._counts(value):
            self._touch_slot(owner, self._slot(owner, index), write)

    def _slot(self, owner: Any, index: Any) -> int:
        if isinstance(owner, _HASHED):
            number = index if isinstance(index, int) else zlib.crc32(repr(index).encode())
            return number % max(len(owner), 1)
        place = operator.index(index)
        return place if place >= 0 else place + len(owner)

    def _touch_slot(self, owner: Any, position: int, write: bool) -> None:
        if _is_register(owner):
            self._memory.step(1)
            return
        base, size = self._places.of(owner)
        self._memory.touch(base + position * size, size, write)

    def _counts(self, value: Any) -> bool:
        return value.__class__ is not self._watched and not callable(value)

    # All elements

    def charge(self, owner: Any, positions: Iterable[int] | None = None, write: bool = False) -> None:
        """Touch elements of a container, all by default."""
        if isinstance(owner, int):
            if words := _words(owner):
                self._memory.step(words)
            return
        if positions is None:
            if isinstance(owner, list | tuple) and any(each.__class__ is self._watched for each in owner):
                positions = [k for k, each in enumerate(owner) if self._counts(each)]
            else:
                positions = range(len(owner))
        if _is_register(owner):
            self._memory.step(len(positions))
        elif len(positions):
            base, size = self._places.of(owner)
            addresses = base + size * np.array(positions, np.int64)
            self._memory.touch_together([(addresses, size, write)])

    def whole(self, value: Any) -> Any:
        """Touch all elements of a value that has some, or the words of a large integer; return it."""
        kind = value.__class__
        if kind is int or (kind is not self._watched and _is_sized(kind)):
            self.charge(value)
        return value

    def deeply(self, value: Any) -> None:
        """Touch all elements of containers in containers."""
        self.whole(value)
        if isinstance(value, list | tuple) and value.__class__ is not Extent:
            for part in value:
                if not _is_small_number(part.__class__):
                    self.deeply(part)
        elif isinstance(value, dict):
            self.deeply(list(value.values()))

    # Loops

    def steps(self, values: Any) -> Any:
        """Return what goes through the same, and counts each step."""
        kind = values.__class__
        if kind is range or kind is self._watched or kind in _LAZY or kind is Extent:
            return values
        if kind is types.GeneratorType and values.gi_code in _COUNTING:
            return values
        return self._steps_of(values) if _is_sized(kind) else self._steps_unplaced(values)

    def _steps_of(self, values: Any, backwards: bool = False) -> Iterator[Any]:
        last = len(values) - 1
        for step, value in enumerate(reversed(values) if backwards else values):
            position = last - step if backwards else step
            if self._counts(value):
                self._touch_slot(values, position, False)
            yield self._met(value) if is_unwatched(value.__class__) else value

    def _steps_unplaced(self, values: Any) -> Iterator[Any]:
        for value in values:
            self._memory.step(1)
            yield self._met(value) if is_unwatched(value.__class__) else value

    def unpacking(self, values: Any) -> Iterator[Any]:
        """Go through values each of which is unpacked."""
        fresh = values.__class__ in _LAZY
        for value in values:
            if fresh:
                for part in value:
                    if part.__class__ is not self._watched and _is_sized(part.__class__):
                        self.charge(part)
            else:
                self.unpacked(value)
            yield value

    def unpacked(self, value: Any) -> Any:
        """Return a value that is unpacked next."""
        kind = value.__class__
        if kind is self._watched or kind is Extent:
            return value
        if _is_sized(kind):
            self.charge(value)
            return self._met_in(value)
        return self.steps(value)

    def _met_in(self, value: Any) -> Any:
        """Return a value whose elements, if they are arrays, are watched."""
        if isinstance(value, tuple | list) and any(is_unwatched(part.__class__) for part in value):
            return tuple(self._met(part) if is_unwatched(part.__class__) else part for part in value)
        return value

    # Fields

    def field(self, owner: Any, name: str) -> Any:
        """Return a field of an object."""
        value = getattr(owner, name)
        kind = owner.__class__
        if kind is not self._watched and _is_own(kind) and self._counts(value):
            self._memory.step(1)
        return self._met(value) if is_unwatched(value.__class__) else value

    def stored_field(self, owner: Any) -> Any:
        """Return what an assignment to fields goes to."""
        if owner.__class__ is not self._watched and _is_own(owner.__class__):
            self._memory.step(1)
        return owner

    def captured(self, value: Any) -> Any:
        """Return a variable of an enclosing function."""
        if self._counts(value):
            self._memory.step(1)
        return value

    # Operations

    def operated(self, op: Callable[..., Any], left: Any, right: Any) -> Any:
        """Return ``op(left, right)``."""
        result = op(left, right)
        for value in (left, right, result):
            kind = value.__class__
            if kind is int:
                if not -_WORD < value < _WORD:
                    self.charge(value)
            elif not _is_small_number(kind) and kind is not self._watched and _is_sized(kind):
                self._of_containers(op, left, right, result)
                break
        return self._met(result) if is_unwatched(result.__class__) else result

    def _of_containers(self, op: Callable[..., Any], left: Any, right: Any, result: Any) -> None:
        if op in (_within, _without):
            if isinstance(right, _HASHED):
                self._touch_slot(right, self._slot(right, left), False)
            else:
                self.whole(right)
            return
        for value in (left, right, result):
            if not isinstance(value, int) or isinstance(value, bool):
                self.whole(value)

    def unary(self, op: Callable[[Any], Any], value: Any) -> Any:
        """Return ``op(value)``."""
        return op(self.whole(value))

    def chain(self, operators: tuple[Callable[..., Any], ...], value: Any, *later: Callable[[], Any]) -> Any:
        """Return what a chain of comparisons gives."""
        result: Any = True
        for op, get in zip(operators, later, strict=True):
            other = get()
            result = op(value, other) if op in (operator.is_, operator.is_not) else self.operated(op, value, other)
            if not result:
                return result
            value = other
        return result

    # Calls

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return what a call returns."""
        kind = function.__class__
        if kind is types.FunctionType and (function.__code__ in self._codes or function.__code__ is _HANDING):
            return function(*args, **kwargs)
        if kind is types.MethodType and getattr(function.__func__, "__code__", None) in self._codes:
            return function(*args, **kwargs)
        if kind is functools.partial:
            maker = getattr(function.func, "__self__", None)
            if isinstance(maker, Containers):  # a callback, which counts
                return function(*args, **kwargs)
            if maker is not None and maker is getattr(self._read, "__self__", None):
                for value in (*args, *kwargs.values()):
                    self.deeply(value)
                return function(*args, **kwargs)
            return self.call(function.func, *function.args, *args, **{**function.keywords, **kwargs})
        if kind is type and _is_own(function):
            return function(*args, **kwargs)
        return self.library(function, args, kwargs)

    def library(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call what no source is known of: it reads all that it gets, and arrays that it makes are watched."""
        result = self._unmet(function, args, kwargs)
        self._memory.step(sorts.moves(function, args, result))
        if is_unwatched(result.__class__):
            return self._met(result)
        return self._met_in(result) if result.__class__ is tuple and len(result) <= FEW else result

    def _unmet(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call it; what it returns nobody has looked at."""
        if function in _UNREAD:
            return function(*args, **kwargs)
        if function is memoryview:
            raise UntraceableError("a memoryview hides what is read through it; use the array")
        if function is reversed and _is_sized(args[0].__class__):
            return self._steps_of(args[0], backwards=True)
        if function in _LAZY:
            return function(*(self._lazily(arg) for arg in args), **kwargs)
        if function is iter and len(args) == 1:
            return iter(self.steps(args[0]))
        if function is next:
            self._memory.step(1)
            return function(*args)
        if isinstance(function, types.FunctionType | types.MethodType) and not _is_library(function):
            raise UntraceableError(
                f"what {function.__name__} does cannot be watched; make it a function of its own"
            )
        owner = getattr(function, "__self__", None)
        if owner is not None and not isinstance(owner, types.ModuleType | type):
            self._method(owner, function.__name__, args)
        elif function in _LOGARITHMIC:
            self._memory.step(max(len(args[0]), 1).bit_length())
            return function(*args, **{name: self._counting(value) for name, value in kwargs.items()})
        if function in _BUFFERS and args and args[0].__class__ is self._watched:
            return function(self._read(args[0]), *args[1:])
        for value in (*args, *kwargs.values()):
            self.whole(value)
        if function is itertools.accumulate and len(args) == 1:
            args = (*args, kwargs.pop("func", None) or operator.add)
        types_too = not _is_numpys(function, owner)  # there, a type is that of elements, and not called
        counting = tuple(self._counting(arg, types_too) for arg in args)
        return function(*counting, **{k: self._counting(value, types_too) for k, value in kwargs.items()})

    def _method(self, owner: Any, name: str, args: tuple[Any, ...]) -> None:
        if not _is_sized(owner.__class__):
            if owner.__class__ is int:
                self.charge(owner)
            elif isinstance(owner, types.GeneratorType):
                self._memory.step(1)
            return
        last = name == "pop" and (isinstance(owner, (*_HASHED, collections.deque)) or not args or args[0] == -1)
        if name in _NONE:
            return
        if name in _ONE or last or (name == "remove" and isinstance(owner, set)):
            self._memory.step(1)
        else:
            self.charge(owner)

    def _lazily(self, value: Any) -> Any:
        """Return an argument of what goes through it bit by bit, and calls it."""
        kind = value.__class__
        if kind is not self._watched and _is_sized(kind):
            return self.steps(value)
        return self._counting(value, types_too=True)

    def _counting(self, value: Any, types_too: bool = False) -> Any:
        """Return a function that a library calls as one whose calls count."""
        if isinstance(value, (*_BUILTINS, types.MethodType, functools.partial)):
            return functools.partial(self.call, value)
        if types_too and isinstance(value, type) and value.__module__.partition(".")[0] == "numpy":
            return functools.partial(self.call, value)
        return value


def _is_register(owner: Any) -> bool:
    return len(owner) <= FEW and isinstance(owner, _FIXED)


class _Sink:
    """A container whose elements are written."""

    __slots__ = ("_containers", "_owner")

    def __init__(self, containers: Containers, owner: Any) -> None:
        self._containers, self._owner = containers, owner

    def __setitem__(self, index: Any, value: Any) -> None:
        self._owner[index] = value
        if index.__class__ is slice:
            self._containers.whole(value)
            self._containers.charge(self._owner, range(*index.indices(len(self._owner))), True)
        else:
            self._containers._touch(self._owner, index, value, True)

    def __delitem__(self, index: Any) -> None:
        if isinstance(self._owner, _HASHED):
            self._containers._touch(self._owner, index, None, True)
        else:
            self._containers.charge(self._owner)
        del self._owner[index]


_COUNTING = frozenset(
    {method.__code__ for method in (Containers._steps_of, Containers._steps_unplaced, Containers.unpacking)}
)


def _within(value: Any, container: Any) -> bool:
    return value in container


def _without(value: Any, container: Any) -> bool:
    return value not in container


_OPERATORS: dict[str, Callable[..., Any]] = {"within": _within, "without": _without}
for _name in OPERATORS.values():
    if hasattr(operator, _name):
        _OPERATORS[_name.rstrip("_")] = getattr(operator, _name)
        if hasattr(operator, f"i{_name.rstrip('_')}"):
            _OPERATORS[f"i{_name.rstrip('_')}"] = getattr(operator, f"i{_name.rstrip('_')}")


class CompiledContainers(Containers):
    """The hooks for a function that is compiled in truth: its numbers are those of `perflab.models.arithmetic`.

    Parameters
    ----------
    plain : Containers
        Those of the functions that Python runs; both know the same places.
    """

    def __init__(self, plain: Containers) -> None:
        vars(self).update(vars(plain))

    def load(self, owner: Any, index: Any) -> Any:
        """See `Containers`."""
        return arithmetic.standing(super().load(owner, index))

    def stored(self, owner: Any) -> Any:
        """See `Containers`."""
        return _TypedSink(owner) if owner.__class__ is self._watched else super().stored(owner)

    def field(self, owner: Any, name: str) -> Any:
        """See `Containers`."""
        return arithmetic.standing(super().field(owner, name))

    def steps(self, values: Any) -> Any:
        """See `Containers`."""
        if values.__class__ is self._watched:
            return map(arithmetic.standing, values)
        return super().steps(values)

    def operated(self, op: Callable[..., Any], left: Any, right: Any) -> Any:
        """See `Containers`."""
        result = arithmetic.computed(op, left, right)
        if is_unwatched(result.__class__):
            result = self._met(result)
        for value in (left, right):
            if value.__class__ is not self._watched and _is_sized(value.__class__):
                self._of_containers(op, left, right, result)
                break
        return result

    def unary(self, op: Callable[[Any], Any], value: Any) -> Any:
        """See `Containers`."""
        return arithmetic.negated(op, value)

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """See `Containers`."""
        if function in (range, prange) and not kwargs:
            return arithmetic.counted(*args)
        if not kwargs and args and all(map(arithmetic.is_number, args)) and not isinstance(function, _PYTHONS):
            result = arithmetic.called(function, args)
            return self._met(result) if is_unwatched(result.__class__) else result
        return arithmetic.standing(super().call(function, *args, **kwargs))


class _TypedSink:
    """A watched array whose elements compiled code writes: integers wrap around."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __setitem__(self, index: Any, value: Any) -> None:
        if arithmetic.is_number(value) and self._owner.dtype.names is None:
            value = arithmetic.typed(value, self._owner.dtype)
        self._owner[index] = value


_HANDING = arithmetic.handing(_is_own).__code__
