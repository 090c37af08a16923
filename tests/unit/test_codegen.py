"""What LLVM makes of small functions at a fixed target, and loops of hand-written graphs and assembly."""

import math

import numpy as np
import pytest
from numba import njit, types
from tempo import within

from perflab import codegen
from perflab.codegen import CodegenError, assembly, compiler, features, inspect
from perflab.codegen.loops import natural_loops

A = np.ones(8)
PLACES = np.arange(8)
U = np.arange(8, dtype=np.uint64)
M = np.ones((4, 4))


@njit
def strict_sum(a):
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@njit(fastmath={"reassoc", "nsz"})
def free_sum(a):
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@njit(fastmath=True)
def free_dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit
def part(a, low, high):
    for i in range(low, high):
        a[i] = a[i] * 2.0 + 1.0


@njit
def part_unsigned(a, low, high):
    for i in range(np.uintp(low), np.uintp(high)):
        a[i] = a[i] * 2.0 + 1.0


@njit
def part_view(a, low, high):
    view = a[low:high]
    for i in range(view.size):
        view[i] = view[i] * 2.0 + 1.0


@njit
def modulo(a, k):
    for i in range(a.size):
        a[i] = a[i] % k


@njit
def modulo_literal(a):
    for i in range(a.size):
        a[i] = a[i] % np.uint64(10)


@njit
def divide(a, d):
    for i in range(a.size):
        a[i] = a[i] / d


@njit(boundscheck=True)
def checked(a, index):
    total = 0.0
    for i in range(index.size):
        total += a[index[i]]
    return total


@njit
def unchecked(a, index):
    total = 0.0
    for i in range(index.size):
        total += a[np.uintp(index[i])]
    return total


@njit(fastmath=True)
def gathered(a, index):
    total = np.float32(0)
    for i in range(index.size):
        total += a[np.uintp(index[i])]
    return total


@njit
def compact(a):
    kept = 0
    for i in range(a.size):
        if a[i] > 0.5:
            a[kept] = a[i]
            kept += 1
    return kept


@njit
def sines(a):
    for i in range(a.size):
        a[i] = math.sin(a[i])


@njit
def arrays_made(n):
    total = 0.0
    for i in range(n):
        b = np.empty(4)
        b[0] = i
        total += b[0]
    return total


