"""Signature strings are read by a grammar: the same types as Numba's, and nothing is evaluated."""

import pytest
from numba import njit
from numba.core import sigutils, types

from perflab.check import signatures
from perflab.check.signatures import DEEPEST, MOST, SignatureError, never_evaluate, parse

PLAIN = (
    *("i8(i8[::1])", "int64(int64[:], int64)", "void()", "void(f8[:,:], f8[:, ::1], f8[::1, :])", "(i8, f8)"),
    *("(i8,)", "()", " float64 ( float64 , u1 ) ", "b1(boolean, uint8, c16)", "none(unicode_type)", "i8[:](i8)"),
    *("Tuple((i8, f8))(f8)", "UniTuple(f8, 2)(UniTuple(i8, 3))", "Tuple((i8, Tuple((f8, i8[:]))))(i8)"),
    *("f8(ListType(i8))", "f8(DictType(i8, f8[:]))", "i8(List(i8), Set(f4))", "i8(Optional(i8), optional(f8))"),
    *("f8(Array(f8, 2, 'C'))", 'f8(Array(f8, 1, "A"))', "i8(i8,\n   i8,)", "f8[:,:,:](f8[:,:,::1])"),
)
# Each would do something, or is no signature.
OTHER = {
    "evaluated": "exec('import os') or int64(int64[:])",
    "calls": "print(int64)",
    "an attribute": "int64.__class__(int64)",
    "an attribute in an index": "int64(int64.__class__[:])",
    "a name of Python's": "__import__(int64)",
    "a pointer": "int64(voidptr)",
    "an object": "pyobject(pyobject)",
    "a function of C": "ExternalFunction('system', i8(i8))",
    "a comprehension": "int64(*[int64 for i in (1,)])",
    "a lambda": "(lambda: int64)()",
    "a string": "'int64'(int64)",
    "nothing": "",
    "a type alone": "int64",
    "an open end": "int64(int64",
    "two signatures": "int64(int64) int64(int64)",
    "an index that is a number": "int64(int64[5])",
    "no types": "int64(5)",
    "a long one": "int64(" + "i8," * MOST + ")",
    "a million characters": "i" * 1_000_000,
    "deep": "Tuple((" * (DEEPEST + 1) + "i8" + "))" * (DEEPEST + 1) + "(i8)",
    "deep brackets": "i8(" + "i8" + "[" * 400 + "]" * 400 + ")",
    "many dimensions": "i8(i8[" + ":," * 200 + ":])",
    "a layout that is none": "f8(Array(f8, 1, 'X'))",
    "a hundred dimensions": "f8(Array(f8, 100, 'C'))",
    "a null byte": "int64(\0int64)",
    "letters of another script": "\u0456nt64(int64)",
}


@pytest.mark.parametrize("text", PLAIN)
def test_the_types_are_those_that_numba_makes(text):
    known = {**vars(types), "optional": types.Optional}
    assert parse(text) == eval(" ".join(text.split()), {}, known)


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_everything_else_is_refused_with_a_sentence(text):
    with pytest.raises(SignatureError, match="signature"):
        parse(text)


def test_numba_evaluates_none_by_whatever_door_it_comes(monkeypatch):
    monkeypatch.setattr(sigutils, "_parse_signature_string", sigutils._parse_signature_string)
    ran = []
    vars(types)["note_that_it_ran"] = ran.append
    try:
        text = "note_that_it_ran(1) or int64(int64)"
        njit(text)(abs_of)
        assert ran == [1]  # what this module is for
        never_evaluate()
        for door in (text, [text], ["int64(int64)", text]):
            with pytest.raises(SignatureError):
                njit(door)(abs_of)
        assert ran == [1]
        assert njit("int64(int64)")(abs_of)(-3) == 3
    finally:
        del vars(types)["note_that_it_ran"]


def abs_of(x):
    return abs(x)


def test_names_of_types_are_of_numbers_and_their_like_only():
    assert {"int64", "i8", "f8", "c16", "boolean", "void", "unicode_type", "intp"} <= set(signatures.scalars())
    assert not {"voidptr", "pyobject", "Dispatcher", "literal", "code_type"} & set(signatures.scalars())
