"""Numbers as compiled code computes them: Numba itself says what is right."""

import importlib.util
import operator
import random

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError

from perflab import atomics
from perflab.models import arithmetic
from perflab.models.interleaving import UnrewritableError, explore

DTYPES = ("bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float32", "float64")
INTEGERS = [name for name in DTYPES if "int" in name]
OPERATORS = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv},
    **{"%": operator.mod, "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift},
    **{">>": operator.rshift, "<": operator.lt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne},
}


def numbers(name):
    """Return numbers of a type: its ends, and some between."""
    dtype = np.dtype(name)
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind == "f":
        return [dtype.type(v) for v in (0, 1, -1, 0.1, 3.5, 1e9, -7.25, 16777217)]
    ends = np.iinfo(dtype)
    return [
        dtype.type(v) for v in (ends.min, ends.min + 1, ends.max, 0, 1, 2, 7, -1, -7) if ends.min <= v <= ends.max
    ]


def outcome(call, *args):
    """Return what a call returns, or the kind of its error."""
    try:
        return call(*args)
    except ZeroDivisionError:
        return ZeroDivisionError
    except (TypeError, NumbaError):
        return TypeError


def equal(a, b):
    return a is b or a == b or (a != a and b != b)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operations_are_numbas(symbol):
    rng = random.Random(symbol)
    compiled = njit(eval(f"lambda a, b: a {symbol} b"))
    for _ in range(4):
        left, right = rng.choice(DTYPES), rng.choice(DTYPES)
        for a in numbers(left):
            for b in numbers(right):
                if symbol in ("<<", ">>") and not ("float" not in right and 0 <= b < 64):
                    continue
                ours = outcome(
                    arithmetic.computed, OPERATORS[symbol], arithmetic.standing(a), arithmetic.standing(b)
                )
                assert equal(ours, outcome(compiled, a, b)), f"{left} {a!r} {symbol} {right} {b!r}"


@pytest.mark.parametrize("op", [operator.lshift, operator.rshift, operator.ilshift])
@pytest.mark.parametrize("count", [64, 65, 1 << 40, -1, np.uint64(64), np.int8(-1)])
def test_a_shift_that_no_processor_agrees_about_is_refused(op, count):
    for value in (1, np.uint64(1), np.int8(3)):
        with pytest.raises(TypeError, match=f"a shift by {count} .*; keep the count between 0 and 63"):
            arithmetic.computed(op, value, count)


@pytest.mark.parametrize("name", DTYPES)
def test_operations_on_one_number_are_numbas(name):
    for text, op in (
        ("-x", operator.neg),
        ("~x", operator.invert),
        ("+x", operator.pos),
        ("not x", operator.not_),
    ):
        compiled = njit(eval(f"lambda x: {text}"))
        for x in numbers(name):
            ours = outcome(arithmetic.negated, op, arithmetic.standing(x))
            assert equal(ours, outcome(compiled, x)), f"{text} of {x!r}"


@pytest.mark.parametrize("target", ["int8", "uint8", "uint32", "int64", "uint64", "float32"])
def test_casts_are_numbas(target):
    cast = getattr(np, target)
    compiled = njit(lambda x: cast(x))
    for name in ("bool", *INTEGERS):
        for x in numbers(name):
            assert arithmetic.called(cast, (arithmetic.standing(x),)) == compiled(x)


# Whole functions: what the explorer says of one thread is what the compiled function returns

NAMES = "abc"


def expression(rng, depth, integers, known):
    """Return the text of a random expression."""
    if depth == 0 or rng.random() < 0.15:
        return rng.choice([*known, *known, *(f"{name}[0]" for name in NAMES), str(rng.choice((0, 1, 2, 3, 100)))])
    left, right = (expression(rng, depth - 1, integers, known) for _ in range(2))
    kind = rng.choice(
        ("binary",) * 8 + ("call", "cast", "divide", "shift", "compare", "negate", "choice", "choice")
    )
    if kind == "choice":
        test = f"{left} {rng.choice(('<', '>=', '=='))} {right}"
        other = expression(rng, depth - 1, integers, known)
        return rng.choice((f"({left} if {test} else {other})", f"({left} {rng.choice(('and', 'or'))} {right})"))
    if kind == "call":
        return rng.choice((f"min({left}, {right})", f"max({left}, {right})", f"abs({left})"))
    if kind == "cast":
        # What becomes of a negative float as an unsigned integer, no standard says.
        return f"np.{rng.choice(INTEGERS if integers else ('int8', 'int32', 'int64'))}({left})"
    if kind == "divide":
        return f"(({left}) {rng.choice(('//', '%', '/'))} {rng.choice((3, 7, 10))})"
    if kind == "compare":
        return f"np.int64({left} {rng.choice(('<', '>=', '=='))} {right})"
    if kind == "negate":
        return f"(-({left}))"
    if kind == "shift" and integers:
        return f"(({left}) {rng.choice(('<<', '>>'))} {rng.choice((1, 3, 7))})"
    return f"({left} {rng.choice('+-*&|^' if integers else '+-*')} {right})"


