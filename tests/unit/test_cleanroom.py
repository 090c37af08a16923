"""The clean room admits what computes, and nothing that could reach the instrument beside it."""

import pytest

from perflab.judge.cleanroom import ForbiddenError, admitted
from perflab.judge.vocabulary import ATTRIBUTES, INNER, names_of

GIVEN = """
import os
import numpy as np
from numba import njit
from perflab import check
from time import perf_counter

PARTICLE = np.dtype([("x", np.float32), ("mass", np.float32)])

class Point:
    def shift(self):
        self.left = 0
"""

HARMLESS = {
    "loop": """
@njit
def f(numbers):
    total = 0.0
    for i in range(len(numbers)):
        total += numbers[i]
    return total
""",
    "records": """
def f(parts):
    for p in parts:
        p.x += p.mass
    parts[0].x = 1
    return parts["mass"].sum()
""",
    "own class": """
from dataclasses import dataclass, field
from collections import deque, namedtuple

Pair = namedtuple("Pair", "first second")

@dataclass
class Node:
    value: int
    links: list = field(default_factory=list)

    def grow(self, value):
        self.links.append(Node(value))
        self.value += value
        return self

class Ring:
    __slots__ = ("rest",)

    def __init__(self, n):
        self.rest = deque(maxlen=n)

    def __len__(self):
        return len(self.rest)

def f(n):
    return Node(n).grow(1).links[0].value + Pair(1, 2).second + len(Ring(3))
""",
    "comprehensions, walrus, lambda": """
def f(n):
    rows = [y for x in range(n) if (y := x * x) > 3]
    return sorted(rows, key=lambda row: -row)[0], {k: v for k, v in zip("ab", rows)}
""",
    "plain patterns": """
def f(n):
    match n:
        case 0 | 1:
            return 0
        case [a, *b]:
            return a
    return n
""",
    "a message": "def f(n):\n    if n < 0:\n        raise ValueError(f'n: {n}')\n    return n",
    "parts of numpy": """
import numpy
def f(a):
    return np.linalg.norm(a) + numpy.sum(a * np.float32(2)) + a.T.reshape(-1).max()
""",
    "of numba": """
from numba import types, prange
from numba.typed import List
def f():
    return List([types.int64(0)])
""",
    "atomics": "from perflab import atomics\ndef f(a):\n    return atomics.fetch_add(a, 0, 1)",
    "the course's": "def f():\n    point = Point()\n    point.shift()\n    return point.left, PARTICLE.names",
    "print": "def f(n):\n    print(n)\n    return n",
}

