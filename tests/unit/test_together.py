"""Checks of concurrent code: every schedule of small inputs, real threads on larger ones, exact counts."""

import itertools

import numpy as np
import pytest
from checking import nothing
from numba import njit

from perflab import atomics, check, hints
from perflab.check import seen, teams
from perflab.check.bench import FunctionFailedError, LocalBench
from perflab.check.subjects import Subject
from perflab.models import interleaving


@njit
def add_plainly(me, counter, n):
    for _ in range(n):
        counter[0] += 1


@njit
def add_atomically(me, counter, n):
    for _ in range(n):
        atomics.fetch_add(counter, 0, 1)


@njit
def add_once(me, counter, n):
    atomics.fetch_add(counter, 0, n)


@njit
def add_wrongly_where_nobody_looks(me, counter, n):
    atomics.fetch_add(counter, 0, n if n < 1000 else n + 1)


@njit
def wait_for_nobody(me, counter, n):
    if me == 1:
        while atomics.load(counter, 0) >= 0:
            pass
    atomics.fetch_add(counter, 0, n)


@njit
def wait_where_nobody_looks(me, counter, n):
    while n > 1000:
        pass
    atomics.fetch_add(counter, 0, n)


@njit
def not_written(me, counter, n):
    raise NotImplementedError


@njit
def step(counter):
    atomics.fetch_add(counter, 0, 1)


@njit
def adding(me, counter, n):
    for _ in range(n):
        step(counter)


def added(results, before, after):
    lost = before[0][0] + 2 * before[1] - after[0][0]
    assert lost == 0, f"{lost} updates were lost"


def small(rng):
    return rng.integers(0, 100, 1), 2


def large(rng):
    return rng.integers(0, 100, 1), 100_000


@pytest.fixture(autouse=True)
def _afresh():
    seen.start_over()


def correct(fn, **options):
    return check.correct(fn, **{"against": added, "on": [small], "threads": 2, "points": 3, **options})


def refused(fn, **options):
    return nothing(correct(fn, **options))


def test_all_schedules_and_real_threads_agree():
    report = correct(add_atomically, stress=large).report
    assert report.points == 3
    rows = dict(report.rows)
    assert "all of 1 small inputs" in rows["schedules"]
    assert "3 runs agree" in rows["real threads"]


def test_a_failing_schedule_is_shown():
    report = refused(add_plainly)
    assert "1 updates were lost" in report.sentence
    assert "overwrites what thread" in report.listing
    assert report.listing in report.as_text()
    assert "<pre" in report.as_html()


def test_a_schedule_that_never_ends_is_shown():
    report = refused(wait_for_nobody)
    assert "no schedule comes to an end from here" in report.sentence
    assert "wait_for_nobody:" in report.listing


def test_larger_inputs_are_judged_too():
    assert correct(add_wrongly_where_nobody_looks).report.points == 3
    report = refused(add_wrongly_where_nobody_looks, stress=large)
    assert report.sentence == "On real threads, -2 updates were lost."


def test_threads_that_do_not_end_earn_nothing_and_are_flagged(monkeypatch):
    monkeypatch.setattr("perflab.check.together.SECONDS", 0.3)
    report = refused(wait_where_nobody_looks, stress=large)
    assert report.unsure
    assert report.sentence == "The threads were not over within 0.3 s on the larger input."
    assert not seen.has_passed(Subject(wait_where_nobody_looks, LocalBench(wait_where_nobody_looks), None, None))


def test_one_round_that_does_not_end_is_enough_to_earn_nothing(monkeypatch):
    raced, rounds = teams.raced, itertools.count()

    def run(team, args, seconds):
        return raced(team, args, seconds) if next(rounds) else teams.Raced((), False, False)

    monkeypatch.setattr(teams, "raced", run)
    assert refused(add_once, stress=large).unsure


@pytest.mark.parametrize(
    ("parallel", "says"), [(False, "no second core was free"), (True, "on two cores at once")]
)
def test_a_run_without_a_second_core_says_so(parallel, says, monkeypatch):
    raced = teams.raced

    def run(team, args, seconds):
        return teams.Raced(raced(team, args, seconds).results, True, parallel)

    monkeypatch.setattr(teams, "raced", run)
    assert says in dict(correct(add_once, stress=large).report.rows)["real threads"]


def test_a_team_may_have_different_functions():
    assert correct((add_atomically, add_once), threads=None).report.points == 3
    report = refused((add_plainly, add_once), threads=None)
    assert report.title == "add_plainly, add_once: correct together"


