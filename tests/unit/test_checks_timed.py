"""check.faster from end to end.

On a fake clock where the ratio matters, and with a large margin where it does not.
"""

import itertools
import math

import numpy as np
import pytest
from checking import large, make, make_table, passed, plain_layout, report, step_parts, step_records, total
from numba import njit

from perflab import check
from perflab.check import checks, subjects
from perflab.check.bench import LocalBench


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
    assert found.sentence.startswith(f"The whole interval, {ratio:g} to {ratio:g}, lies below 1.5")
    assert (found.failure, found.unsure) == ("short", False)


@pytest.fixture
def no_waiting(monkeypatch):
    """Let no second measurement wait for other programs; return how long it would have waited."""
    waited = []
    monkeypatch.setattr(subjects, "wait_for_quiet", waited.append)
    return waited


def test_points_are_those_of_the_lower_bound(timed, ticks, no_waiting):
    calls = itertools.count(-1)  # the first call is the untimed one

    def baseline(array):
        pair = max(next(calls), 0) // 3
        ticks.spend(1000 * len(array) * (2 if pair % 5 < 2 else 12))
        return total(array)

    # The median ratio is far above full, but two ratios in five are 2: the interval begins there.
    points = check.faster(passed(timed(1000)), than=baseline, on=make, zero=1.5, full=6, points=3)
    assert dict(points.report.rows)["ratio"] == "12, 99 % sure of 2 to 12 (82 pairs)"
    assert points == 0.5
    assert points.report.unsure


def test_what_is_too_noisy_to_say_is_said(timed, ticks, no_waiting):
    noise = np.random.default_rng(0)
    fn = passed(timed(1000))

    def noisy(array):
        ticks.spend(1000 * len(array) * math.exp(noise.normal(2.1, 2)))
        return total(array)

    found = report(check.faster, fn, than=noisy, on=make, zero=1.5, full=1.6, points=3)
    assert found.unsure
    assert "Too noisy to say more" in found.as_text()
    assert "(82 pairs)" in dict(found.rows)["ratio"]


def bursts(timed, ticks, pairs):
    """Return a baseline that is 8 times as slow as the candidate, and noisy during its first pairs."""
    calls = itertools.count(-1)

    def baseline(array):
        pair = max(next(calls), 0) // 3
        ticks.spend(1000 * len(array) * (8 if pair >= pairs or pair % 2 else 4))
        return total(array)

    return baseline


def test_a_burst_of_noise_is_measured_once_more(timed, ticks, no_waiting):
    fn = passed(timed(1000))
    found = check.faster(fn, than=bursts(timed, ticks, 41), on=make, zero=1.5, full=6, points=3)
    assert found == 3
    assert not found.report.unsure
    assert dict(found.report.rows)["ratio"].endswith("(9 pairs)")
    assert no_waiting == [subjects.PATIENCE]


def test_noise_that_stays_is_judged_by_all_pairs(timed, ticks, no_waiting):
    found = check.faster(passed(timed(1000)), than=bursts(timed, ticks, 1000), on=make, zero=1.5, full=6, points=3)
    assert found.report.unsure
    assert dict(found.report.rows)["ratio"].endswith("(82 pairs)")


def test_what_lasts_too_long_is_not_measured_twice(timed, ticks, no_waiting, monkeypatch):
    monkeypatch.setattr(subjects, "LASTING", -1.0)
    found = check.faster(passed(timed(1000)), than=bursts(timed, ticks, 41), on=make, zero=1.5, full=6, points=3)
    assert found.report.unsure
    assert no_waiting == []


def test_under_a_judge_nothing_is_measured_twice(timed, ticks, no_waiting):
    fn = passed(timed(1000))
    fn.bench = LocalBench(fn, seed=7)
    passed(fn)
    found = check.faster(fn, than=bursts(timed, ticks, 41), on=make, zero=1.5, full=6, points=3)
    assert dict(found.report.rows)["ratio"].endswith("(41 pairs)")
    assert no_waiting == []


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
    assert "In a timed call, the result is 0; expected" in found.sentence
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
    assert dict(found.rows)["linear on make"] == "500 µs"


@pytest.mark.parametrize(("most", "earned"), [(None, 2), (20, 2), (2, 0)])
def test_time_that_is_wasted_on_the_other_input_counts_up_to_a_multiple_of_the_references(ticks, most, earned):
    def wasteful(array):
        ticks.spend(1e4 * (len(array) if len(array) == 500 else 500))
        return total(array)

    def linear(array):
        ticks.spend(1e4 * len(array))
        return total(array)

    fn = passed(wasteful, linear)
    points = check.faster(fn, than=(fn, make), on=large, zero=0.3, full=0.9, points=2, most=most)
    assert points == earned
    # It takes as long as ten times what `linear` takes there; the small input is a tenth of the large one.
    assert round(points.report.value, 1) == (0.2 if most == 2 else 1)
    assert dict(points.report.rows).get("counts at most") == (most and f"{most} times what linear takes there")


def test_a_timed_bound_without_a_meaning_is_the_authors_mistake(timed):
    fn = passed(timed(10))
    with pytest.raises(ValueError, match="bounds a function that is compared with itself"):
        check.faster(fn, than=timed(1000), on=make, zero=1.5, full=3, points=2, most=2)


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


@njit
def total_of(array):
    whole = 0.0
    for i in range(array.size):
        whole += array[i]
    return whole


@njit
def total_of_a_copy(array):
    return total_of(array.copy())


def test_who_copies_its_input_earns_nothing_for_speed():
    within = "accesses", make, 1.5
    found = report(
        check.faster, passed(total_of_a_copy), than=total_of, on=make, zero=1.5, full=6, points=3, within=within
    )
    assert found.points == 0
    assert found.sentence.endswith("this cell's points are for code that needs no more.")


def test_a_bound_on_counts_is_against_another_function():
    fn = passed(total_of)
    with pytest.raises(ValueError, match=r"^within:"):
        check.faster(fn, than=(fn, large), on=make, zero=1.5, full=6, points=3, within=("accesses", make, 1.5))
    with pytest.raises(ValueError, match=r"^within:"):
        check.faster(fn, than=total, on=make, zero=1.5, full=6, points=3, within=("sighs", make, 1.5))
