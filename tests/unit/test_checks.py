"""The four checks from end to end, on tiny functions: what they give, what they refuse, and what they say.

Timed checks run on a fake clock where the ratio matters, and with a large margin where it does not.
"""

import itertools
import linecache
import math
import os
import sys
import warnings

import numpy as np
import pytest
from numba import njit
from programs import require

from perflab import check
from perflab.check import NotEarnedError, Points, checks, seen
from perflab.check.bench import LocalBench
from perflab.counters import syscalls


@pytest.fixture(autouse=True)
def fresh_process():
    """Forget what earlier tests passed, measured and tried."""
    seen.start_over()


def make(rng, n=50):
    return (rng.integers(1000, size=n),)


def large(rng):
    return make(rng, 500)


def total(array):
    return int(array.sum())


CASES = [make, large]


def passed(fn, against=total, on=CASES, **more):
    """Let `fn` pass its correctness check; return it."""
    check.correct(fn, against=against, on=on, points=1, **more)
    return fn


def report(call, *args, **named):
    """Return the report of a check that gives nothing."""
    with pytest.raises(NotEarnedError) as caught:
        call(*args, **named)
    assert caught.value.report.points == 0
    return caught.value.report


def in_cell(source, grade_id, names):
    """Run `source` as the tests cell `grade_id` of a notebook."""
    text = f"{seen.GRADE_ID}{grade_id} (2 points)\nout = {source}\n"
    linecache.cache[f"<{grade_id}>"] = (len(text), None, text.splitlines(keepends=True), f"<{grade_id}>")
    namespace = {"check": check} | names
    exec(compile(text, f"<{grade_id}>", "exec"), namespace)
    return namespace["out"]


# --- correct


def test_one_case_agrees():
    assert check.correct(total, against=total, on=[make], points=1).report.sentence == "1 case agrees with total."


def test_a_right_answer_gives_everything():
    points = check.correct(lambda a: int(np.sum(a)), against=total, on=CASES, points=2.5)
    assert points == 2.5
    assert points.report.sentence == "2 cases agree with total."


def test_a_wrong_answer_gives_nothing_and_says_where():
    def wrong(array):
        return total(array) if len(array) == 50 else 0

    found = report(check.correct, wrong, against=total, on=CASES, points=2)
    assert found.title == "wrong: correct"
    assert found.sentence.startswith("The result is 0; expected ")
    assert dict(found.rows)["case"] == "2 of 2"
    assert dict(found.rows)["input"].startswith("[")


def test_a_result_that_lies_about_equality_gives_nothing():
    class Yes:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert "use NumPy arrays" in report(check.correct, lambda a: Yes(), against=total, on=CASES, points=1).sentence
    many = report(check.correct, lambda a: np.array([Yes()] * len(a)), against=np.sort, on=CASES, points=1)
    assert "Python objects" in many.sentence


def test_an_error_is_said_in_a_sentence():
    def fail(array):
        raise IndexError("out of range")

    sentence = report(check.correct, fail, against=total, on=CASES, points=1).sentence
    assert sentence.startswith("fail raised IndexError: out of range")


def test_what_is_no_function_is_said():
    assert (
        report(check.correct, None, against=total, on=CASES, points=1).sentence == "Expected a function, got None."
    )


@pytest.mark.parametrize("returns", [0, (0, 1)])
def test_changed_arguments_are_compared_where_the_exercise_says_so(returns):
    def maker(rng):
        return rng.random(3), rng.random(3)

    def swap(a, b):
        a[:], b[:] = b.copy(), a.copy()

    def half(a, b):
        a[:] = 0

    assert check.correct(swap, against=swap, on=[maker], returns=returns, points=1) == 1
    found = report(check.correct, half, against=swap, on=[maker], returns=returns, points=1)
    assert found.sentence.startswith("The changed argument")


def test_spoiling_the_input_does_not_spoil_the_expected_answer():
    def spoil(array):
        array[:] = 0
        return 0

    report(check.correct, spoil, against=total, on=CASES, points=1)


