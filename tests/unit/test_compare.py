"""What `compare` refuses, says and shows."""

import ctypes
import os
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit
from tempo import NET, patience, within

from perflab import timing
from perflab.timing import Interval, Pairs, UnequalWorkError, compare, paired
from perflab.timing.agreement import agree
from perflab.timing.deadline import OutOfTimeError
from perflab.timing.deadline import within as deadline
from perflab.timing.disturbance import Snapshot, disturbances, snapshot, too_short
from perflab.timing.trial import trial


def make(rng):
    return (rng.random(1000),)


def total(a):
    return float(a.sum())


@njit
def endless(a):
    i = 0
    while True:
        i = (i + 1) % 7
    return 1.0


usleep = ctypes.CDLL(None).usleep
usleep.argtypes, usleep.restype = (ctypes.c_uint,), ctypes.c_int


@njit
def drowsy(a):
    while True:
        usleep(200_000)


@njit
def wild(a):
    for i in range(1_000_000_000):
        a[i * 4096] = 1.0
    return 1.0


@pytest.mark.parametrize("side", ["candidate", "baseline"])
def test_a_side_that_never_ends_is_named_within_the_budget(side):
    budget = patience(0.5)
    with within(20), pytest.raises(TimeoutError, match=rf"{side}: one call did not end within {budget:g} s"):
        compare(**{"candidate": total, "baseline": total, side: endless}, make=make, budget=budget)


def test_a_python_loop_that_never_ends_is_stopped_even_after_calls_that_ended():
    calls = []

    def later(a):
        calls.append(1)  # none of the fork's, one of the first call's
        while len(calls) > 4:
            pass
        return total(a)

    with within(5), pytest.raises(TimeoutError, match=r"candidate: a call did not end within [\d.]+ s"):
        compare(later, total, make, budget=patience(0.5))


def test_a_maker_that_never_ends_is_stopped():
    def hang(rng):
        while True:
            pass

    with pytest.raises(TimeoutError, match=r"make: two inputs took longer than 0\.2 s"):
        compare(total, total, hang, budget=0.2)


def test_a_budget_below_one_pair_is_said():
    def slow(a):
        time.sleep(0.12)
        return total(a)

    with pytest.raises(TimeoutError, match=r"budget: not one pair, .* was measured in 0\.3 s"):
        compare(slow, slow, make, clock="wall", budget=0.3)


def test_a_budget_below_nine_pairs_gives_those_that_were_measured():
    def slow(a):
        time.sleep(0.03)
        return total(a)

    found = compare(slow, slow, make, clock="wall", budget=0.5)
    assert found.verdict == "unsure"
    assert 1 <= len(found.pairs.ratios) < 9
    assert "Too few pairs to say whether that is above 1: it takes 9" in repr(found)
    assert "inf" not in repr(found)


def test_threads_that_a_fork_lacks_are_no_reason_to_refuse():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        found = compare(
            lambda a: pool.submit(total, a).result(), total, make, clock="wall", pairs=(1, 1), budget=NET
        )
    assert len(found.pairs.ratios) == 1


def test_in_another_thread_there_is_no_alarm_and_waiting_for_ever_is_refused():
    caught = []

    def compare_there():
        try:
            compare(lambda a: time.sleep(60), total, make, budget=0.4)
        except TimeoutError as error:
            caught.append(str(error))

    thread = threading.Thread(target=compare_there)
    thread.start()
    thread.join(NET)
    assert caught == ["candidate: one call did not end within 0.4 s; make the input smaller or the budget larger"]


def test_a_deadline_interrupts_once_and_puts_everything_back():
    before = signal.getsignal(signal.SIGALRM)
    rest, _ = signal.getitimer(signal.ITIMER_REAL)
    with pytest.raises(OutOfTimeError):
        deadline(0.05, lambda: time.sleep(NET))
    assert deadline(NET, lambda: 3) == 3
    assert signal.getsignal(signal.SIGALRM) == before
    after, _ = signal.getitimer(signal.ITIMER_REAL)
    assert after == pytest.approx(rest, abs=2)


def test_a_deadline_leaves_no_alarm_wherever_it_rings():
    handler, others = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)

    def work():
        start = time.perf_counter()
        while time.perf_counter() - start < 1e-4:
            pass

    rang = 0
    try:
        for seconds in np.random.default_rng(0).uniform(1e-5, 2e-4, 2000):
            try:
                deadline(seconds, work)
            except OutOfTimeError:
                rang += 1
            assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
            assert signal.getsignal(signal.SIGALRM) == handler
    finally:
        signal.setitimer(signal.ITIMER_REAL, *others)
    assert 100 < rang < 2000


def test_an_alarm_that_is_due_earlier_goes_first():
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    old = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        deadline(NET, lambda: time.sleep(0.2))
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *old)
    assert rang == [1]


