"""Signatures of compiled functions as strings, read without evaluating them.

Numba evaluates such a string as Python: ``njit("exec('...') or int64(int64)")`` runs what the string says. Who
grades reads them by a grammar instead, that of Numba's own short forms:

    signature    "i8(i8[::1], f8)", "void()", or the arguments alone: "(i8, f8)"
    type         a number, boolean, void, unicode_type; an array: "f8[:]", "f8[:, ::1]", "Array(f8, 1, 'C')"
    of types     "Tuple((i8, f8))", "UniTuple(i8, 3)", "List(i8)", "Set(i8)", "ListType(i8)", "DictType(i8, f8)",
                 "Optional(i8)"
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from numba.core import sigutils, types, typing

MOST = 1000  # characters
DEEPEST = 16  # levels of parentheses and brackets
MOST_DIMENSIONS = 16  # of an array; tuples may be longer, but nobody writes them
_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|([0-9]{1,3})|'([CFA])'|\"([CFA])\"|(::1|[:,()\[\]]))")


class SignatureError(TypeError):
    """A string that is no signature of the grammar; the text says so to who wrote it."""


def parse(text: str) -> Any:
    """Return what a string stands for: a Numba signature, or a tuple of the types of the arguments.

    Parameters
    ----------
    text : str

    Raises
    ------
    SignatureError
        If it is no signature of the grammar above.

    Examples
    --------
    >>> parse("i8(f8[::1])")
    (Array(float64, 1, 'C', False, aligned=True),) -> int64
    """
    if len(text) > MOST:
        raise SignatureError(f"a signature of {len(text):,} characters; {MOST:,} are allowed")
    try:
        return _Reader(text).signature()
    except SignatureError as error:
        raise SignatureError(f"{error} in the signature {text[:80]!r}: write one like 'int64(int64[:])'") from None
    except (TypeError, ValueError, AssertionError, KeyError) as error:  # what Numba makes no type of
        raise SignatureError(f"the signature {text[:80]!r} is none that Numba knows: {error}") from error


def never_evaluate() -> None:
    """Let Numba read all signature strings of this process with `parse`."""
    sigutils._parse_signature_string = parse


class _Reader:
    """Reads a signature from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        end = len(text.rstrip())
        position = 0
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise SignatureError(f"there is {text[position : position + 10].strip()!r}")
            position = match.end()
            name, number, single, double, sign = match.groups()
            self._tokens.append(name or number or sign or f"'{single or double}'")
        self._next = 0
        self._depth = 0

    def signature(self) -> Any:
        if self._peek() == "(":
            found: Any = self._types()
        else:
            result = self._type()
            if self._peek() != "(":
                raise SignatureError("there are no arguments")
            found = typing.signature(result, *self._types())
        if self._peek():
            raise SignatureError(f"there is {self._peek()!r} behind the end")
        return found

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._peek()
        if not token or (expected and token != expected):
            raise SignatureError(f"there is {token or 'an end'!r} in place of {expected or 'a type'!r}")
        self._next += 1
        return token

    def _type(self) -> types.Type:
        name = self._take()
        if name in _of_types():
            self._open("(")
            kind = _of_types()[name](self)
            self._close(")")
        elif name in scalars():
            kind = scalars()[name]
        else:
            raise SignatureError(f"there is {name!r}, which is no type,")
        while self._peek() == "[":
            kind = kind[self._dimensions()]
        return kind

    def _types(self) -> tuple[types.Type, ...]:
        """Read types in parentheses."""
        self._open("(")
        found = []
        while self._peek() != ")":
            found.append(self._type())
            if self._peek() != ")":
                self._take(",")
        self._close(")")
        return tuple(found)

    def _dimensions(self) -> Any:
        self._open("[")
        found = [self._dimension()]
        while self._peek() == ",":
            self._take()
            found.append(self._dimension())
        self._close("]")
        if len(found) > MOST_DIMENSIONS:
            raise SignatureError(f"there are {len(found)} dimensions")
        return tuple(found) if len(found) > 1 else found[0]

    def _dimension(self) -> slice:
        return slice(None, None, 1) if self._take() == "::1" else self._plain_dimension()

    def _plain_dimension(self) -> slice:
        if self._tokens[self._next - 1] != ":":
            raise SignatureError(f"there is {self._tokens[self._next - 1]!r} in place of ':'")
        return slice(None)

    def _number(self) -> int:
        token = self._take()
        if not token.isdecimal():
            raise SignatureError(f"there is {token!r} in place of a number")
        return int(token)

    def _layout(self) -> str:
        token = self._take()
        if token not in ("'C'", "'F'", "'A'"):
            raise SignatureError(f"there is {token!r} in place of 'C', 'F' or 'A'")
        return token[1]

    def _and(self, read: Callable[[], Any]) -> Any:
        self._take(",")
        return read()

    def _open(self, sign: str) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise SignatureError(f"there are more than {DEEPEST} levels")
        self._take(sign)

    def _close(self, sign: str) -> None:
        self._depth -= 1
        self._take(sign)

    def _array(self) -> types.Type:
        of, dimensions, layout = self._type(), self._and(self._number), self._and(self._layout)
        if not 0 < dimensions <= MOST_DIMENSIONS:
            raise SignatureError(f"there are {dimensions} dimensions")
        return types.Array(of, dimensions, layout)


@cache
def scalars() -> dict[str, types.Type]:
    """Return the types that have a name of their own, by it."""
    kinds = types.Number, types.Boolean, types.NoneType, types.UnicodeType
    return {name: kind for name, kind in vars(types).items() if isinstance(kind, kinds)}


@cache
def _of_types() -> dict[str, Callable[[_Reader], types.Type]]:
    """Return how types that are made of others are read, by their names."""
    return {
        "Array": _Reader._array,
        "DictType": lambda read: types.DictType(read._type(), read._and(read._type)),
        "List": lambda read: types.List(read._type()),
        "ListType": lambda read: types.ListType(read._type()),
        "Optional": lambda read: types.Optional(read._type()),
        "optional": lambda read: types.Optional(read._type()),
        "Set": lambda read: types.Set(read._type()),
        "Tuple": lambda read: types.Tuple(read._types()),
        "UniTuple": lambda read: types.UniTuple(read._type(), read._and(read._number)),
    }
