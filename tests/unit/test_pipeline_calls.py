"""The cycles of a call are those of the loops that run, as often as they do; nothing hides a loop."""

import numpy as np
import pytest
from numba import njit

from perflab.models import metrics
from perflab.models.instrument import UninstrumentableError
from perflab.models.pipeline import SKYLAKE, Operation, analyze, cycles, read

N = 1000


@njit
def chained(a, factor):
    found = 0
    for i in range(a.size):
        found = found * factor + a[i]
    return found


@njit
def in_two(a, factor):
    rows = a.reshape(-1, 2)
    b = c = 0
    for i in range(rows.shape[0]):
        b = b * (factor * factor) + rows[i, 0]
        c = c * (factor * factor) + rows[i, 1]
    return b * factor + c


@njit
def with_a_decoy(a, factor):
    found = 0
    for i in range(1, a.size - a.size):
        found = found * factor + a[i] * factor + a[i - 1] * factor
    for i in range(a.size):
        found = found * factor + a[i]
    return found


@njit
def in_pieces(a, factor):
    found = 0
    for first in range(0, a.size, 100):
        for i in range(first, first + 100):
            found = found * factor + a[i]
    return found


@njit
def with_a_rest(a, factor):
    found = 0
    for i in range(a.size - 3):
        found = found * factor + a[i]
    for x in a[a.size - 3 :]:
        found = found * factor + x
    return found


def given():
    return np.arange(N), 7


def test_a_call_costs_what_its_loop_does():
    count, result = cycles(chained, given())
    assert count == 4 * N == analyze(read(chained, given())).cycles * N
    assert result == chained(*given())


def test_a_plain_function_costs_the_same():
    assert cycles(chained.py_func, (np.arange(50), 7))[0] == 200


def test_two_chains_cost_half():
    assert cycles(in_two, given())[0] == 2 * N + 3 + 1  # a multiplication and an addition join them


def test_a_loop_that_never_runs_costs_nothing():
    assert cycles(with_a_decoy, given())[0] == 4 * N + 1  # the difference of sizes


def test_a_loop_around_a_loop_costs_a_mispredicted_branch_each_time():
    assert cycles(in_pieces, given())[0] == 4 * N + 10 * (SKYLAKE.penalty + 1)


def test_a_rest_may_be_a_loop_that_the_model_cannot_read():
    assert 4 * (N - 3) < cycles(with_a_rest, given())[0] < 4 * N + 200


def test_another_core():
    slow = SKYLAKE.having(mul=Operation(7, (("1", 1),)))
    assert cycles(chained, given(), slow)[0] == 8 * N


def test_a_check_counts_them_by_name():
    assert metrics.measure("cycles", chained, given()) == (4.0 * N, chained(*given()))


@njit
def by_squares(a, factor):
    two = factor * factor
    leap = two * two * two
    found = 0.0
    for i in range(a.size):
        found = found * leap + a[i]
    return found


@njit
def by_a_power(a, factor):
    leap = factor**6
    found = 0.0
    for i in range(a.size):
        found = found * leap + a[i]
    return found


def test_a_power_before_the_loop_is_a_number():
    a = np.random.default_rng(1).random(N)
    squares, power = (cycles(fn, (a, 0.5))[0] for fn in (by_squares, by_a_power))
    assert squares == 8 * N + 3 * 4
    assert power == 8 * N + 42


@njit
def delegates(a, factor):
    return chained(a, factor)


@njit
def by_a_library(a, factor):
    powers = np.cumprod(a)
    found = 0
    for i in range(a.size):
        found += powers[i] * factor
    return found


@njit
def by_a_method(a, factor):
    found = 0
    for i in range(a.size):
        found += a[i]
    return found + a.sum() * factor


@njit
def by_matrices(a, factor):
    return a.reshape(1, -1).astype(np.float64) @ a.reshape(-1, 1).astype(np.float64)


@njit
def by_recursion(a, factor):
    if a.size < 2:
        return a[0]
    middle = a.size // 2
    return by_recursion(a[:middle], factor) + by_recursion(a[middle:], factor)


@njit
def by_slices(a, factor):
    found = 0
    for part in (a[:500], a[500:]):
        for x in part[::1]:
            found = found * factor + x
    return found