def test_the_reference_sees_the_object_behind_an_oracle():
    class Machine:
        planted = 3

        def __call__(self):
            return self.planted

    def maker(rng):
        return (check.oracle(Machine()),)

    assert check.correct(lambda m: m(), against=lambda m: m.planted, on=[maker], points=1) == 1
    found = report(check.correct, lambda m: m.planted, against=lambda m: m.planted, on=[maker], points=1)
    assert "AttributeError" in found.sentence


def test_dtype_and_tolerance_reach_the_comparison():
    def maker(rng):
        return (rng.random(4),)

    def rough(a):
        return a * (1 + 1e-4)

    def same(a):
        return a

    assert check.correct(rough, against=same, on=[maker], rtol=1e-3, points=1) == 1
    report(check.correct, rough, against=same, on=[maker], points=1)
    report(check.correct, same, against=same, on=[maker], dtype=np.float32, points=1)


def test_exact_checks_use_the_same_inputs_on_every_run():
    seen = []

    def fn(array):
        seen.append(array.tolist())
        return total(array)

    passed(fn), passed(fn)
    assert seen[:2] == seen[2:]


def test_a_judges_seed_decides_the_inputs():
    def inputs(seed):
        def fn(array):
            seen.append(array.tolist())
            return total(array)

        seen = []
        fn.bench = LocalBench(fn, seed)
        passed(fn)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


def test_nothing_is_printed_and_no_warning_gets_out(capfd):
    def noisy(array):
        print("out")
        print("err", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return total(array)

    def noisy_reference(array):
        warnings.warn("careful", stacklevel=1)
        return total(array)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passed(noisy, noisy_reference)
        check.counts(noisy, lambda r, a: 1.0, on=make, zero=0, full=1, points=1)
    assert capfd.readouterr() == ("", "")


# --- layouts

RECORD = np.dtype([("x", np.float64), ("v", np.float64), ("hp", np.int64)])


def make_table(rng, n=64):
    table = np.zeros(n, RECORD)
    table["x"], table["v"] = rng.random((2, n))
    return (table,)


def step_records(table):
    table["x"] += table["v"]


def step_parts(parts):
    x, v = parts
    x += v


def plain_layout():
    return ("x",), ("v",)


def test_a_view_gives_the_function_its_own_layout():
    view = (check.groups, plain_layout)
    assert check.correct(step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1) == 1


def test_a_field_that_a_layout_leaves_out_is_compared_too():
    view = (check.groups, lambda: (("v",),))
    found = report(
        check.correct, lambda parts: None, against=step_records, on=[make_table], view=view, returns=0, points=1
    )
    assert "['x']" in found.sentence


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (lambda: (("z",),), "layout() names 'z'"),
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: (f for f in "xv"), "use NumPy arrays"),
    ],
    ids=["unknown", "raises", "lazy"],
)
def test_a_layout_that_cannot_be_used_is_explained(layout, sentence):
    view = (check.groups, layout)
    found = report(
        check.correct, step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1
    )
    assert sentence in found.sentence


# --- only what is correct is counted and timed


def count(fn, **more):
    return report(check.counts, fn, lambda r, a: 1.0, on=make, zero=0, full=1, points=1, **more)


def race(fn, **more):
    return report(check.faster, fn, than=total, on=make, zero=1.5, full=3, points=1, **more)


@pytest.mark.parametrize("gated", [count, race])
def test_nothing_is_given_before_correctness(gated):
    assert "has not passed all correctness cells" in gated(total).sentence


@pytest.mark.parametrize("gated", [count, race])
def test_another_function_of_the_same_name_has_not_passed(gated):
    def twin():
        def fn(array):
            return total(array)

        return fn

    passed(twin())
    assert "has not passed" in gated(twin()).sentence


@pytest.mark.parametrize("gated", [count, race])
def test_a_failed_check_of_correctness_counts_for_nothing(gated):
    def wrong(array):
        return 0

    report(check.correct, wrong, against=total, on=CASES, points=1)
    assert "has not passed" in gated(wrong).sentence


