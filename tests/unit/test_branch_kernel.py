"""The branches of a function are those that its source takes, in order, with their lines."""

import numpy as np
import pytest
from numba import njit, prange

from perflab.models import metrics
from perflab.models.branch import (
    Bimodal,
    Gshare,
    Static,
    Tage,
    Tournament,
    TwoLevel,
    UninstrumentableError,
    kernel,
    mispredictions,
    record,
)


@njit
def is_large(x):
    if x > 2:
        return 1
    return 0


@njit
def mixed(a):
    n = 0
    for i in range(a.size):
        if (a[i] > 0 and not a[i] == 3) or i == 2:  # noqa: SIM201
            n += 1
        elif is_large(-a[i]):
            continue
        n += 10 if a[i] < 0 else 20
    while n > 50:
        n -= 100
    return n


def plainly(a):
    """Do what `mixed` does; return it and its branches: (text, taken, backward)."""
    log = []

    def saw(text, held, taken_if, backward=False):
        log.append((text, bool(held) == taken_if, backward))
        return held

    n = 0
    for i in range(len(a)):
        log.append(("for i in range(a.size):", True, True))
        # A failed first operand goes on to the last one, and so does a second one that holds, as it comes next.
        if saw("a[i] > 0", a[i] > 0, False):
            hit = not saw("a[i] == 3", a[i] == 3, False) or saw("i == 2", i == 2, False)
        else:
            hit = saw("i == 2", i == 2, False)
        if hit:
            n += 1
        elif saw("is_large(-a[i])", saw("x > 2", -a[i] > 2, False), False):
            continue
        n += 10 if saw("a[i] < 0", a[i] < 0, False) else 20
    log.append(("for i in range(a.size):", False, True))
    while saw("n > 50", n > 50, True, True):
        n -= 100
    return n, log


def test_branches_are_those_of_the_source():
    a = np.array([1, 3, -5, -1, 4, 0, 3])
    result, expected = plainly(a.tolist())
    trace = record(mixed, (a,))
    seen = [trace.places[k].text for k in trace.address.tolist()]
    assert list(zip(seen, trace.taken.tolist(), trace.backward.tolist(), strict=True)) == expected
    assert mixed(a) == result


def test_a_report_names_lines():
    first = mixed.py_func.__code__.co_firstlineno
    result = mispredictions(mixed, (np.array([1, 3, -5]),), Static())
    places = {b.place.text: b.place.line for b in result.by_branch()}
    assert places["a[i] > 0"] == first + 4
    assert places["for i in range(a.size):"] == first + 3
    assert places["x > 2"] == is_large.py_func.__code__.co_firstlineno + 2
    assert result.branches == len(result.trace)
    assert f"line {first + 4}: a[i] > 0" in str(result)


@njit
def loops(n, stop):
    rounds = 0
    for i in range(n):
        if i == stop:
            break
        rounds += 1
    else:
        rounds += 100
    for _ in prange(2):
        rounds += 1000
    return rounds


def test_a_loop_has_an_end_only_if_it_comes_to_it():
    whole, broken = record(loops, (3, 9)), record(loops, (3, 1))
    assert [whole.taken[whole.address == 0].tolist(), broken.taken[broken.address == 0].tolist()] == [
        [True, True, True, False],
        [True, True],
    ]
    assert whole.backward[whole.address == 0].all()
    assert not whole.backward[whole.address == 1].any()
    assert whole.taken[whole.address == 2].tolist() == [True, True, False]
    assert (loops(3, 9), loops(3, 1)) == (2103, 2001)


@njit
def values(a, b):
    first = a or b
    return first + (a and 7)


def test_an_operand_keeps_its_value():
    trace = record(values, (0, 5))
    assert [trace.places[k].kind for k in trace.address.tolist()] == ["or", "and"]
    assert trace.taken.tolist() == [False, True]
    assert values(0, 5) == 5


@njit
def compact(a, found):
    n = 0
    for i in range(a.size):
        if a[i] >= 128:
            found[n] = i
            n += 1
    return n


@njit
def compact_branchless(a, found):
    n = 0
    for i in range(a.size):
        found[n] = i
        n += a[i] >= 128
    return n


def levels(n=20_000):
    return np.random.default_rng(3).integers(0, 256, n, dtype=np.uint8), np.zeros(n + 1, np.int64)