def test_parts_are_called_by_functions_of_the_course():
    report = correct(step, threads=(adding, adding), stress=large).report
    assert report.title == "step: correct together"
    assert "3 runs agree" in dict(report.rows)["real threads"]
    assert check.counts(step, "locked", on=small, threads=(adding, adding), zero=8, full=4, points=1) == 1


def test_parts_that_were_written_anew_are_the_ones_that_run():
    assert correct(step, threads=(adding, adding), stress=large)

    @njit
    def twice(counter):
        atomics.fetch_add(counter, 0, 2 if counter.size == 1 else 1)

    def sizes(rng):
        return np.zeros(2, np.int64), 2

    twice.__name__ = "step"
    assert correct(twice, threads=(adding, adding), on=[sizes]).report.points == 3
    report = refused(twice, threads=(adding, adding), on=[sizes], stress=large)
    assert report.sentence == "On real threads, -200000 updates were lost."


def test_a_plain_function_of_the_course_calls_parts_too():
    assert correct(step, threads=(adding.py_func, adding.py_func)).report.points == 3


LOCK = 8


@njit
def add_under_a_lock(me, counter, n):
    for _ in range(n):
        while not atomics.compare_exchange(counter, LOCK, 0, 1):
            hints.pause()
        counter[0] += 1
        atomics.store(counter, LOCK, 0, "release")


@njit
def add_in_a_loop(me, counter, n):
    for _ in range(n):
        before = atomics.load(counter, 0)
        while not atomics.compare_exchange(counter, 0, before, before + 1):
            before = atomics.load(counter, 0)


def with_a_lock(rng):
    return np.zeros(9, np.int64), 2


def test_who_waits_for_a_stopped_thread_is_refused_where_nobody_may():
    assert correct(add_under_a_lock, on=[with_a_lock]).report.points == 3
    report = refused(add_under_a_lock, on=[with_a_lock], nonblocking=True)
    assert report.sentence.startswith("If the system stops thread 0 (add_under_a_lock) at `counter[0] += 1`")
    assert report.sentence.endswith("thread 1 (add_under_a_lock) waits until it goes on.")
    passed = correct(add_in_a_loop, on=[with_a_lock], nonblocking=True).report
    assert passed.points == 3
    assert "no other one waits" in dict(passed.rows)["a thread is stopped"]


def test_only_threads_may_be_stopped():
    with pytest.raises(ValueError, match="nonblocking"):
        check.correct(step, against=added, on=[small], points=1, nonblocking=True)


def test_each_step_of_each_thread_is_one_to_stop_at():
    counter = np.zeros(9, np.int64)
    held = interleaving.stopped([(add_under_a_lock, (me, counter, 1)) for me in range(2)])
    assert [(one.thread, one.step, one.waiting) for one in held] == [
        (thread, step, 1 - thread if 0 < step < 4 else None) for thread in range(2) for step in range(4)
    ]
    assert "counter[0] += 1" in held[1].stop.text
    assert not counter.any()


def test_a_thread_that_waits_for_ever_by_itself_blocks_nobody_else():
    counter = np.zeros(9, np.int64)
    found = interleaving.stopped([(wait_for_nobody, (me, counter, 1)) for me in range(2)])
    assert {one.waiting for one in found if one.thread == 1} == {None}
    assert {one.waiting for one in found if one.thread == 0} == {1}


@njit
def once(me, counter, n):
    step(counter)
    leap(counter)


@njit
def leap(counter):
    counter[0] += 1


def test_who_failed_first_is_named_and_not_who_failed_with_it_later(monkeypatch):
    def asked_for(points):
        report = nothing(
            check.counts((step, leap), "locked", on=small, threads=(once, once), zero=9, full=2, points=points)
        )
        return report.sentence

    monkeypatch.setattr(seen, "grade_id", lambda: "second")
    refused((step, leap), threads=(once, once))
    assert asked_for(1).startswith("First mend step or leap: together they do not pass the cell `second`.")
    seen.start_over()
    monkeypatch.setattr(seen, "grade_id", lambda: "first")
    refused((leap,), threads=(adding_by_leaps, adding_by_leaps))
    monkeypatch.setattr(seen, "grade_id", lambda: "second")
    refused((step, leap), threads=(once, once))
    assert asked_for(1).startswith("First mend leap: it does not pass the cell `first`.")


def test_a_function_that_many_threads_run_is_named_once():
    refused(add_plainly)
    found = nothing(check.counts(add_plainly, "invalidations", on=small, threads=16, zero=9, full=2, points=1))
    assert found.sentence.startswith("First mend add_plainly: it does not pass")


@njit
def adding_by_leaps(me, counter, n):
    leap(counter)