@pytest.mark.parametrize("gated", [count, race])
def test_correctness_in_another_layout_counts_for_nothing(gated):
    returned = iter([(("x",), ("v",)), (("x",),)])
    view = (check.groups, lambda: next(returned))
    check.correct(step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1)
    assert "has not passed" in gated(step_parts, view=view).sentence


# --- counts


def ask_all(machine, n):
    return sum(machine(i) for i in range(n))


def ask_once(machine, n):
    machine(0)
    return n * (n - 1) // 2


def make_oracle(rng, n=100):
    return check.oracle(lambda i: i), n


@pytest.mark.parametrize(
    ("fn", "earned"), [(ask_once, 2.0), (lambda m, n: ask_once(m, n) + 0 * ask_all(m, n // 2), 1.0)]
)
def test_fewer_calls_give_more_points(fn, earned):
    passed(fn, lambda m, n: sum(range(n)), [make_oracle])
    assert check.counts(fn, "calls", on=make_oracle, zero=101, full=1, points=2) == earned


def test_calls_beyond_zero_give_nothing():
    passed(ask_all, lambda m, n: sum(range(n)), [make_oracle])
    found = report(check.counts, ask_all, "calls", on=make_oracle, zero=100, full=1, points=2)
    assert dict(found.rows) == {"calls of the oracle": "100", "target": "1 for all points, 100 for none"}


def test_lines_are_counted_against_a_baseline():
    def loop(table):
        for i in range(table.size):
            table[i].x += table[i].v

    def loop_parts(parts):
        x, v = parts
        for i in range(x.size):
            x[i] += v[i]

    view = (check.groups, plain_layout)
    passed(loop_parts, step_records, [make_table], view=view, returns=0)
    # Records of 24 bytes: 24 lines; two arrays of 8 bytes: 16 lines.
    points = check.counts(loop_parts, "lines", than=loop, on=make_table, view=view, zero=1.0, full=1.5, points=2)
    assert points == 2
    assert dict(points.report.rows)["ratio"] == "1.5"


@njit
def sum_of_new_arrays(n):
    result = 0.0
    for i in range(n):
        room = np.empty(4)
        room[0] = i
        result += room[0]
    return result


@njit
def sum_in_one_array(n):
    result = 0.0
    room = np.empty(4)
    for i in range(n):
        room[0] = i
        result += room[0]
    return result


@njit(fastmath={"reassoc", "nsz"})
def free_total(a):
    result = 0.0
    for i in range(a.size):
        result += a[i]
    return result


def test_exact_counters_are_metrics():
    def hundred(rng):
        return (100,)

    for fn, points in ((sum_in_one_array, 2.0), (sum_of_new_arrays, None)):
        passed(fn, lambda n: float(sum(range(n))), [hundred])
        if points:
            assert check.counts(fn, "allocations", on=hundred, zero=50, full=1, points=2) == points
        else:
            found = report(check.counts, fn, "allocations", on=hundred, zero=50, full=1, points=2)
            assert dict(found.rows)["allocations in compiled code"] == "100"


def test_system_calls_by_name_are_metrics(tmp_path):
    require(["strace"], "strace")

    def sync(name, times):
        with open(name, "wb", buffering=0) as file:
            for _ in range(times):
                os.fsync(file.fileno())
        return times

    def thrice(rng):
        return str(tmp_path / "file"), 3

    passed(sync, lambda name, times: times, [thrice])
    assert check.counts(sync, "syscalls:fsync", on=thrice, zero=10, full=3, points=1) == 1
    report(check.counts, sync, "syscalls:fsync", on=thrice, zero=3, full=2, points=1)


def test_generated_code_is_a_metric():
    def numbers(rng):
        return (rng.random(100),)

    passed(free_total, lambda a: float(a.sum()), [numbers], rtol=1e-9)
    assert check.counts(free_total, "vector_bits", on=numbers, zero=64, full=256, points=2) == 2
    found = report(check.counts, free_total, "fma", on=numbers, zero=0, full=1, points=2)
    assert dict(found.rows)["fused multiply-adds in the hot loop"] == "0"


def test_what_this_machine_cannot_count_gives_nothing_and_says_why(monkeypatch):
    monkeypatch.setattr(syscalls.shutil, "which", lambda name: None)
    passed(total)
    found = report(check.counts, total, "syscalls", on=make, zero=10, full=0, points=2)
    assert "cannot be counted here" in found.sentence
    assert "apt-get install strace" in found.sentence


def test_code_that_numba_did_not_make_says_so():
    passed(total)
    found = report(check.counts, total, "vector_bits", on=make, zero=64, full=256, points=2)
    assert "decorate it with @njit" in found.sentence


def test_a_counted_run_of_other_metrics_is_verified_too():
    wrong = []

    def sometimes(array):
        return int(array.sum()) + (len(array) == 50 and bool(wrong))

    passed(sometimes)
    wrong.append(True)
    found = report(check.counts, sometimes, "collections", on=make, zero=10, full=0, points=2)
    assert "counted run" in found.sentence


def test_a_metric_of_the_result_sees_result_and_arguments():
    passed(total)
    share = check.counts(total, lambda result, a: result / a.sum(), on=make, zero=0, full=1, points=2)
    assert share == 2


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_metric_that_is_no_number_gives_nothing(value):
    passed(total)
    report(check.counts, total, lambda *_: value, on=make, zero=0, full=1, points=2)


def test_a_function_counted_against_itself_may_be_flat():
    """The ratio is its count on the other input over its count on this one: 1 where it is flat."""
    passed(ask_once, lambda m, n: sum(range(n)), [make_oracle])
    passed(ask_all, lambda m, n: sum(range(n)), [make_oracle])

    def few(rng):
        return make_oracle(rng, 10)

    def flat(fn):
        return {"fn": fn, "metric": "calls", "than": (fn, few), "on": make_oracle, "zero": 0.2, "full": 0.9}

    assert check.counts(**flat(ask_once), points=1) == 1
    report(check.counts, **flat(ask_all), points=1)


def test_one_failed_correctness_cell_is_enough_to_lose_counts():
    def small_only(a):
        return a.sum() if a.size < 50 else 0.0

    with pytest.raises(NotEarnedError):
        check.correct(small_only, against=total, on=[lambda rng: (np.ones(100),)], points=1)
    check.correct(small_only, against=total, on=[lambda rng: (np.ones(3),)], points=1)
    found = report(check.counts, small_only, lambda *_: 1.0, on=make, zero=0, full=1, points=2)
    assert "has not passed all correctness cells" in found.sentence


def test_a_counted_run_with_a_wrong_outcome_gives_nothing():
    """Small cases right, the large counted one not even tried: few calls, and worth nothing."""

    def lazy(machine, n):
        return ask_all(machine, n) if n < 100 else 0

    passed(lazy, lambda m, n: sum(range(n)), [lambda rng: make_oracle(rng, 10)])
    report(check.counts, lazy, "calls", on=make_oracle, zero=100, full=1, points=2)


def test_a_counted_run_in_a_view_with_a_wrong_outcome_gives_nothing():
    def lazy(parts):
        x, v = parts
        if x.size < 100:
            x += v

    view = (check.groups, plain_layout)
    passed(lazy, step_records, [make_table], view=view, returns=0)
    big = lambda rng: make_table(rng, 1000)  # noqa: E731  a maker as cells write it
    report(check.counts, lazy, "lines", than=step_records, on=big, view=view, zero=1.0, full=1.5, points=2)


@njit
def count_large(a):
    n = 0
    for i in range(a.size):
        if a[i] >= 128:
            n += 1
    return n


@njit
def count_large_without_branch(a):
    n = 0
    for i in range(a.size):
        n += a[i] >= 128
    return n


def test_mispredictions_are_counted():
    make_levels = lambda rng: (rng.integers(0, 256, 2000, dtype=np.uint8),)  # noqa: E731  a maker as cells write it
    check.correct(count_large_without_branch, against=count_large, on=[make_levels], points=1)
    check.correct(count_large, against=count_large, on=[make_levels], points=1)
    ramp = {"on": make_levels, "zero": 500, "full": 50, "points": 2}
    assert check.counts(count_large_without_branch, "mispredictions", **ramp) == 2
    failed = report(check.counts, count_large, "mispredictions:gshare", **ramp)
    assert failed.title == "count_large: branches mispredicted by gshare"


def test_cache_misses_are_counted():
    @njit
    def by_column(a):
        acc = 0.0
        for j in range(a.shape[1]):
            for i in range(a.shape[0]):
                acc += a[i, j]
        return acc

    @njit
    def by_row(a):
        acc = 0.0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                acc += a[i, j]
        return acc

    make = lambda rng: (rng.integers(0, 9, (1024, 8)).astype(float),)  # noqa: E731  a maker as cells write it
    check.correct(by_row, against=by_column, on=[make], points=1)
    assert check.counts(by_row, "misses", than=by_column, on=make, zero=2, full=7.9, points=2) == 2
    check.correct(by_column, against=by_row, on=[make], points=1)
    assert check.counts(by_column, "misses:TLB", on=make, zero=200, full=17, points=2) == 2


def test_accesses_are_counted():
    @njit
    def largest_by_pairs(a):
        for i in range(a.size):
            beaten = False
            for j in range(a.size):
                beaten |= a[j] > a[i]
            if not beaten:
                return a[i]
        return 0

    @njit
    def largest(a):
        best = a[0]
        for i in range(1, a.size):
            best = max(best, a[i])
        return best

    few, many = (lambda rng, n=n: (np.arange(n),) for n in (10, 40))
    growth = {"on": few, "zero": 12, "full": 6, "points": 2}
    check.correct(largest, against=largest_by_pairs, on=[few], points=1)
    assert check.counts(largest, "accesses", **growth | {"zero": 20, "full": 10}) == 2
    assert check.counts(largest, "accesses", than=(largest, many), **growth) == 2
    check.correct(largest_by_pairs, against=largest, on=[few], points=1)
    failed = report(check.counts, largest_by_pairs, "accesses", than=(largest_by_pairs, many), **growth)
    assert failed.title == "largest_by_pairs: loads and stores of array elements"
    assert dict(failed.rows)["ratio"] == "15.9"


# --- faster


@pytest.fixture
def timed(ticks):
    """Return a maker of functions that sum, and that take so many nanoseconds an element."""

    def sums(each, work=total):
        def fn(array):
            ticks.spend(each * len(array))
            return work(array)

        return fn

    return sums


@pytest.mark.parametrize(
    ("ratio", "earned"), [(8, 3.0), (6.01, 3.0), (5.9, 2.5), (3.01, 1.5), (2.99, 1.0), (1.9, 0.5)]
)
def test_points_follow_the_ratio(timed, ratio, earned):
    fn = passed(timed(1000))
    assert check.faster(fn, than=timed(1000 * ratio), on=make, zero=1.5, full=6, points=3) == earned


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.49])
def test_a_ratio_up_to_zero_gives_nothing(timed, ratio):
    fn = passed(timed(1000))
    found = report(check.faster, fn, than=timed(1000 * ratio), on=make, zero=1.5, full=6, points=3)
    assert found.sentence == "Points begin beyond 1.5; this is not there yet."
    assert not found.unsure


def test_points_are_those_of_the_lower_bound(timed, ticks):
    calls = itertools.count(-1)  # the first call is the untimed one

    def baseline(array):
        pair = max(next(calls), 0) // 3
        ticks.spend(1000 * len(array) * (2 if pair % 5 < 2 else 12))
        return total(array)

    # The median ratio is far above full, but two ratios in five are 2: the interval begins there.
    points = check.faster(passed(timed(1000)), than=baseline, on=make, zero=1.5, full=6, points=3)
    assert dict(points.report.rows)["ratio"] == "12, 99 % sure of 2 to 12 (41 pairs)"
    assert points == 0.5
    assert points.report.unsure


def test_what_is_too_noisy_to_say_is_said(timed, ticks):
    noise = np.random.default_rng(0)
    fn = passed(timed(1000))

    def noisy(array):
        ticks.spend(1000 * len(array) * math.exp(noise.normal(1.2, 2)))
        return total(array)

    found = report(check.faster, fn, than=noisy, on=make, zero=1.5, full=1.6, points=3)
    assert found.unsure
    assert "Too noisy to say more" in found.as_text()
    assert "(41 pairs)" in dict(found.rows)["ratio"]


def test_real_functions_are_told_apart():
    def slow(array):
        for _ in range(60):
            array.tolist().sort()
        return total(array)

    fn = passed(lambda array: total(array))
    assert check.faster(fn, than=slow, on=large, zero=1.5, full=3, points=2) == 2
    report(check.faster, passed(slow), than=slow, on=large, zero=1.5, full=3, points=2)


def test_a_wrong_outcome_of_a_timed_call_gives_nothing(timed):
    def sometimes(array):
        sometimes.calls += 1
        return total(array) if sometimes.calls < 12 else 0

    sometimes.calls = 0
    fn = passed(sometimes)
    found = report(check.faster, fn, than=timed(1000), on=make, zero=1.5, full=3, points=2)
    assert "The outcome of a timed call is 0; expected" in found.sentence
    assert "Fast does not count when it is wrong." in found.sentence


def test_a_wrong_changed_argument_of_a_timed_call_gives_nothing(ticks):
    def slow(table):
        ticks.spend(1e6)
        step_records(table)

    def lazy(parts):
        if parts[0].size == 64:
            step_parts(parts)

    view = (check.groups, plain_layout)
    passed(lazy, slow, [make_table], view=view, returns=0)
    found = report(
        check.faster,
        lazy,
        than=slow,
        on=lambda rng: make_table(rng, 65),
        view=view,
        returns=0,
        zero=1.5,
        full=3,
        points=2,
    )
    assert "['x']" in found.sentence


def test_an_error_in_a_timed_call_gives_nothing(timed):
    def fails(array):
        fails.calls += 1
        return total(array) if fails.calls < 12 else array[10**6]

    fails.calls = 0
    fn = passed(fails)
    found = report(check.faster, fn, than=timed(1000), on=make, zero=1.5, full=3, points=2)
    assert "fails raised IndexError" in found.sentence


def test_remembering_earlier_answers_gains_nothing(timed):
    slowly, memo = timed(1000), {}

    def memoizing(array):
        key = array.tobytes()
        if key not in memo:
            memo[key] = slowly(array)
        return memo[key]

    fn = passed(memoizing)
    report(check.faster, fn, than=timed(1000), on=make, zero=1.5, full=3, points=2)


@pytest.mark.parametrize("key", [len, lambda a: int(a[0])], ids=["size", "first number"])
def test_replaying_an_answer_to_something_similar_gains_nothing(timed, key):
    slowly, memo = timed(1000), {}

    def replaying(array):
        if key(array) not in memo:
            memo[key(array)] = slowly(array)
        return memo[key(array)]

    fn = passed(replaying)
    report(check.faster, fn, than=timed(1000), on=make, zero=1.5, full=3, points=2)


def test_holding_on_to_inputs_gains_nothing(timed):
    """Both sides get equal inputs; the memory that the other side's call changed is never seen again."""
    seen = []

    def hoarding(array):
        assert not any(np.shares_memory(array, old) for old in seen)
        seen.append(array)
        return slowly(array)

    slowly = timed(1000)
    fn = passed(hoarding)
    report(check.faster, fn, than=timed(1000), on=make, zero=1.5, full=3, points=2)
    assert len({array.tobytes() for array in seen}) == len(seen)


def test_a_flat_function_is_compared_with_itself(ticks):
    def flat(array):
        ticks.spend(1e6)
        return total(array)

    def linear(array):
        ticks.spend(1e4 * len(array))
        return total(array)

    def ratio(fn):
        return {"fn": passed(fn), "than": (fn, make), "on": large, "zero": 0.2, "full": 0.9, "points": 2}

    assert check.faster(**ratio(flat)) == 2
    found = report(check.faster, **ratio(linear))
    assert dict(found.rows)["ratio"].startswith("0.1,")
    assert dict(found.rows)["linear on make"] == "0.5 ms"


def test_a_flat_function_with_wrong_timed_outcomes_gives_nothing(ticks):
    def flat(array):
        ticks.spend(1e6)
        return total(array) if len(array) < 500 else 0

    fn = passed(flat, on=[make])
    found = report(check.faster, fn, than=(fn, make), on=large, zero=0.2, full=0.9, points=2)
    assert "Fast does not count when it is wrong." in found.sentence


def test_a_wall_clock_may_be_asked_for(monkeypatch):
    now = itertools.count(step=1000)
    monkeypatch.setitem(checks.CLOCKS, "wall", lambda: next(now))
    fn = passed(lambda array: total(array))
    found = report(check.faster, fn, than=total, on=make, zero=1.5, full=3, points=2, clock="wall")
    assert dict(found.rows)["ratio"].startswith("1, ")


# --- hints


@pytest.fixture
def wrong():
    def add(array):
        return 0

    return {"add": add, "total": total, "make": make}


ASK = "check.correct(add, against=total, on=[make], points=2)"


def hint(grade_id, names):
    with pytest.raises(NotEarnedError) as caught:
        in_cell(ASK, grade_id, names)
    return caught.value.report.hint


def test_hints_go_up_to_the_last(wrong):
    assert [hint("one", wrong) for _ in range(5)] == [1, 2, 3, 3, 3]


def test_each_cell_has_hints_of_its_own(wrong):
    assert [hint("one", wrong), hint("two", wrong), hint("one", wrong)] == [1, 1, 2]


def test_an_answer_that_was_not_begun_spends_no_hint(wrong):
    def add(array):
        raise NotImplementedError

    assert [hint("one", wrong | {"add": add}) for _ in range(3)] == [0, 0, 0]
    assert hint("one", wrong) == 1


def test_outside_of_a_tests_cell_there_is_no_hint(wrong):
    assert report(check.correct, wrong["add"], against=total, on=[make], points=2).hint == 0


# --- predicted


MEASURE = "check.counts(total, lambda r, a: 4.0, on=make, zero=0, full=8, points=2)"


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        (4, "You guessed 4; measured: 4. That is close."),
        (3.3, "You guessed 3.3; measured: 4. That is close."),
        (6, "You guessed 6; measured: 4. That is within a factor of two."),
        (0.5, "You guessed 0.5; measured: 4. That is off by a factor of 8."),
        (40, "You guessed 40; measured: 4. That is off by a factor of 10."),
        (0, "You guessed 0; measured: 4."),
        (-2, "You guessed -2; measured: 4."),
        (None, "Measured: 4. You made no guess; next time write one down first."),
        ("many", "Measured: 4. Your guess 'many' is no number."),
        ([4], "Measured: 4. Your guess [4] is no number."),
    ],
)
def test_a_guess_is_compared_with_the_cell_that_measured(guess, sentence):
    passed(total)
    in_cell(MEASURE, "tiny_count", {"total": total, "make": make})
    note = check.predicted(guess, "tiny_count")
    assert repr(note) == sentence
    assert sentence.replace("'", "&#x27;") in note._repr_html_()
    assert not isinstance(note, float)


