"""The names that code in a clean room may use: of modules, and of what their functions return.

A list of what is allowed, since the ways from an innocent object to the interpreter behind it are many: a
generator has frames, a partial function the function in it, a module the modules that it imported.
"""

import array
import functools
import importlib
import re
import types
from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from functools import cache
from pathlib import Path

import numba
import numpy as np

import perflab
from perflab.check.signatures import scalars
from perflab.models import lines, traced
from perflab.models.instrument import PREFIX
from perflab.models.interleaving.memory import Shared

NUMBA = {
    *("njit", "jit", "prange", "vectorize", "guvectorize", "literal_unroll", "get_num_threads", "set_num_threads"),
    *(name for name in scalars() if hasattr(numba, name)),
}
TYPES = {*scalars(), "Array", "DictType", "List", "ListType", "Optional", "Set", "Tuple", "UniTuple"}
# By module: its names, or None for all public ones that are no modules.
MODULES: dict[str, set[str] | None] = {
    **dict.fromkeys(("math", "cmath", "heapq", "bisect", "itertools", "operator", "numbers", "collections.abc")),
    **dict.fromkeys(("numpy", "numpy.linalg", "numpy.fft", "numpy.random")),
    **dict.fromkeys(("perflab.atomics", "perflab.hints", "perflab.simd", "perflab.threads")),
    "abc": {"ABC", "abstractmethod"},
    "array": {"array"},
    "collections": {"deque", "defaultdict", "OrderedDict", "Counter", "namedtuple", "ChainMap"},
    "contextlib": {"suppress", "nullcontext"},
    "dataclasses": {"dataclass", "field", "replace", "astuple", "asdict"},
    "enum": {"Enum", "IntEnum", "Flag", "IntFlag", "auto", "unique"},
    # No wraps: it would let a function pass for one of NumPy's, which gets its arrays unwatched.
    "functools": {"reduce", "partial", "lru_cache", "cache", "cached_property", "cmp_to_key", "total_ordering"},
    "random": {
        "choice",
        "choices",
        "gauss",
        "randint",
        "random",
        "randrange",
        "sample",
        "seed",
        "shuffle",
        "uniform",
    },
    "sys": {
        "byteorder",
        "float_info",
        "getrecursionlimit",
        "getsizeof",
        "maxsize",
        "setrecursionlimit",
        "version_info",
    },
    "time": {
        *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"),
        *("sleep", "time", "time_ns"),
    },
    # No get_type_hints: it evaluates strings.
    "typing": {
        *("Annotated", "Any", "Callable", "ClassVar", "Collection", "Deque", "Dict", "Final", "FrozenSet"),
        *("Generator", "Generic", "Iterable", "Iterator", "List", "Literal", "Mapping", "MutableMapping"),
        *("MutableSequence", "NamedTuple", "NoReturn", "Optional", "Protocol", "Self", "Sequence", "Set", "Tuple"),
        *("TypeAlias", "TypeVar", "Union", "cast"),
    },
    "numba": NUMBA,
    "numba.typed": {"List", "Dict"},
    "numba.types": TYPES,
    "numpy.lib": set(),
    "numpy.lib.stride_tricks": {"sliding_window_view"},  # as_strided reaches any memory
    "numpy.typing": {"ArrayLike", "DTypeLike", "NDArray"},
    "perflab": set(),
    "scipy": set(),
    "scipy.linalg": {"cholesky", "det", "eig", "eigh", "inv", "lstsq", "lu", "norm", "pinv", "qr", "solve", "svd"},
    "scipy.fft": {"fft", "fft2", "fftfreq", "ifft", "ifft2", "irfft", "next_fast_len", "rfft"},
}
# Doors to files and to the state of the process, names given as strings, and code that gets arrays unwatched.
REFUSED = {
    *("attrgetter", "methodcaller", "memmap", "fromfile", "load", "save", "savez", "savez_compressed", "loadtxt"),
    *("savetxt", "genfromtxt", "fromregex", "DataSource", "info", "source", "lookfor", "seterrcall", "setbufsize"),
    *("seterr", "set_printoptions", "set_string_function", "show_config", "show_runtime", "get_include", "test"),
    *("apply_along_axis", "apply_over_axes", "piecewise", "frompyfunc", "vectorize", "fromfunction", "pad"),
    *("array2string", "printoptions", "bmat"),
}
# What turns functions into machine code: its options may hold code that runs inside of it.
COMPILERS = {"numba.njit", "numba.jit", "numba.vectorize", "numba.guvectorize"}
# What makes a class of any names when it is called: only to be derived from, with members.
ENUMS = {"enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag"}
OPTIONS = {
    *("boundscheck", "cache", "debug", "error_model", "fastmath", "forceobj", "identity", "inline", "locals"),
    *("looplift", "nogil", "nopython", "parallel"),
}
# Builtins that reach behind objects, and what catches the instrument's own alarms.
NAMES = {
    *("eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "dir", "setattr"),
    *("delattr", "memoryview", "help", "exit", "quit", "BaseException", "BaseExceptionGroup"),
}
INSTRUMENT = PREFIX  # of the names by which rewritten code calls the instrument
# Builtins that may be called in one way only.
CLOSED = {"getattr", "hasattr", "super", "type"}
NOT_OF_ARRAYS = {"ctypes", "base", "data", "dump", "dumps", "tofile", "setflags", "getfield", "setfield"}
RECORD_API = {"_asdict", "_fields", "_make", "_replace"}  # of namedtuples
# Of a class that the code defines.
SPECIAL = {
    f"__{name}__"
    for name in (
        *("init", "post_init", "len", "getitem", "setitem", "delitem", "iter", "next", "contains", "reversed"),
        *(
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "hash",
            "bool",
            "call",
            "repr",
            "str",
            "add",
            "sub",
            "mul",
            "truediv",
        ),
        *("floordiv", "mod", "divmod", "pow", "matmul", "neg", "pos", "abs", "invert", "and", "or", "xor"),
        *("lshift", "rshift", "radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rpow", "iadd", "isub"),
        *("imul", "itruediv", "ifloordiv", "imod", "iand", "ior", "ixor", "index", "int", "float", "round"),
    )
}


def _public(kind: object) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def _defined(module: types.ModuleType) -> set[str]:
    """Return the public names that a module defines itself: what it imports has homes of its own."""
    return {name for name in _public(module) if getattr(vars(module)[name], "__module__", None) == module.__name__}


def _nothing() -> None:
    """Be a function, for its attributes."""


# Of properties, of functions that remember, and of generators: they hand out nothing.
HARMLESS = {"setter", "getter", "deleter", "cache_clear", "cache_info", "send", "throw", "close"}
# What objects of the interpreter, of Numba and of the instrument call their parts.
INNER = (
    set().union(
        *map(
            _public,
            (
                *(types.FunctionType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType),
                *(types.FrameType, types.CodeType, types.TracebackType, types.ModuleType, types.MethodType, type),
                *(property, functools.partial, functools.lru_cache(_nothing), numba.njit(_nothing)),
                Shared,
            ),
        ),
        *map(_defined, (lines, traced)),
    )
    - HARMLESS
)
# What no field of a code's own opens, whatever it is called.
OWN_NEVER = INNER | {"bit_generator", "capsule", "cffi", "ctypes", "format", "format_map", "obj", "spawn"}
FLAGS = {"c_contiguous", "f_contiguous", "contiguous", "owndata", "writeable", "aligned"}
ATTRIBUTES = (
    set().union(
        *map(
            _public,
            (
                *(
                    np.ndarray,
                    np.generic,
                    np.dtype,
                    np.ufunc,
                    np.random.Generator,
                    int,
                    float,
                    complex,
                    str,
                    bytes,
                ),
                *(list, dict, set, frozenset, tuple, range, slice, deque, Counter, OrderedDict, defaultdict),
                *(bytearray, array.array, Enum),
            ),
        )
    )
    - (NOT_OF_ARRAYS | {"format", "format_map", "bit_generator", "spawn", "buffer_info", "fromfile"})
    | FLAGS
    | HARMLESS
    | {"name", "value"}
)


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


@cache
def private_names() -> frozenset[str]:
    """Return the private names in the source of what a clean room runs beside the code."""
    root, compiler = Path(perflab.__file__).parent, Path(numba.__file__).parent
    places = [
        root / room for room in ("models", "check", "guest", "counters", "threads", "atomics", "simd", "hints")
    ]
    places += [compiler / "typed", compiler / "core" / "types", compiler / "np" / "ufunc"]
    files = [path for place in places for path in place.rglob("*.py")]
    files += [compiler / "core" / name for name in ("dispatcher.py", "serialize.py", "caching.py")]
    text = "\n".join(path.read_text() for path in files)
    return frozenset(re.findall(r"\b_[A-Za-z]\w*", text))
