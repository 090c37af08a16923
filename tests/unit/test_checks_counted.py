"""check.counts from end to end: each metric, and that a counted run must be right."""

import math
import os

import numpy as np
import pytest
from checking import make, make_table, passed, plain_layout, report, step_records, total
from numba import njit
from programs import require

from perflab import check
from perflab.check import seen
from perflab.check.bench import LocalBench
from perflab.check.subjects import Expectation, Subject
from perflab.counters import syscalls


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


def test_a_metric_of_the_result_is_worth_nothing_where_the_result_is_wrong():
    """Right where it is checked; where it is counted it does not even try, and the metric likes that."""

    def lazy(array):
        return int(array.sum()) if array.size < 50 else 0

    passed(lazy, on=[lambda rng: make(rng, 10)])
    found = report(check.counts, lazy, lambda result, a: 1.0, on=make, zero=0, full=1, points=2)
    assert found.sentence.startswith("In the counted run, the result is 0; expected")


def test_a_metric_of_the_result_has_the_type_that_correct_asks_for():
    def narrow(array):
        return array.sum() if array.size < 50 else np.float64(array.sum())

    passed(narrow, on=[lambda rng: make(rng, 10)], dtype=np.int64)
    found = report(check.counts, narrow, lambda result, a: 1.0, on=make, zero=0, full=1, points=2)
    assert "dtype float64; expected int64" in found.sentence


def test_a_metric_that_judges_the_result_needs_no_reference():
    def never(array):
        raise AssertionError("nobody asks the reference")

    fn = passed(total)
    seen.passed(Subject(fn, LocalBench(fn), None, None), Expectation(never, None, {}))
    judged = {"metric": lambda result, a: result / a.sum(), "on": make, "zero": 0, "full": 1, "points": 2}
    assert check.counts(fn, **judged, verify=False) == 2
    with pytest.raises(ValueError, match="verify: False is for a metric that is a function"):
        check.counts(fn, **judged | {"metric": "calls"}, verify=False)


def test_the_other_side_of_a_comparison_with_itself_is_verified_too():
    def lazy(array):
        return int(array.sum()) if array.size < 100 else 0

    passed(lazy, on=[make])
    many = lambda rng: make(rng, 100)  # noqa: E731  a maker as cells write it
    found = report(check.counts, lazy, lambda *_: 1.0, than=(lazy, many), on=make, zero=0.1, full=0.9, points=2)
    assert found.sentence.startswith("In the counted run, the result is 0; expected")


def ask_thrice_where_it_is_easy(machine, n):
    return ask_all(machine, n) if n > 10 else ask_all(machine, n) * (ask_all(machine, n) == ask_all(machine, n))


def few_questions(rng):
    return make_oracle(rng, 10)


@pytest.mark.parametrize(("most", "earned"), [(None, 1), (3, 1), (1, 0), (0.9, 0)])
def test_work_that_is_wasted_on_the_easy_side_counts_up_to_a_multiple_of_the_references(most, earned):
    """Ten questions are asked three times, a hundred once: 3.3 times as many, and really ten times."""
    fn = passed(ask_thrice_where_it_is_easy, lambda m, n: sum(m(i) for i in range(n)), [few_questions])
    check_ = {"fn": fn, "metric": "calls", "than": (fn, make_oracle), "on": few_questions, "points": 1}
    assert check.counts(**check_, zero=8, full=4, most=most) == earned
    # The other way round, where a large ratio is good.
    check_ |= {"than": (fn, few_questions), "on": make_oracle}
    assert check.counts(**check_, zero=0.15, full=0.25, most=most) == earned


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"than": ask_all}, "bounds a function that is compared with itself"),
        ({"most": 0}, "above 0; got 0"),
        ({"most": "2"}, "above 0; got '2'"),
    ],
)
def test_a_bound_without_a_meaning_is_the_authors_mistake(change, says):
    fn = passed(ask_once, lambda m, n: sum(m(i) for i in range(n)), [few_questions])
    options = {"metric": "calls", "than": (fn, few_questions), "on": make_oracle, "most": 2, "points": 1}
    with pytest.raises(ValueError, match=says):
        check.counts(fn, **options | {"zero": 0.2, "full": 0.9} | change)