def test_a_side_that_crashes_does_not_take_the_interpreter_with_it():
    with pytest.raises(RuntimeError, match="candidate: it crashed on its first call"):
        compare(wild, total, make, budget=20)


def test_a_side_that_raises_is_named_with_its_exception():
    def broken(a):
        return a[1000]

    with pytest.raises(RuntimeError, match="candidate: it raised IndexError") as caught:
        compare(broken, total, make)
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_side_or_a_maker_that_leaves_is_named():
    with pytest.raises(RuntimeError, match="candidate: it raised SystemExit: 3"):
        compare(lambda a: sys.exit(3), total, make)
    with pytest.raises(RuntimeError, match="make: it raised ZeroDivisionError"):
        compare(total, total, lambda rng: 1 / 0)


@pytest.mark.parametrize(
    ("leave", "says"),
    [
        (lambda a: os.kill(os.getpid(), signal.SIGKILL), "killed on its first call; out of memory"),
        (lambda a: os.abort(), "crashed on its first call"),
    ],
)
def test_a_side_that_is_killed_takes_only_its_fork_along(monkeypatch, leave, says):
    monkeypatch.setattr("perflab.timing.trial.numba.threading_layer", lambda: "workqueue")
    with pytest.raises(RuntimeError, match=f"candidate: it was {says}|candidate: it {says}"):
        compare(leave, total, make)


def test_an_abort_of_openmp_in_a_fork_says_nothing(monkeypatch):
    monkeypatch.setattr("perflab.timing.trial.numba.threading_layer", lambda: "omp")
    assert trial(lambda a: os.abort(), make(np.random.default_rng(0)), 10) == "ended"


@pytest.mark.parametrize(
    "other",
    [lambda a: total(a) * 1.01, lambda a: a, lambda a: (total(a), 1.0), lambda a: np.full(3, total(a))],
)
def test_unequal_results_are_refused(other):
    with pytest.raises(UnequalWorkError, match="their results differ"):
        compare(other, total, make)


def test_unequal_changes_of_the_arguments_are_refused():
    def double(a):
        a *= 2

    def nothing(a):
        pass

    with pytest.raises(UnequalWorkError, match="their changed arguments differ"):
        compare(nothing, double, make)


@pytest.mark.parametrize(
    "other", [lambda a: float(np.sum(a[::-1])), lambda a: np.float64(total(a)), lambda a: "text"]
)
def test_rounding_and_what_cannot_be_compared_are_no_unequal_work(other):
    compare(other, total, make, pairs=(1, 1))


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1_000_000, 1_000_100, False),
        (np.arange(3), np.arange(3.0), True),
        (np.uint64(2**63), np.uint64(2**63 + 1), False),
        ("left", "right", False),
        ("left", 1, True),
        ({"x": 1.0}, {"x": 1.0 + 1e-12}, True),
        ({"x": 1.0}, {"x": 2.0}, False),
        ({"x": 1.0}, {"y": 1.0}, False),
        ({1, 2}, {1, 3}, False),
        (True, False, False),
        # A small number beside a large one counts by itself, but for the rounding of the large one.
        (np.array([1e6, 1.0]), np.array([1e6, 2.0]), False),
        (np.array([1e6, 1e-12]), np.array([1e6, -1e-12]), True),
        (np.array([1, 1e-5], np.float32), np.array([1, 0], np.float32), True),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), True),
        (object(), 1, True),
    ],
)
def test_what_agrees(a, b, same):
    assert agree(a, b) == agree(b, a) == same


def test_records_are_compared_field_by_field():
    table = np.zeros(3, [("x", np.float32), ("name", "U3")])
    changed = table.copy()
    changed["x"] += 1
    compare(lambda a: table, lambda a: table.copy(), make, pairs=(1, 1))
    with pytest.raises(UnequalWorkError):
        compare(lambda a: table, lambda a: changed, make)


def test_a_maker_that_returns_the_same_array_is_named():
    kept = np.ones(10)
    for same in (lambda rng: (kept,), lambda rng: (kept[2:],)):
        with pytest.raises(ValueError, match="make: it returned the same array twice"):
            compare(total, total, same)


