"""Threads that race, wait, raise, hang and crash; and the shared memory that they work on."""

import os
import pickle

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError
from tempo import NET, within

from perflab import atomics, hints, threads
from perflab.threads import clock, fork, sharing
from perflab.threads.team import Failure

PHASES = 200
needs_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a second core")


@njit
def add(clock, counter):
    done = 0
    while threads.go_on(clock):
        counter[0] += 1
        done += 1
    return done


@njit
def add_atomically(clock, counter):
    done = 0
    while threads.go_on(clock):
        atomics.fetch_add(counter, 0, 1)
        done += 1
    return done


@njit
def forever(a):
    turns = 0
    while atomics.load(a, 0) == 0:
        turns = hints.back_off(turns)


@njit
def nothing():
    return 7


@njit
def wild(a):
    for i in range(a.size, 10**9):
        a[1000 * i] = 1


@njit
def out_of_range(a):
    return atomics.load(a, a.size)


def test_an_atomic_loses_no_update_and_results_come_in_order():
    counter = np.zeros(1, np.int64)
    with within(10):
        race = threads.run([(add_atomically, (threads.CLOCK, counter))] * 3, duration=0.05)
    assert sum(race.results) == counter[0] > 3
    assert len(race.results) == len(race.seconds) == len(race.shares) == 3
    assert max(race.seconds) > 0.02
    assert 0 <= race.overlap <= 1
    assert race.cores == min(3, len(os.sched_getaffinity(0)))
    assert threads.run([(nothing, ()), (add, (threads.CLOCK, counter))], duration=0.01).results[0] == 7


@needs_cores
def test_a_race_shows():
    parallel = False
    for _ in range(20):
        counter = np.zeros(1, np.int64)
        race = threads.run([(add, (threads.CLOCK, counter))] * 2, duration=0.03)
        assert 0 < counter[0] <= sum(race.results)
        if counter[0] < sum(race.results):
            return
        parallel |= race.parallel
    if not parallel:
        pytest.skip("no second core was to be had")
    pytest.fail("no update was lost")


def test_threads_on_one_core_say_so():
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(mine)})
        race = threads.run([(add_atomically, (threads.CLOCK, np.zeros(1, np.int64)))] * 2)
    finally:
        os.sched_setaffinity(0, mine)
    assert race.cores == 1
    assert not race.parallel
    assert sum(race.shares) < 1.3


def test_whether_it_was_parallel():
    def of(shares, overlap, cores=2):
        return threads.Run((), (1.0, 1.0), shares, overlap, cores).parallel

    assert of((0.9, 0.8), 0.7)
    assert not of((0.9, 0.8), 0.4)
    assert not of((0.5, 0.5), 1.0)
    assert not of((0.9, 0.8), 0.7, cores=1)


def test_shares_and_overlap_come_from_the_clocks(monkeypatch):
    from perflab.threads.run import _summary

    times = clock.new_times(2)
    # wall from 10 s to 12 s with 1 s of CPU; from 11 s to 14 s with 3 s of it
    times[0, :, 0] = (10, 0), (12, 0)
    times[0, :, 1] = (5, 500_000_000), (6, 500_000_000)
    times[1, :, 0] = (11, 0), (14, 0)
    times[1, :, 1] = (0, 0), (3, 0)
    assert _summary(times) == ((2.0, 3.0), (0.5, 1.0), 0.25)


@njit
def relay(barrier, seen, me):
    """In each phase write, wait for all, and look what the others wrote."""
    wrong = 0
    for phase in range(PHASES):
        seen[me] = phase
        threads.arrive(barrier)
        for k in range(seen.size):
            wrong += seen[k] != phase
        threads.arrive(barrier)
    return wrong


def test_a_barrier_holds_all_of_them_again_and_again():
    n = 3
    gate, seen = threads.barrier(n), np.full(n, -1)
    race = threads.run([(relay, (gate, seen, me)) for me in range(n)])
    assert race.results == (0, 0, 0)
    assert seen.tolist() == [PHASES - 1] * n
    with pytest.raises(ValueError, match="threads: at least one, got 0"):
        threads.barrier(0)


# What must not go wrong here


@pytest.fixture
def no_fork_remains(monkeypatch):
    """Check afterwards that all forks are gone, and waited for."""
    pids, original = [], os.fork

    def recorded():
        pid = original()
        if pid:
            pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", recorded)
    yield
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_thread_that_never_ends_is_ended_within_the_budget(no_fork_remains, monkeypatch):
    monkeypatch.setattr(fork, "SPARE", 60)  # it is killed, and does not end by itself
    flag = np.zeros(1, np.int64)
    threads.run([(forever, (np.ones(1, np.int64),))])  # compiled
    with (
        within(5),
        pytest.raises(
            TimeoutError, match=r"^thread 1 \(forever\) did not return within 0.5 s; .*threads.go_on\(clock\)"
        ),
    ):
        threads.run([(nothing, ()), (forever, (flag,))], seconds=0.5)