def test_a_reference_that_takes_nothing_is_no_bound():
    fn = passed(ask_once, lambda m, n: n * (n - 1) // 2, [few_questions])
    with pytest.raises(ValueError, match="takes none on few_questions, so it is no bound"):
        check.counts(fn, "calls", than=(fn, few_questions), on=make_oracle, zero=0.2, full=0.9, points=1, most=2)


def ask_nothing(machine, n):
    return n * (n - 1) // 2


def test_a_count_of_zero_is_no_infinite_ratio():
    passed(ask_nothing, lambda m, n: sum(range(n)), [make_oracle])
    compared = {"on": make_oracle, "points": 1}
    points = check.counts(ask_nothing, "calls", than=ask_all, zero=2, full=100, **compared)
    assert dict(points.report.rows)["ratio"] == "100"  # as if it had asked once
    assert report(check.counts, ask_nothing, "calls", than=ask_nothing, zero=1.5, full=2, **compared).value == 1


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan])
def test_a_metric_without_a_ratio_gives_nothing(value):
    passed(total)
    for zero, full in ((1.5, 2), (2, 1.5)):
        found = report(
            check.counts, total, lambda *_: value, than=make_baseline_of, on=make, zero=zero, full=full, points=2
        )
        assert "have no ratio; both must be above 0." in found.sentence


def make_baseline_of(array):
    return total(array)


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_metric_that_is_no_number_gives_nothing(value):
    passed(total)
    report(check.counts, total, lambda *_: value, on=make, zero=0, full=1, points=2)


@pytest.mark.parametrize("ramp", [{"zero": 9, "full": 1}, {"than": make_baseline_of, "zero": 1.5, "full": 2}])
def test_an_outcome_that_a_metric_refuses_is_said_to_break_a_rule(ramp):
    passed(total)

    def only_ours(result, *_):
        return math.inf if next(turns) == 0 else 3.0

    turns = iter(range(9))
    found = report(check.counts, total, only_ours, on=make, points=2, **ramp)
    assert found.sentence.startswith("This outcome counts as infinite: it breaks a rule of this cell")
    assert found.failure == "wrong"


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

    assert check.correct(small_only, against=total, on=[lambda rng: (np.ones(100),)], points=1) == 0
    assert check.correct(small_only, against=total, on=[lambda rng: (np.ones(3),)], points=1) == 1
    found = report(check.counts, small_only, lambda *_: 1.0, on=make, zero=0, full=1, points=2)
    assert "First mend small_only: it does not pass its correctness cell." in found.sentence


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
    assert check.correct(count_large_without_branch, against=count_large, on=[make_levels], points=1)
    assert check.correct(count_large, against=count_large, on=[make_levels], points=1)
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
    assert check.correct(by_row, against=by_column, on=[make], points=1)
    assert check.counts(by_row, "misses", than=by_column, on=make, zero=2, full=7.9, points=2) == 2
    assert check.correct(by_column, against=by_row, on=[make], points=1)
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
    assert check.correct(largest, against=largest_by_pairs, on=[few], points=1)
    assert check.counts(largest, "accesses", **growth | {"zero": 20, "full": 10}) == 2
    assert check.counts(largest, "accesses", than=(largest, many), **growth) == 2
    assert check.correct(largest_by_pairs, against=largest, on=[few], points=1)
    failed = report(check.counts, largest_by_pairs, "accesses", than=(largest_by_pairs, many), **growth)
    assert failed.title == "largest_by_pairs: loads and stores of elements"
    assert dict(failed.rows)["ratio"] == "15.9"


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

    assert check.correct(doubled, against=lambda numbers: int(2 * numbers.sum()), on=[make], points=1)
    assert check.counts(doubled, "peak_bytes", on=make, zero=1_000_000, full=10_000, points=2) == 0