def test_nothing_measured_yet():
    assert repr(check.predicted(3, "tiny_count")).startswith("Nothing has been measured yet")


# --- points and reports


def earned():
    passed(total)
    return check.counts(total, lambda r, a: 4.0, on=make, zero=0, full=8, points=3)


def test_points_are_a_float_in_every_way():
    points = earned()
    assert isinstance(points, Points)
    assert repr(points) == str(points) == "1.5"
    assert type(points + 1) is float
    assert points + 1 == 2.5
    assert sum([points, points]) == 3.0
    assert f"{points:g}" == "1.5"


def test_points_display_the_report_beside_their_plain_text():
    bundle = earned()._repr_mimebundle_()
    assert bundle["text/plain"] == "1.5"
    assert "1.5 of 3 points" in bundle["text/html"]
    assert bundle["application/vnd.perflab.report+json"]["points"] == 1.5


def test_a_report_reads_well_in_a_terminal():
    def metric(result, array):
        return 4.0

    passed(total)
    points = check.counts(total, metric, on=make, zero=0, full=8, points=3)
    assert points.report.as_text() == (
        "total: metric: 1.5 of 3 points\n"
        "  metric  4\n"
        "  target  8 for all points, 0 for none\n"
        "On the way to the target."
    )


def test_what_was_not_earned_is_rendered_as_its_report(wrong):
    with pytest.raises(AssertionError) as caught:
        in_cell(ASK, "one", wrong)
    lines = caught.value._render_traceback_()
    assert lines[0] == "add: correct: 0 of 2 points"
    assert lines[-1] == "Stuck? Open hint 1 above."
    assert "\n".join(lines) == str(caught.value)