def function(rng, name, integers):
    """Return the text of a random function of three arrays."""
    lines = [f"def {name}({', '.join(NAMES)}):"]
    known = []
    for number in range(5):
        lines.append(f"    v{number} = {expression(rng, 3, integers, known)}")
        known.append(f"v{number}")
    lines.append(f"    a[0] = {expression(rng, 2, integers, known)}")
    lines.append("    n = 0")
    lines.append("    m = 1")
    lines.append("    for k in range(b.size, c.size):")
    lines.append("        if m < 3:")
    lines.append(f"            m = {expression(rng, 2, integers, [*known, 'm'])}")
    lines.append(f"        n += np.int64({expression(rng, 2, integers, known)}) ^ k")
    lines.append(f"    return {', '.join(known)}, n, m, a[0], v0 < v1, 1 if v2 - v3 > 4 else 0")
    return "\n".join(lines)


def functions(count, path):
    rng = random.Random(31)
    texts = [function(rng, f"f{k}", k % 3 > 0) for k in range(count)]
    path.write_text("import numpy as np\n\n" + "\n\n\n".join(texts) + "\n")
    spec = importlib.util.spec_from_file_location("random_expressions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [getattr(module, f"f{k}") for k in range(count)]


def test_the_explorer_computes_what_the_compiled_function_computes(tmp_path):
    rng = random.Random(7)
    tried = 0
    for fn in functions(14, tmp_path / "random_expressions.py"):
        floats = int(fn.__name__[1:]) % 3 == 0
        kinds = [rng.choice(DTYPES[1:] if floats else INTEGERS) for _ in NAMES]
        compiled = njit(fn)
        for _ in range(8):
            inputs = [np.array([rng.choice(numbers(kind))], kind) for kind in kinds]
            inputs[2] = np.repeat(inputs[2], 4)
            theirs = [array.copy() for array in inputs]
            expected = outcome(compiled, *theirs)
            if expected is TypeError:
                break  # Numba has no such operation
            seen = []
            found = explore([(fn, tuple(inputs))], check=lambda result: seen.append((result, inputs[0].copy())))  # noqa: B023
            assert found.passed, f"{found}"
            ((result, after),) = seen
            told = f"{fn.__name__} of {inputs}: {[p for p in zip(result, expected, strict=True) if not equal(*p)]}"
            assert all(map(equal, result, expected)), told
            assert equal(after[0], theirs[0][0]), told
            tried += len(expected)
    assert tried > 600


HERE = (
    "unsigned",
    "mixed_signs",
    "narrow",
    "by_a_constant",
    "loop",
    "of_floats",
    "steps_of_a_range",
    "branches",
    "returns",
    "reused",
)


def unsigned(a):
    return 1 if atomics.load(a, 0, "relaxed") - atomics.load(a, 1, "acquire") > 4 else 0


def mixed_signs(a):
    used = a[0] - np.int64(a[1])
    return used, used < 0, a[0] < np.int64(-1), a[0] + 1 - a[1]


def narrow(a):
    own = np.zeros(2, np.uint8)
    own[0] = a[0] - a[1]
    own[1] += 200
    own[1] += 100
    return own[0], own[1], own[1] - own[0]


def by_a_constant(a):
    return a[0] * 2, a[0] // 2, a[0] % 3, a[0] >> 1, -a[0], ~a[0], abs(a[0]), a[0] ^ 18446744073709551615


def loop(a):
    n = 0
    for i in range(a[2]):
        n += a[i % 2] - i
    return n


def of_floats(a):
    return a[0] / 3, float(a[0]) - a[1], (a[0] - a[1]) * 0.5, min(a[0], a[1]), max(a[0], np.int64(-1))


def branches(a):
    x = a[0]
    if x > 50:
        x = 3
    y = a[1] if a[0] > 50 else 1
    return x, x - 4, x + x, y - 2, -y, x // 2, (a[0] or 0.5) / 2, (a[2] and 1) - a[0]


def returns(a):
    return first(a) - 7, first(a[1:]) + 1, -first(a)


def first(a):
    if a[0] > 5:
        return a[0]
    return 0


def reused(a):
    x = a[0]
    y = x + x
    x = 0.5
    while a[0] > 5 and y > x:
        x = x + a[1]
        last = x
        if x > 300:
            break
        y = last - 1
    return x, y


def steps_of_a_range(a):
    found = 0
    for i in range(a[2]):
        if i - a[2] > 100:
            found += 1
    return found


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint64"])
def test_one_thread_alone_returns_what_it_returns_compiled(name, dtype, monkeypatch):
    fn = globals()[name]
    monkeypatch.setitem(globals(), "first", njit(first))
    compiled = njit(fn)
    for values in ((0, 1, 4), (6, 0, 4), (100, 120, 3)):
        a = np.array(values, dtype)
        seen = []
        assert explore([(fn, (a,))], check=seen.append).passed
        assert repr(seen) == repr([compiled(a.copy())])


def test_a_name_of_the_explorers_own_is_refused():
    def fn(a):
        _computed_ = a[0]
        return _computed_

    with pytest.raises(UnrewritableError, match="needs the name _computed_ for itself"):
        explore([(fn, (np.zeros(1, np.int64),))])