def test_sorting_makes_a_branch_predictable_and_arithmetic_removes_it():
    a, found = levels()
    random = mispredictions(compact, (a, found))
    assert 0.4 < random.count / a.size < 0.6
    assert random.by_branch()[0].place.text == "a[i] >= 128"
    assert mispredictions(compact, (np.sort(a), found)).count < 20
    assert mispredictions(compact_branchless, (a, found)).count < 20
    assert mispredictions(compact, (a, found)).wrong.tolist() == random.wrong.tolist()


def test_the_function_runs_for_real_and_a_long_trace_is_whole():
    a, found = levels(100_000)
    trace = record(compact, (a, found))
    assert len(trace) == 2 * a.size + 1  # many times what the tape holds
    expected = np.flatnonzero(a >= 128)
    assert found[: expected.size].tolist() == expected.tolist()
    assert (~trace.taken[trace.address == 1]).tolist() == (a >= 128).tolist()


def test_a_trace_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("perflab.models.branch.kernel.MOST", 1000)
    with pytest.raises(
        UninstrumentableError, match="compact has more than 1,000 branches; give it a smaller input"
    ):
        record(compact, levels())


@njit
def listed(n):
    return sum([k for k in range(n) if k > 2])


@njit
def uncompilable(a):
    if a.size > 2:
        return open("/dev/null")
    return None


def sorts(a):
    return sorted(a.tolist())


def searches(a):
    return 3 in a


def translates(a):
    return bytes(a).replace(b"a", b"b")


@pytest.mark.parametrize("fn", [sorts, searches, translates])
def test_a_plain_function_does_not_decide_out_of_sight(fn):
    with pytest.raises(UninstrumentableError, match=rf"{fn.__name__}: .* out of sight.*write it as a loop"):
        record(fn, (np.ones(3, np.uint8),))


def test_a_plain_function_branches_as_python_computes():
    def wraps(a, b):
        n = 0
        for i in range(a.size):
            if a[i] - b[i] > 100:
                n += is_large(a[i])
        return n

    a, b = np.arange(0, 250, dtype=np.uint8), np.arange(3, 253, dtype=np.uint8)
    trace, result = kernel.watched(wraps, (a, b))
    with np.errstate(all="ignore"):
        assert result == wraps(a, b) == 247
    taken = [trace.taken[trace.address == k].sum() for k in range(3)]
    assert taken == [250, 0, 3]


@njit
def failing(a):
    if a[0] > 0:
        raise ValueError("no")
    return 0


def test_what_cannot_be_watched_names_the_line_and_the_way_out():
    line = listed.py_func.__code__.co_firstlineno + 2
    with pytest.raises(UninstrumentableError, match=rf"listed: .*line {line}, `\[k for .*write it as a loop"):
        record(listed, (5,))
    with pytest.raises(UninstrumentableError, match=r"uncompilable: .*Numba does not compile it.*let it use only"):
        record(uncompilable, (np.ones(3),))
    with pytest.raises(UninstrumentableError, match=r"sum: .*no Python source"):
        record(sum, (np.ones(3),))
    with pytest.raises(UninstrumentableError, match=r"compact: .*missing a required argument"):
        record(compact, (np.ones(3),))
    names = {}
    exec("def sourceless(a):\n    return a", names)
    with pytest.raises(UninstrumentableError, match="no source of sourceless"):
        record(names["sourceless"], (1,))


def test_what_the_function_raises_is_raised():
    with pytest.raises(ValueError, match="no"):
        record(failing, (np.ones(2),))
    assert len(record(compact, levels(10))) == 21  # and the tape is free again


DEFAULTS = {
    "mispredictions": Tage(),
    "mispredictions:static": Static(),
    "mispredictions:bimodal": Bimodal(),
    "mispredictions:local": TwoLevel("local"),
    "mispredictions:global": TwoLevel("global"),
    "mispredictions:gshare": Gshare(),
    "mispredictions:tournament": Tournament(),
    "mispredictions:tage": Tage(),
}


def test_metrics_are_the_predictors_by_name():
    assert {name for name in metrics.METRICS if name.startswith("mispredictions")} == set(DEFAULTS)
    a, found = levels(2000)
    for metric, predictor in DEFAULTS.items():
        count, result = metrics.measure(metric, compact, (a, found))
        assert (count, result) == (
            mispredictions(compact, (a, found), predictor).count,
            np.count_nonzero(a >= 128),
        )