def test_a_report_escapes_what_learners_write():
    def bad(array):
        return "<script>alert(1)</script>"

    bad.__name__ = "<b>bad</b>"
    page = report(check.correct, bad, against=lambda a: "", on=[make], points=1).as_html()
    assert "<script>" not in page
    assert "<b>" not in page


# --- authors' mistakes


def mistaken(fn, **wrong):
    arguments = {"on": make, "zero": 1.5, "full": 3, "points": 2} | wrong
    if fn is check.correct:
        arguments = {"against": total, "on": [make], "points": 2} | wrong
    elif fn is check.counts:
        arguments = {"metric": "calls"} | arguments
    else:
        arguments = {"than": total} | arguments
    return lambda: fn(passed(total), **arguments)


@pytest.mark.parametrize("fn", [check.correct, check.counts, check.faster])
@pytest.mark.parametrize("points", [0, -1, 0.3, 1.25, math.nan, math.inf, "2", None])
def test_points_are_a_positive_multiple_of_one_half(fn, points):
    with pytest.raises((ValueError, TypeError), match=r"\bpoints:"):
        mistaken(fn, points=points)()


@pytest.mark.parametrize("on", [[], None, make, [3], "make"], ids=str)
def test_cases_are_a_list_of_makers(on):
    with pytest.raises((ValueError, TypeError), match=r"\bon:"):
        mistaken(check.correct, on=on)()


