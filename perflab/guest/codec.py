"""Values between the judge and a sandbox: a JSON tree, and arrays as bytes in shared memory.

Nothing that crosses can execute. Both sides write and read with `os.pwrite` and `os.pread` or map the memory; the
tree says where an array lies. The reader checks every word of it, since the writer may be hostile.
"""

import base64
import dataclasses
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from perflab.check.questions import held

LINE = 64  # bytes: an array begins on a cache line
MAX_NODES = 200_000  # of one message; deeper or larger structures belong into an array
MAX_DEPTH = 32
MAX_NAME = 64  # characters of the name of a dtype
MAX_FIELDS = 1000  # of the dtypes of one message
MAX_ALIKE = 8  # keys of one dictionary that have the same hash

Tree = list  # [tag, ...]: what JSON can hold


class CodecError(ValueError):
    """A value that may not cross, or a message that no honest writer sends."""


@dataclasses.dataclass
class Layout:
    """Where the arrays of a message go.

    Attributes
    ----------
    arrays : list of (int, array)
        Offset in bytes and the array, C- or F-contiguous.
    size : int
        Bytes in all.
    """

    arrays: list[tuple[int, np.ndarray]] = dataclasses.field(default_factory=list)
    size: int = 0

    def place(self, array: np.ndarray) -> int:
        """Reserve room for an array; return its offset."""
        offset = -(-self.size // LINE) * LINE
        self.arrays.append((offset, array))
        self.size = offset + array.nbytes
        return offset


def encode(value: Any, layout: Layout, reference: Callable[[Any], Tree | None] | None = None) -> Tree:
    """Return the tree of `value`; its arrays are placed in `layout`.

    Parameters
    ----------
    value : object
        Plain data: arrays, numbers, str, bytes, None, tuples, lists, dicts, namedtuples and dataclasses of these;
        a bytearray or a memoryview crosses as bytes.
    layout : Layout
    reference : callable, optional
        Returns the tree of what crosses as a reference only, an oracle or a file, else None.

    Raises
    ------
    CodecError
        If something in `value` may not cross.
    """
    if reference and (tree := reference(value)) is not None:
        return tree
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return ["plain", value]
    if kind is float:
        return ["float", value.hex()]
    if kind is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if (data := value if kind is bytes else held(value)) is not None:
        return ["bytes", base64.b64encode(data).decode()]
    if kind is np.ndarray:
        _refuse_objects(value.dtype)
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        array = np.asarray(value, order=order)
        return ["array", _description(array.dtype), list(array.shape), order, layout.place(array)]
    if isinstance(value, np.generic):
        _refuse_objects(value.dtype)
        return ["scalar", _description(value.dtype), base64.b64encode(value.tobytes()).decode()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return ["named", kind.__name__, [encode(v, layout, reference) for v in value]]
    if kind in (tuple, list):
        return [kind.__name__, [encode(v, layout, reference) for v in value]]
    if kind is dict:
        pairs = [[encode(k, layout, reference), encode(v, layout, reference)] for k, v in value.items()]
        return ["dict", pairs]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [encode(getattr(value, f.name), layout, reference) for f in dataclasses.fields(value)]
        return ["data", kind.__name__, fields]
    raise CodecError(
        f"a {kind.__module__}.{kind.__qualname__}; use NumPy arrays, numbers, str, bytes, tuples, lists, dicts or "
        "dataclasses of these"
    )


class Decoder:
    """Builds values from trees, checking every word.

    Parameters
    ----------
    array : callable
        ``array(dtype, shape, order, offset)`` returns the array that lies there, or raises.
    types : dict
        Namedtuples and dataclasses by name, those of the exercise's given cells.
    oracle : callable, optional
        Returns what stands for an oracle of a number.
    file : callable, optional
        Returns what stands for a file of a name.
    """

    def __init__(
        self,
        array: Callable[[np.dtype, tuple[int, ...], str, int], np.ndarray],
        types: dict[str, type],
        oracle: Callable[[int], Any] | None = None,
        file: Callable[[str], Any] | None = None,
    ) -> None:
        self._array, self._types, self._oracle, self._file = array, types, oracle, file
        self._nodes = self._fields = 0

    def __call__(self, tree: Any, depth: int = 0) -> Any:
        """Return the value of `tree`.

        Raises
        ------
        CodecError
            If the tree is not what `encode` makes.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise CodecError(f"more than {MAX_NODES} values or {MAX_DEPTH} levels; return an array")
        if not isinstance(tree, list) or len(tree) < 2 or not isinstance(tree[0], str):
            raise CodecError("no message of this course's")
        tag, *rest = tree
        try:
            return self._value(tag, rest, depth + 1)
        except CodecError:
            raise
        except (TypeError, ValueError, KeyError, OverflowError, IndexError) as error:
            raise CodecError(f"a broken {tag[:20]!r}: {error}") from error

    def _value(self, tag: str, rest: list, depth: int) -> Any:
        if tag == "plain":
            (value,) = rest
            if type(value) not in (bool, int, str, type(None)):
                raise CodecError("no plain value")
            return value
        if tag == "float":
            return float.fromhex(rest[0])
        if tag == "complex":
            return complex(float.fromhex(rest[0]), float.fromhex(rest[1]))
        if tag == "bytes":
            return base64.b64decode(rest[0], validate=True)
        if tag == "array":
            description, shape, order, offset = rest
            if order not in ("C", "F") or type(offset) is not int or offset < 0:
                raise CodecError("an array that lies nowhere")
            return self._array(self._dtype(description), _shape(shape), order, offset)
        if tag == "scalar":
            dtype = self._dtype(rest[0])
            (value,) = np.frombuffer(base64.b64decode(rest[1], validate=True), dtype, 1)
            return value
        if tag in ("tuple", "list"):
            values = [self(node, depth) for node in rest[0]]
            return tuple(values) if tag == "tuple" else values
        if tag == "dict":
            return _mapping([(self(k, depth), self(v, depth)) for k, v in rest[0]])
        if tag in ("named", "data"):
            return self._record(tag, rest[0], [self(node, depth) for node in rest[1]])
        if tag == "oracle" and self._oracle is not None:
            return self._oracle(rest[0])
        if tag == "file" and self._file is not None:
            return self._file(rest[0])
        raise CodecError(f"an unknown {tag[:20]!r}")

    def _dtype(self, description: Any, depth: int = 0) -> np.dtype:
        self._fields += 1
        if self._fields > MAX_FIELDS or depth > MAX_DEPTH:
            raise CodecError(f"records of more than {MAX_FIELDS} fields or {MAX_DEPTH} levels")
        if isinstance(description, str):
            # A long one could list fields, which takes NumPy long.
            if len(description) > MAX_NAME or "," in description:
                raise CodecError("an array of no type")
            dtype = np.dtype(description)
        elif isinstance(description, list):
            base, shape = description
            dtype = np.dtype((self._dtype(base, depth + 1), _shape(shape)))
        else:
            spec = {key: description[key] for key in ("names", "offsets", "itemsize")}
            formats = [self._dtype(field, depth + 1) for field in description["formats"]]
            if any(not isinstance(name, str) or len(name) > MAX_NAME for name in spec["names"]):
                raise CodecError(f"a record with a field whose name has more than {MAX_NAME} characters")
            dtype = np.dtype({**spec, "formats": formats}, align=bool(description["align"]))
        _refuse_objects(dtype)
        if not dtype.itemsize:
            # Any number of them would fit into any limit of bytes, and each takes time.
            raise CodecError("an array whose elements take no room")
        return dtype

    def _record(self, tag: str, name: str, values: list) -> Any:
        kind = self._types.get(name)
        if kind is None or issubclass(kind, tuple) != (tag == "named"):
            raise CodecError(f"a {name[:40]!r}, which the given cells do not define")
        if tag == "named":
            return kind(*values)
        twin = object.__new__(kind)
        for field, value in zip(dataclasses.fields(kind), values, strict=True):
            object.__setattr__(twin, field.name, value)
        return twin


def _mapping(pairs: list[tuple[Any, Any]]) -> dict:
    """Return a dictionary, but not of keys that were made to collide: they would cost the judge minutes."""
    if max(Counter(hash(key) for key, _ in pairs).values(), default=0) > MAX_ALIKE:
        raise CodecError("a dictionary whose keys collide")
    return dict(pairs)


def records(namespace: dict[str, Any]) -> dict[str, type]:
    """Return the namedtuples and dataclasses of a namespace, by name."""
    return {
        value.__name__: value
        for value in namespace.values()
        if isinstance(value, type)
        and (dataclasses.is_dataclass(value) or (issubclass(value, tuple) and hasattr(value, "_fields")))
    }


def _refuse_objects(dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise CodecError("an array of Python objects; use an array of numbers or records")


def _description(dtype: np.dtype) -> Any:
    """Return a dtype as JSON: its string, or for records names, formats, offsets and size."""
    if dtype.names is None:
        base, shape = (dtype.base, dtype.shape)
        return [_description(base), list(shape)] if shape else dtype.str
    fields = [dtype.fields[name] for name in dtype.names]
    return {
        "names": list(dtype.names),
        "formats": [_description(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
        "align": dtype.isalignedstruct,
    }


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
        raise CodecError("an array of no shape")
    return tuple(shape)


def nbytes(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    """Return how many bytes an array takes."""
    return math.prod(shape) * dtype.itemsize