def test_a_fork_ends_by_itself_should_nobody_kill_it(monkeypatch):
    monkeypatch.setattr(fork, "SPARE", 0.2)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    with within(5), pytest.raises(TimeoutError):  # after it was waited for
        threads.run([(forever, (np.zeros(1, np.int64),))], seconds=0.3)


def test_a_crash_is_an_exception_that_says_so(no_fork_remains):
    with pytest.raises(RuntimeError, match=r"thread 0 \(wild\).*crashed \(SIGSEGV\).*boundscheck=True"):
        threads.run([(wild, (np.zeros(8),)), (forever, (np.zeros(1, np.int64),))])


def test_what_a_thread_raises_is_the_cause_even_if_another_never_ends(no_fork_remains):
    calls = [(forever, (np.zeros(1, np.int64),)), (out_of_range, (np.zeros(3, np.int64),))]
    with (
        within(20),
        pytest.raises(RuntimeError, match=r"thread 1 \(out_of_range\): it raised IndexError: index out") as caught,
    ):
        threads.run(calls, seconds=NET)
    assert isinstance(caught.value.__cause__, IndexError)


def test_what_cannot_be_sent_back_is_an_exception():
    class PickyError(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    for found, thread, text in (
        (((lambda: 1), 2), 0, "lambda"),
        (Failure(1, PickyError(1, 2)), 1, "PickyError: 1 and 2"),
    ):
        failure = pickle.loads(fork._pickled(found))
        assert failure.thread == thread
        assert text in str(failure.error)


@pytest.mark.parametrize(
    ("calls", "options", "error", "text"),
    [
        ([], {}, ValueError, "calls: at least one"),
        ([nothing], {}, TypeError, "calls: pairs of a function and its tuple"),
        ([(nothing, [])], {}, TypeError, "calls: pairs of a function and its tuple"),
        ([(len, ())], {}, TypeError, "got a builtin_function_or_method; use @njit"),
        ([(njit(parallel=True)(lambda: 1), ())], {}, TypeError, "parallel=True starts threads of its own"),
        ([(forever, ([1],))], {}, TypeError, "calls: arrays, numbers, .* got a list"),
        (
            [(forever, (np.array([None]),))],
            {},
            TypeError,
            "calls: arrays of numbers can be shared; got one of object",
        ),
        ([(forever, (np.zeros(1),))], {}, TypingError, r"view\(np.int64\)"),
        ([(nothing, ())], {"seconds": 0}, ValueError, "seconds: a budget above 0, got 0"),
        ([(nothing, ())], {"seconds": float("inf")}, ValueError, "seconds: a budget"),
        ([(nothing, ())], {"seconds": 1, "duration": 2}, ValueError, "duration: above 0 and below seconds"),
        ([(nothing, ())], {"duration": 0}, ValueError, "duration: above 0"),
    ],
)
def test_calls_that_make_no_sense(calls, options, error, text):
    with pytest.raises(error, match=text):
        threads.run(calls, **options)


def test_without_fork_there_is_a_sentence(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(RuntimeError, match="needs fork"):
        threads.run([(nothing, ())])


# Shared memory


def test_arrays_come_back_as_the_threads_left_them():
    @njit
    def change(pair, matrix, fixed, empty, k):
        pair[0][:] = k
        pair[1][0] += k
        matrix[1, :] = fixed[0]
        return fixed.sum() + empty.size

    first, second = np.zeros(3), np.zeros(6, np.int32)
    fixed = np.arange(4.0)
    fixed.flags.writeable = False
    matrix = np.zeros((3, 4), order="F")[:, ::2]
    args = ((first, second[::-2]), matrix, fixed, np.empty(0), 5)
    assert threads.run([(change, args)]).results == (6.0,)
    assert first.tolist() == [5.0] * 3
    assert second.tolist() == [0, 0, 0, 0, 0, 5]
    assert matrix.tolist() == [[0, 0], [0, 0], [0, 0]]  # of fixed[0], which is 0
    assert threads.run([(change, ((first, second), matrix, fixed + 1, fixed[:0], 2))]).results == (10.0,)
    assert matrix.tolist() == [[0, 0], [1, 1], [0, 0]]


def test_what_overlaps_still_does_and_lies_where_it_lay():
    base = hints.empty(100, np.int64, alignment=4096)
    base[:] = np.arange(100)
    other = np.arange(3.0)
    views = (base[10:20], base[15:30:3], base[::-1], (other, base))
    (ten, third, backwards, (copy, whole)), back = sharing.shared(views, "views")
    assert whole.ctypes.data % 4096 == 0
    assert np.shares_memory(ten, whole)
    assert copy.tolist() == other.tolist()
    assert not np.shares_memory(whole, base)
    whole[15] = -1
    assert ten[5] == third[0] == backwards[84] == -1
    assert base[15] == 15
    back()
    assert base[15] == -1


def test_named_tuples_stay_what_they_are():
    from collections import namedtuple

    queue = namedtuple("queue", "items ends")
    given = queue(np.zeros(2), (np.zeros(1), 3))
    (copy,), _ = sharing.shared((given,), "queue")
    assert isinstance(copy, queue)
    assert copy.ends[1] == 3