def test_a_maker_that_returns_the_same_container_is_named():
    kept, inner = [3, 1, 2], np.ones(3)
    for same in (lambda rng: (kept,), lambda rng: ([inner],), lambda rng: ((1, kept),)):
        with pytest.raises(ValueError, match=r"make: it returned the same (list|array) twice"):
            compare(len, len, same)
    compare(len, len, lambda rng: ("the same text",), pairs=(1, 1))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"candidate": 3}, TypeError, "candidate: a function"),
        ({"baseline": None}, TypeError, "baseline: a function"),
        ({"make": (1,)}, TypeError, "make: a function"),
        ({"pairs": (9, 5)}, ValueError, "pairs: fewest and most"),
        ({"pairs": (0, 5)}, ValueError, "pairs: fewest and most"),
        ({"pairs": 20}, ValueError, "pairs: fewest and most"),
        ({"pairs": (1.5, 2.5)}, ValueError, "pairs: fewest and most"),
        ({"budget": 0}, ValueError, "budget: seconds above 0"),
        ({"budget": None}, ValueError, "budget: seconds above 0"),
        ({"threshold": "2"}, ValueError, "threshold: a ratio above 0"),
        ({"threshold": float("inf")}, ValueError, "threshold: a ratio above 0"),
        ({"clock": ["cpu"]}, ValueError, "clock: one of 'cpu', 'wall'"),
        ({"seed": -1}, ValueError, "seed: an integer of 0 or more"),
    ],
)
def test_bad_arguments_are_named(changed, error, message):
    with pytest.raises(error, match=message):
        compare(**{"candidate": total, "baseline": total, "make": make, **changed})


def test_the_budget_ends_a_measurement():
    def slow(_):
        time.sleep(0.05)  # stands for a long pair
        return 1.0, 1.0

    assert len(paired(slow, lambda i: False, budget=0.12).ratios) < 9


def test_a_trial_tells_how_a_call_goes():
    args = make(np.random.default_rng(0))
    assert trial(total, args, NET) == "ended"
    assert trial(endless, args, 0.3) == "late"
    assert trial(wild, args, NET) == "crashed"
    assert trial(lambda a: 1 / 0, args, NET) == "ended"
    assert trial(lambda a: time.sleep(3600), args, NET) == "waiting"
    # No alarm would end compiled code that waits: it does not get the benefit of the doubt.
    assert trial(drowsy, args, 2.5) == "late"


def test_a_trial_leaves_the_arguments_alone():
    args = (np.ones(5),)
    assert trial(lambda a: a.fill(3), args, 10) == "ended"
    assert args[0].sum() == 5


QUIET = Snapshot(seconds=0.0, switches=0, ticks=(1000, 0), frequency=2e6)


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (Snapshot(1.0, 500, (1200, 0), 2e6), "took the core away 500 times in 1.0 s"),
        (Snapshot(1.0, 0, (1200, 20), 2e6), "gave 10% of the processors' time to its other guests"),
        (Snapshot(1.0, 0, (1200, 0), 3e6), "from 2.0 to 3.0 GHz"),
    ],
)
def test_disturbances_are_said_in_words(after, says):
    (sentence,) = disturbances(QUIET, after)
    assert says in sentence


def test_a_quiet_measurement_says_nothing():
    assert disturbances(QUIET, Snapshot(1.0, 3, (1200, 0), 2.01e6)) == ()
    assert disturbances(Snapshot(0, 0, None, None), Snapshot(1, 0, None, None)) == ()


def test_calls_too_short_to_be_timed_are_said():
    def pairs(seconds):
        return Pairs(np.full(9, seconds), np.full(9, 1e-7), Interval(1.0, 1.0, 1.0))

    assert "Even the slower side lasts 3 µs only" in too_short(pairs(3e-6))[0]
    assert too_short(pairs(2e-3)) == ()


def test_a_system_that_tells_nothing(monkeypatch):
    monkeypatch.setattr("perflab.timing.disturbance.Path", lambda _: Missing())
    assert (snapshot().ticks, snapshot().frequency) == (None, None)


class Missing:
    def read_text(self):
        raise FileNotFoundError


def comparison(verdict="above", **about):
    seconds = np.linspace(2e-3, 3e-3, 9)
    pairs = Pairs(seconds, np.full(9, 1e-3), Interval(2.5, 2.0, 3.0))
    return timing.Comparison(2.5, 2.0, 3.0, verdict, 1.5, pairs, **about)


def test_a_comparison_reads_as_sentences():
    assert repr(comparison()).splitlines() == [
        "2.5 times as fast, 99 % sure of 2 to 3 (9 pairs, CPU time)",
        "That is above 1.5. Baseline 2.5 ms, candidate 1 ms.",
    ]
    assert "Too noisy to say whether that is above 1.5" in repr(comparison("unsure"))
    assert repr(comparison(disturbances=("A guest came.",))).endswith("A guest came.")


def test_a_comparison_shows_its_pairs():
    page = comparison()._repr_html_()
    assert page.count("<circle") == 9
    assert re.search(r'aria-label="9 paired ratios, 2 to 3, median 2.5"', page)


def test_an_interval_without_end_is_drawn_all_the_same():
    pairs = Pairs(np.ones(3), np.ones(3), Interval(1.0, 0.0, float("inf")))
    page = timing.Comparison(1.0, 0.0, float("inf"), "unsure", 1.0, pairs)._repr_html_()
    assert "nan" not in page