HARMFUL = {
    "private attribute": "def f(x):\n    return x.__class__",
    "private name": "def f(x):\n    return __import__('os')",
    "private name in an f-string": "def f(x):\n    return f'{x.__class__}'",
    "builtin": "def f(x):\n    return getattr(x, 'a')",
    "module of the course": "def f(x):\n    return os.system('true')",
    "library of the course": "def f(x):\n    return check.bench",
    "clock of the course": "def f(x):\n    return perf_counter()",
    "strange module": "import sys\ndef f(x):\n    return sys.modules",
    "inner import": "def f(x):\n    from os import system\n    return system",
    "star": "from numba import *\ndef f(x):\n    return njit(x)",
    "relative": "from . import lines\ndef f(x):\n    return lines",
    "submodule by its dotted name": "import numpy.lib\ndef f(x):\n    return numpy.lib",
    "getter by string": "from operator import attrgetter\ndef f(x):\n    return attrgetter('__class__')(x)",
    "getter by module": "import operator\ndef f(x):\n    return operator.attrgetter('__class__')(x)",
    "module in a module": "import dataclasses\ndef f(x):\n    return dataclasses.inspect.currentframe()",
    "module of numpy": "def f(x):\n    return np.lib.stride_tricks",
    "module as a value": "def f(x):\n    return (lambda m: m)(np)",
    "submodule as a value": "def f(x):\n    return (lambda m: m)(np.linalg)",
    "module under another name": "import numba as n\nm = n\ndef f(x):\n    return m.core",
    "change of a module": "def f(x):\n    np.zeros = x",
    "change in a loop": "def f(x):\n    for np.zeros in [x]:\n        pass",
    "change in a comprehension": "def f(x):\n    return [0 for np.zeros in [x]]",
    "change of a module as self": "def f(x):\n    change(np)\ndef change(self):\n    self.zeros = 0",
    "change at the top level": "np.zeros = 0\ndef f(x):\n    return np.zeros(3)",
    "frame of a generator": "def f(x):\n    return (i for i in x).gi_frame.f_back",
    "function in a partial": "def f(x):\n    return np.sum.func",
    "own attribute with a name of the interpreter's": "class A:\n    func = 0\ndef f(x):\n    return A, x.func",
    "class pattern": "def f(x):\n  match x:\n    case Point(__globals__=g):\n      return g",
    "compiled body": "def f(x):\n    return x.py_func",
    "address": "def f(x):\n    return x.ctypes",
    "memory by an interface": "class A:\n  def __array_interface__(self):\n    pass\ndef f(x):\n  return A()",
    "hook": "class A:\n    def __getattr__(self, name):\n        return {}\ndef f(x):\n    return A()",
    "metaclass": "class M(type):\n    pass\ndef f(x):\n    return M",
    "file": "def f(x):\n    x.tofile('a')",
    "pickle": "def f(x):\n    return np.load(x)",
    "unwatched arrays": "def f(x):\n    return np.apply_along_axis(len, 0, x)",
    "hints that are evaluated": "import typing\ndef f(x):\n    return typing.get_type_hints(x)",
    "copies of attributes": "from functools import wraps\ndef f(x):\n    return wraps(x)",
    "try": "def f(x):\n    try:\n        return x\n    except Exception as e:\n        return e",
    "with": "def f(x):\n    with x:\n        pass",
    "state": "n = 0\ndef f(x):\n    global n\n    n += 1",
    "decorator": "@(lambda g: g.__globals__)\ndef f(x):\n    return x",
    "default": "def f(x, g=open):\n    return g",
    "annotation": "def f(x: __import__('os')):\n    return x",
    "async": "async def g(x):\n    return x\ndef f(x):\n    return g(x).cr_frame",
    "no Python": "def f(x:\n",
    "too deep": "def f(x):\n    return " + "(" * 5000 + "x" + ")" * 5000,
}


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS)
def test_what_computes_is_admitted(source):
    (text,) = admitted([source], {"f"}, [GIVEN])
    assert "def f" in text


@pytest.mark.parametrize("source", HARMFUL.values(), ids=HARMFUL)
def test_what_reaches_further_is_not(source):
    with pytest.raises(ForbiddenError):
        admitted([source], {"f"}, [GIVEN])


def test_the_reason_names_line_and_word():
    with pytest.raises(ForbiddenError, match="line 3: the attribute __class__"):
        admitted(["def f(x):\n    y = x\n    return y.__class__"], {"f"})


def test_what_is_not_needed_need_not_be_harmless():
    cells = [
        "import sys\nsys.path\nprint(sys)",
        "K = 2\ndef helper(x):\n    return x * K\ndef f(x):\n    return helper(x)",
    ]
    first, second = admitted(cells, {"f"})
    assert first == ""
    assert "helper" in second
    assert "K = 2" in second


def test_own_names_never_open_what_the_interpreter_calls_so():
    assert {
        "gi_frame",
        "f_back",
        "f_globals",
        "func",
        "py_func",
        "tb_frame",
        "cr_frame",
        "fetched",
    } <= INNER - ATTRIBUTES


def test_no_module_gives_another_one_away():
    assert "attrgetter" not in names_of("operator")
    assert not {"lib", "core", "linalg", "testing"} & names_of("numpy")
    assert names_of("perflab") == frozenset()


def test_what_stays_the_courses_cannot_be_defined_where_it_is_needed():
    cells = ["LIMIT = 3\n\ndef drive(x):\n    return x", "def f(x):\n    return x + LIMIT"]
    assert "LIMIT = 3" in admitted(cells, {"f"}, ours={"drive"})[0]
    with pytest.raises(ForbiddenError, match="line 1: a definition of LIMIT, which is the course's"):
        admitted(cells, {"f"}, ours={"LIMIT", "drive"})
    with pytest.raises(ForbiddenError, match="line 3: a definition of drive"):
        admitted([*cells, "def g(x):\n    return drive(x)"], {"g"}, ours={"drive"})
