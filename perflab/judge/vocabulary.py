"""The names that code in a clean room may use: of modules, and of what their functions return.

A list of what is allowed, since the ways from an innocent object to the interpreter behind it are many: a
generator has frames, a partial function the function in it, a module the modules that it imported.
"""

import functools
import importlib
import importlib.util
import types
from collections import Counter, OrderedDict, defaultdict, deque
from functools import cache

import numba
import numpy as np

from perflab.models import lines, traced
from perflab.models.interleaving.memory import Shared

NUMBA = {
    *("njit", "jit", "prange", "vectorize", "guvectorize", "literal_unroll", "carray", "farray", "boolean"),
    *("int8", "int16", "int32", "int64", "intp", "uint8", "uint16", "uint32", "uint64", "uintp"),
    *("float32", "float64", "complex64", "complex128"),
}
# By module: its names, or None for all public ones that are no modules.
MODULES: dict[str, set[str] | None] = {
    **dict.fromkeys(("math", "heapq", "bisect", "itertools", "operator", "numpy")),
    **dict.fromkeys(("numpy.linalg", "numpy.fft", "numpy.random", "numba.types")),
    **dict.fromkeys(("perflab.atomics", "perflab.hints", "perflab.simd", "perflab.threads")),
    "collections": {"deque", "defaultdict", "OrderedDict", "Counter", "namedtuple", "ChainMap"},
    "functools": {"reduce", "partial", "lru_cache", "cache", "cmp_to_key"},
    "dataclasses": {"dataclass", "field", "replace", "astuple", "asdict"},
    "typing": {"Any", "NamedTuple", "Optional", "Union", "Callable", "Sequence", "Iterable", "Iterator"},
    "numba": NUMBA,
    "numba.typed": {"List", "Dict"},
    "perflab": set(),
}
# Doors to files and to the state of the process, names given as strings, and code that gets arrays unwatched.
REFUSED = {
    *("attrgetter", "methodcaller", "memmap", "fromfile", "load", "save", "savez", "savez_compressed", "loadtxt"),
    *("savetxt", "genfromtxt", "fromregex", "DataSource", "info", "source", "lookfor", "seterrcall", "setbufsize"),
    *("seterr", "set_printoptions", "set_string_function", "show_config", "show_runtime", "get_include", "test"),
    *("apply_along_axis", "apply_over_axes", "piecewise", "frompyfunc", "vectorize", "fromfunction", "errstate"),
}
NOT_OF_ARRAYS = {"ctypes", "base", "data", "dump", "dumps", "tofile", "setflags", "getfield", "setfield", "flags"}
# Of a class that the code defines.
SPECIAL = {
    f"__{name}__"
    for name in (
        *("init", "post_init", "len", "getitem", "setitem", "iter", "next", "contains", "eq", "ne", "lt", "le"),
        *("gt", "ge", "hash", "bool", "call", "repr", "str", "add", "sub", "mul", "truediv", "floordiv", "mod"),
        *("neg", "abs", "radd", "rsub", "rmul", "iadd", "isub", "imul", "index", "int", "float"),
    )
}


def _public(kind: object) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def _nothing() -> None:
    """Be a function, for its attributes."""


# What objects of the interpreter, of Numba and of the instrument call their parts.
INNER = set().union(
    *map(
        _public,
        (
            *(types.FunctionType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType),
            *(types.FrameType, types.CodeType, types.TracebackType, types.ModuleType, types.MethodType, type),
            *(property, functools.partial, functools.lru_cache(_nothing), numba.njit(_nothing)),
            *(traced.Trace, lines, traced, Shared),
        ),
    )
)
ATTRIBUTES = set().union(
    *map(
        _public,
        (
            *(np.ndarray, np.generic, np.dtype, np.ufunc, np.random.Generator, int, float, complex, str, bytes),
            *(list, dict, set, frozenset, tuple, range, slice, deque, Counter, OrderedDict, defaultdict),
        ),
    )
) - (NOT_OF_ARRAYS | {"format", "format_map", "bit_generator", "spawn"})


@cache
def names_of(module: str) -> frozenset[str]:
    """Return the names of a module that code in a clean room may use."""
    listed = MODULES[module]
    if listed is not None:
        return frozenset(listed)
    try:
        there = importlib.import_module(module)
    except ImportError:
        return frozenset()
    public = set(getattr(there, "__all__", ())) if module.startswith("perflab.") else _public(there) - REFUSED
    return frozenset(name for name in public if not isinstance(getattr(there, name), types.ModuleType))


def is_module(name: str) -> bool:
    """Tell whether a dotted name is that of a module that is there."""
    try:
        return name in MODULES or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