@pytest.mark.parametrize(
    ("hides", "says"),
    [
        (delegates, "a loop of chained; write it as a loop of this function"),
        (by_a_library, r"`np.cumprod\(a\)`: it may hide a loop"),
        (by_a_method, r"`a.sum\(\)`: it may hide a loop"),
        (by_matrices, "it may hide a loop"),
        (by_recursion, "by_recursion calls itself"),
        (by_slices, "loop over range"),
    ],
)
def test_a_hidden_loop_is_refused(hides, says):
    with pytest.raises(UninstrumentableError, match=says):
        cycles(hides, given())


@njit
def step(found, factor, x):
    return found * factor + x


@njit
def around_an_idle_loop(a, factor):
    total = 0
    for i in range(a.size):
        total += a[i]
    found = 0
    for i in range(a.size):
        found = found * factor + a[i]
        for _ in range(1):
            total += 1
    return found + total - total


@njit
def by_a_helper(a, factor):
    total = 0
    for i in range(a.size):
        total += a[i]
    found = 0
    for i in range(a.size):
        found = step(found, factor, a[i])
        for _ in range(1):
            total += 1
    return found + total - total


@njit
def in_an_else(a, factor):
    found = total = 0
    for i in range(a.size):
        total += a[i]
        if factor < 0:
            total += 1
        else:
            found = found * factor + a[i]
    return found + total - total


@njit
def with_a_reset_that_never_comes(a, factor):
    found = 0
    for i in range(a.size):
        found = found * factor + a[i]
        if factor < 0:
            found = 0
    return found


@njit
def for_ever(a, factor):
    found = total = 0
    for i in range(a.size):
        total += a[i]
    i = 0
    while True:
        if i == a.size:
            break
        found = found * factor + a[i]
        i += 1
    return found


@njit
def by_another_name(a, factor):
    one = np.zeros(1, np.int64)
    same = one[:]
    for i in range(a.size):
        one[0] = same[0] * factor + a[i]
    return one[0]


@njit
def by_a_zero(a, factor):
    one = np.zeros(1, np.int64)
    for i in range(a.size):
        k = a[i] * 0
        one[k] = one[k] * factor + a[i]
    return one[0]


@njit
def by_one_of_two_names(a, factor):
    one = np.zeros(1, np.int64)
    same = np.zeros(1, np.int64)
    if factor > 0:
        same = one
        factor += 0
    else:
        same = np.zeros(1, np.int64)
    for i in range(a.size):
        one[0] = same[0] * factor + a[i]
    return one[0]


@pytest.mark.parametrize(
    "chain",
    [
        around_an_idle_loop,
        by_a_helper,
        in_an_else,
        with_a_reset_that_never_comes,
        for_ever,
        by_another_name,
        by_a_zero,
        by_one_of_two_names,
    ],
)
def test_no_chain_is_free_wherever_it_runs(chain):
    count, result = cycles(chain, given())
    assert result == chained(*given())
    assert count >= 4 * N


@njit
def by_a_library_inside(a, factor):
    found = 0
    for i in range(a.size):
        found += a[i]
    return found + by_a_method(a, factor)


@njit
def by_arrays(a, factor):
    found = 0
    for i in range(a.size):
        found += a[i]
    doubled = a[0::2] * factor + a[1::2]
    return found + doubled[0]


@pytest.mark.parametrize(
    ("hides", "says"),
    [
        (by_a_library_inside, r"`a.sum\(\)`: it may hide a loop"),
        (by_arrays, r"`a\[0::2\] \* factor( \+ a\[1::2\])?`: it hides a loop over an array"),
    ],
)
def test_a_loop_is_hidden_neither_in_a_helper_nor_in_an_array(hides, says):
    with pytest.raises(UninstrumentableError, match=says):
        cycles(hides, given())


@njit
def by_rows(a, factor):
    rows = a.reshape(-1, 2)
    b = c = 0
    for row in rows:
        b = b * (factor * factor) + row[0]
        c = c * (factor * factor) + row[1]
    return b * factor + c


@njit
def by_a_row(a, factor):
    rows = a.reshape(2, -1).T
    b = c = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        b = b * factor + row[0]
        c = c * factor + row[1]
    return b + c


@pytest.mark.parametrize("rows", [by_rows, by_a_row])
def test_rows_are_read_as_elements_are(rows):
    assert 2 * N <= cycles(rows, given())[0] < 2 * N + 10


@njit
def with_a_helper(a, factor):
    found = 0
    for i in range(a.size):
        found = found * factor + a[i]
    return found + step(0, factor, 0)


def test_a_helper_costs_the_latency_of_what_it_does():
    assert cycles(with_a_helper, given())[0] == 4 * N + 3 + 1 + 1