@pytest.mark.parametrize("fn", [check.correct, check.counts, check.faster])
def test_a_maker_returns_a_tuple(fn):
    def single(rng):
        return np.zeros(3)

    on = [single] if fn is check.correct else single
    with pytest.raises(TypeError, match="single returned a ndarray; a maker returns a tuple"):
        mistaken(fn, on=on)()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"zero": 1.2}, "zero: at least 1.34"),
        ({"zero": 1.33}, "zero: at least 1.34"),
        ({"zero": 3}, "zero and full"),
        ({"zero": 4}, "zero and full"),
        ({"zero": 0}, "zero and full"),
        ({"zero": -1}, "zero and full"),
        ({"zero": math.nan}, "zero and full"),
        ({"clock": "sun"}, "clock"),
    ],
    ids=str,
)
def test_a_timed_target_that_makes_no_sense_is_named(wrong, name):
    with pytest.raises(ValueError, match=name):
        mistaken(check.faster, **wrong)()


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"zero": 3}, "zero and full"),
        ({"zero": 0, "than": total}, "zero and full"),
        ({"full": -1, "than": total}, "zero and full"),
        ({"metric": "joules"}, "metric"),
    ],
    ids=str,
)
def test_a_counted_target_that_makes_no_sense_is_named(wrong, name):
    with pytest.raises(ValueError, match=name):
        mistaken(check.counts, **wrong)()


def test_who_remembers_an_input_is_counted_all_the_same():
    """The function runs once before it is counted, on another input: a memo must not hide what it saves."""
    known = {}

    def doubled(numbers):
        key = numbers.tobytes()
        if key not in known:
            known[key] = sum([2 * x for x in numbers.tolist()])  # a list that is not needed
        return known[key]

    def make(rng):
        return (rng.integers(1000, size=50_000),)

    check.correct(doubled, against=lambda numbers: int(2 * numbers.sum()), on=[make], points=1)
    with pytest.raises(check.NotEarnedError):
        check.counts(doubled, "peak_bytes", on=make, zero=1_000_000, full=10_000, points=2)