@njit
def matmul(a, b, c):
    for i in range(a.shape[0]):
        for k in range(b.shape[0]):
            for j in range(c.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


@njit
def copy(a, b):
    for i in range(a.size):
        a[i] = b[i]


@njit
def no_loop(a):
    return a[0] + 1


@njit
def chase(following, steps):
    at = 0
    while steps > 0:
        at = following[at]
        steps -= 1
    return at


def test_a_strict_sum_stays_scalar_and_a_free_one_is_vectorized():
    strict, free = inspect(strict_sum, (A,)), inspect(free_sum, (A,))
    assert (strict.hot.vector_bits, free.hot.vector_bits) == (64, 256)
    assert free.hot.arithmetic >= 2
    assert strict.hot.fma == free.hot.fma == 0
    assert "scalar" in str(strict)
    assert "256-bit" in str(free)


def test_fused_multiply_adds_are_found():
    hot = inspect(free_dot, (A, A)).hot
    assert hot.vector_bits == 256
    assert hot.fma == hot.arithmetic > 0


def test_wraparound_is_found_and_gone_with_unsigned_indices_and_views():
    signed = inspect(part, (A, 1, 5))
    assert signed.wraparound > 0
    assert signed.hot.vector_bits == 64
    for fn in (part_unsigned, part_view):
        better = inspect(fn, (A, 1, 5))
        assert better.wraparound == 0
        assert better.hot.vector_bits == 256


@njit
def divide_beside_a_decoy(a, b):
    for i in range(a.size):
        a[i] /= b
    for i in range(int(b), 2):
        x, y = a[i], a[i + 1]
        a[i] = x * x * y + y * y * x + (x + y) * (x - y) + 3 * x * y - x + y * 5 - x * 7


def test_a_loop_that_never_runs_does_not_stand_for_the_one_that_divides():
    assert inspect(divide_beside_a_decoy, (A, 3.0)).hot.float_divisions == 0
    assert codegen.measure("divisions", divide_beside_a_decoy, (A, 3.0)) > 0


@njit
def divide_around(a, room, d):
    """Divide in an outer loop, whose inner one goes around as often as somebody says."""
    for first in range(0, a.size, room.size):
        place = first // d
        for k in range(room.size):
            a[first + k] = place + k


@njit
def floating_remainders(a, d):
    for i in range(a.size):
        a[i] = (i + 0.5) % d


def test_divisions_count_in_outer_loops_in_what_a_loop_calls_and_in_libraries():
    assert all(loop.divisions == 0 for loop in inspect(divide_around, (PLACES, PLACES, 3)).loops)
    assert codegen.measure("divisions", divide_around, (PLACES, PLACES, 3)) > 0
    assert inspect(floating_remainders, (A, 3.0)).hot.float_divisions == 0
    assert codegen.measure("divisions", floating_remainders, (A, 3.0)) > 0
    assert inspect(free_sum, (A,)).divisions == 0


def test_a_division_in_a_called_function_without_a_loop_counts():
    assert codegen.measure("divisions", mixes_elsewhere, (PLACES, 3)) > 0


def test_divisions_are_told_apart():
    assert inspect(modulo, (U, np.uint64(3))).hot.divisions > 0
    assert inspect(modulo_literal, (U,)).hot.divisions == 0
    hot = inspect(divide, (A, 3.0)).hot
    assert hot.divisions == 0
    assert hot.float_divisions > 0
    assert codegen.measure("divisions", divide, (A, 3.0)) == hot.float_divisions


def test_bounds_checks_are_found():
    assert inspect(checked, (A, PLACES)).bounds_checks > 0
    assert inspect(checked, (A, PLACES)).wraparound > 0
    code = inspect(unchecked, (A, PLACES))
    assert (code.bounds_checks, code.wraparound) == (0, 0)


def test_gathers_are_found_in_either_form():
    hot = inspect(gathered, (A.astype(np.float32), PLACES)).hot
    assert hot.gathers + hot.inserts > 0
    assert inspect(free_sum, (A,)).hot.gathers == inspect(free_sum, (A,)).hot.inserts == 0


def test_branches_and_calls_are_found():
    assert inspect(compact, (A,)).hot.branches > 0
    assert inspect(free_sum, (A,)).hot.branches == 0
    assert inspect(sines, (A,)).hot.calls > 0
    assert inspect(sines, (A,)).hot.vector_bits == 64
    assert inspect(arrays_made, (3,)).hot.calls > 0


def test_the_deepest_loop_is_hot():
    code = inspect(matmul, (M, M, M))
    assert code.hot.depth == 3
    assert code.hot.vector_bits == 256


def test_a_copy_counts_by_its_moves():
    assert inspect(copy, (A, A)).hot.vector_bits == 256


def test_other_loops_and_none():
    assert inspect(chase, (PLACES, 3)).hot.vector_bits == 64
    code = inspect(no_loop, (A,))
    assert code.hot is None
    assert code.loops == ()
    assert "no loop" in str(code)
    assert codegen.measure("vector_bits", no_loop, (A,)) == 0


def test_each_metric_is_a_number_and_an_unknown_one_is_named():
    for metric in codegen.METRICS:
        assert codegen.measure(metric, free_dot, (A, A)) >= 0
    assert codegen.measure("fma", free_dot, (A, A)) > 0
    with pytest.raises(ValueError, match="metric: one of 'vector_bits'"):
        codegen.measure("speed", free_dot, (A, A))


def test_the_text_explains_and_is_safe_in_a_page():
    code = inspect(free_dot, (A, A))
    text = str(code)
    assert "free_dot" in text
    assert "load, fused multiply-add, 4 doubles" in text
    assert "next iteration" in text
    page = code._repr_html_()
    assert page.startswith("<pre")
    assert "<" not in page[page.index(">") + 1 : page.rindex("<")]


# The function stays as it was


def test_nothing_changes_here():
    @njit
    def fresh(a):
        for i in range(a.size):
            a[i] += offset

    offset = 2.5  # a closure travels too
    code = inspect(fresh, (A,))
    assert code.hot.vector_bits == 256
    assert fresh.signatures == []
    assert strict_sum.signatures == []
    inspect(strict_sum, "f8(f8[::1])")
    assert strict_sum.signatures == []


def test_signatures_can_be_types_or_text():
    array = types.Array(types.float64, 1, "C")
    assert inspect(strict_sum, (array,)) == inspect(strict_sum, "f8(f8[::1])") == inspect(strict_sum, (A,))


def test_helper_functions_travel_along():
    @njit
    def twice(x):
        return x + x

    @njit
    def use(a):
        for i in range(a.size):
            a[i] = twice(a[i])

    assert inspect(use, (A,)).hot.vector_bits == 256


# What it refuses


def test_a_plain_function_is_refused():
    with pytest.raises(TypeError, match="decorate it with @njit"):
        inspect(lambda a: a, (A,))


def test_arguments_have_to_be_a_tuple_of_what_numba_knows():
    with pytest.raises(TypeError, match=r"write \(x,\)"):
        inspect(strict_sum, A)
    with pytest.raises(TypeError, match="args"):
        inspect(strict_sum, (object(),))


@pytest.mark.parametrize("signature", ["f8(f8[", "hello", "", "f8(f8[::1]) + 1"])
def test_a_signature_that_is_none_is_named(signature):
    with pytest.raises(TypeError, match=r"args: no signature of Numba's, such as 'f8\(f8\[::1\]\)'"):
        inspect(strict_sum, signature)


def test_what_does_not_compile_says_why():
    @njit
    def wrong(a):
        return a.nonsense

    with pytest.raises(CodegenError, match=r"wrong does not compile: TypingError.*nonsense"):
        inspect(wrong, (A,))


def test_parallel_functions_are_refused():
    with pytest.raises(CodegenError, match="parallel=True"):
        inspect(njit(parallel=True)(strict_sum.py_func), (A,))


def test_a_compiler_that_takes_too_long_is_stopped():
    with within(10), pytest.raises(CodegenError, match=r"not compiled after 0\.05 s"):
        inspect(strict_sum, (A.astype(np.float32),), seconds=0.05)


def test_a_compiler_that_dies_is_told(monkeypatch):
    monkeypatch.setattr(compiler.sys, "executable", "/bin/false")
    with pytest.raises(CodegenError, match="died"):
        inspect(strict_sum, (A.astype(np.int16),))


# Graphs and assembly


def test_natural_loops_nest():
    graph = {
        "in": ["outer"],
        "outer": ["inner", "out"],
        "inner": ["inner", "latch"],
        "latch": ["outer"],
        "out": [],
    }
    loops = {loop.header: loop for loop in natural_loops(graph, "in")}
    assert loops["outer"].blocks == {"outer", "inner", "latch"}
    assert (loops["outer"].depth, loops["outer"].innermost) == (1, False)
    assert (loops["inner"].depth, loops["inner"].innermost) == (2, True)


def test_a_jump_backwards_alone_is_no_loop():
    graph = {"in": ["late"], "early": ["out"], "late": ["early"], "out": []}
    assert natural_loops(graph, "in") == []


ASSEMBLY = """
planted:
\t.cfi_startproc
\txorl\t%eax, %eax
.LBB0_1:
\tvmovupd\t(%rdi,%rax,8), %ymm0
\tvfmadd213pd\t32(%rsi,%rax,8), %ymm1, %ymm0
\tvmovupd\t%ymm0, (%rdi,%rax,8)
\tcmpq\t$3, (%rdx)
\tje\t.LBB0_3
\tidivq\t%rcx
\tcallq\t*%rbx
\tvgatherqpd\t%ymm3, (%rdi,%ymm2,8), %ymm4
\taddq\t$4, %rax
\tcmpq\t%rax, %rdx
\tjne\t.LBB0_1
.LBB0_3:
\tretq
.Lfunc_end0:
"""


def test_a_planted_loop_is_counted_exactly():
    (function,) = assembly.functions(ASSEMBLY)
    (loop,) = features.inner_loops(function)
    assert (loop.vector_bits, loop.arithmetic, loop.fma, loop.divisions) == (256, 1, 1, 1)
    assert (loop.branches, loop.calls, loop.gathers, loop.stores) == (1, 1, 1, 1)
    assert loop.loads == 4


def large():
    """Return a function with a loop that is too large to be inlined three times."""
    lines = ["def keep(a, least):", "    kept = 0", "    for i in range(a.size):"]
    for n in range(3, 60):
        lines += [f"        if a[i] % {n} > least:", "            a[kept] = a[i]", "            kept += 1"]
    names = {}
    exec("\n".join([*lines, "    return kept"]), names)
    return njit(names["keep"])


keep = large()


@njit
def keeps_elsewhere(a, least):
    return keep(a, least) + keep(a, least + 1) + keep(a, least + 2)


def mixer():
    """Return a function without a loop that divides, and is too large to be inlined three times."""
    lines = ["def mix(x, d):", "    if x % d == 1:", "        x += 1"]
    for n in range(3, 90):
        lines += [f"    if x & {n} == {n % 3}:", f"        x = x * {n} ^ (x >> {n % 7})"]
    names = {}
    exec("\n".join([*lines, "    return x"]), names)
    return njit(names["mix"])


mix = mixer()


@njit
def mixes_elsewhere(a, d):
    for i in range(a.size):
        a[i] = mix(mix(mix(a[i], d), d), d)


@njit
def works_beside(a, least):
    kept = keep(a, least)
    total = 0.0
    for i in range(a.size):
        for j in range(a.size):
            total += a[j] * i
    return kept + total


@njit
def works_inside(a, least):
    kept = 0
    for i in range(a.size):
        if a[i] >= least:
            a[kept] = i
            kept += 1
        for j in range(kept):
            a[j] += 1
    return kept


@njit
def keeps_by_recursion(a, least, depth):
    if depth > 0:
        return keeps_by_recursion(a, least, depth - 1)
    return keep(a, least)


@njit
def keeps_far_away(a, least):
    return keeps_by_recursion(a, least, 3)


def test_a_loop_in_a_called_function_is_still_there():
    code = inspect(keeps_elsewhere, (PLACES, 1))
    assert code.hot is None
    assert code.called_loops[0].branches > 50
    assert codegen.measure("branches", keeps_elsewhere, (PLACES, 1)) > 50


@pytest.mark.parametrize("busy", [works_beside, works_inside])
def test_a_branch_outside_of_the_hottest_loop_counts(busy):
    code = inspect(busy, (PLACES, 1))
    assert code.hot.branches < code.branches
    assert codegen.measure("branches", busy, (PLACES, 1)) == code.branches


def test_a_loop_without_a_decision_has_no_branches():
    assert codegen.measure("branches", strict_sum, (A,)) == 0


def test_a_loop_behind_recursion_cannot_be_counted():
    with pytest.raises(CodegenError, match="a function that calls itself"):
        codegen.measure("branches", keeps_far_away, (PLACES, 1))


def test_wrappers_are_left_out():
    text = ASSEMBLY.replace("planted", "_ZN7cpythonplanted") + ASSEMBLY
    assert [one.name for one in assembly.functions(text)] == ["planted"]