def test_what_is_locked_is_counted_once_it_is_correct():
    def locked(fn):
        return check.counts(fn, "locked", on=small, threads=2, zero=4, full=2, points=1)

    assert "First run its correctness cell: it has not seen" in nothing(locked(add_once)).sentence
    assert correct(add_once)
    assert locked(add_once).report.points == 1
    assert correct(add_atomically)
    assert ("locked operations and full fences", "4") in nothing(locked(add_atomically)).rows


def test_a_count_stands_on_a_right_outcome():
    fn = add_wrongly_where_nobody_looks
    assert correct(fn)
    counted = check.counts(fn, "locked", on=large, threads=2, zero=4, full=2, points=1)
    assert "-2 updates were lost" in nothing(counted).sentence


@njit
def count_beside(me, counters, n):
    for _ in range(n):
        counters[me] += 1
    return me


@njit
def count_apart(me, counters, n):
    for _ in range(n):
        counters[8 * me] += 1
    return 8 * me


@njit
def count_at_leisure(me, counters, n):
    counters[me] += n if n < 1000 else 0
    return me


def counted(results, before, after):
    for at in results:
        assert after[0][at] == before[0][at] + before[1], f"counter {at} is wrong"


def a_few(rng):
    return np.zeros(32, np.int64), 2


def some(rng):
    return np.zeros(32, np.int64), 1000


def taken(fn, threads=4):
    return check.counts(fn, "invalidations", on=some, threads=threads, zero=2500, full=0, points=5)


def test_lines_that_threads_take_from_each_other_are_counted_once_the_code_is_correct():
    assert "First run its correctness cell: it has not seen" in nothing(taken(count_apart)).sentence
    for fn in (count_apart, count_beside, count_at_leisure):
        assert correct(fn, against=counted, on=[a_few])
    assert taken(count_apart).report.points == 5
    assert dict(taken(count_apart).report.rows)["lines that threads take from each other"] == "0"
    assert ("lines that threads take from each other", "6,000") in nothing(taken(count_beside)).rows
    assert "In the counted run, counter 0 is wrong" in nothing(taken(count_at_leisure)).sentence


def test_as_many_threads_take_lines_as_there_are():
    assert correct(count_beside, against=counted, on=[a_few])
    assert taken(count_beside, threads=2).report.points == 1


def test_lines_are_counted_where_all_threads_do_the_same():
    assert correct((count_apart, count_beside), against=counted, on=[a_few], threads=None)
    with pytest.raises(ValueError, match="threads call the learner's one function"):
        taken((count_apart, count_beside), threads=None)


def test_what_ran_on_threads_only_is_counted_on_threads_only():
    assert correct(add_once)
    with pytest.raises(ValueError, match="checked on threads only"):
        check.counts(add_once, "lines", on=small, zero=4, full=2, points=1)


def test_what_is_not_written_yet_says_so():
    assert "not_written is not written yet" in refused(not_written).sentence


def test_code_that_cannot_run_on_threads_is_told_what_to_do():
    def plain(me, counter, n):
        atomics.fetch_add(counter, 0, n)

    assert "decorate the function with @njit" in refused(plain, stress=large).sentence
    with pytest.raises(FunctionFailedError, match="TooManySchedulesError"):
        LocalBench(add_plainly).explore((np.zeros(1, np.int64), 1000), (add_plainly,) * 3)


def test_an_outcome_that_cannot_be_looked_at_is_refused():
    report = refused(add_once, against=lambda results, before, after: results[0] > 0)
    assert "cannot be looked at (TypeError" in report.sentence
    assert "not allowed" in refused(add_once, against=lambda results, before, after: False).sentence


def test_bad_arguments_are_named():
    for threads in (0, 1):
        with pytest.raises(ValueError, match="threads: at least 2"):
            correct(add_once, threads=threads)
    with pytest.raises(ValueError, match="threads: at least 2, and as many as there are functions"):
        correct((add_once, add_once), threads=3)
    for threads in ((adding,), (adding, 2)):
        with pytest.raises(ValueError, match="threads: at least 2 functions"):
            correct(step, threads=threads)
    with pytest.raises(ValueError, match="tolerances do not apply"):
        correct(add_once, rtol=0.1)
    with pytest.raises(ValueError, match="for concurrent code"):
        check.correct(add_once, against=added, on=[small], points=1, stress=large)
    with pytest.raises(ValueError, match="is 'locked'"):
        check.counts(add_once, "calls", on=small, threads=2, zero=4, full=2, points=1)
    assert "Expected a function" in refused((add_once, None), threads=None).sentence
