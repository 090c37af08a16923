"""The interval against SciPy and against its own promise, the stopping rule, the clocks, and planted ratios.

Where a ratio is planted, the clock is fake: functions say how long they take, and no test waits.
"""

import gc
import itertools
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy.stats import quantile_test

from perflab import timing
from perflab.timing import CALLS, PAIRS, Interval, compare, interval, paired, seconds_of


@pytest.mark.parametrize("n", [8, 9, 10, 13, 25, 41, 100])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_interval_is_that_of_the_quantile_test(n, confidence):
    ratios = np.random.default_rng(n).lognormal(size=n)
    theirs = quantile_test(ratios, q=1, p=0.5).confidence_interval(confidence)
    ours = interval(ratios, confidence)
    assert (ours.low, ours.high) == (theirs.low, theirs.high)
    assert ours.median == np.median(ratios)


@pytest.mark.parametrize("n", [9, 17, 41])
def test_interval_covers_the_true_median_as_often_as_it_says(n):
    rng = np.random.default_rng(7)
    found = [interval(row) for row in rng.lognormal(size=(4000, n))]
    covered = np.mean([i.low <= 1 <= i.high for i in found])
    # 0.99 or a little more, since order statistics come in steps; 0.985 is three standard errors below.
    assert 0.985 <= covered <= 1


@pytest.mark.parametrize("n", range(1, 8))
def test_too_few_ratios_allow_no_interval(n):
    ratios = np.arange(1.0, n + 1)
    assert interval(ratios) == Interval(float(np.median(ratios)), 0.0, float("inf"))


def test_interval_does_not_care_about_order_or_type():
    assert interval([3, 1, 2] * 5) == interval(np.sort(np.array([3.0, 1.0, 2.0] * 5)))


@pytest.mark.parametrize("ratios", [[], [[1.0, 2.0]], 3.0, [1.0, 0.0], [1.0, float("nan")]])
def test_interval_of_no_list_names_the_argument(ratios):
    with pytest.raises(ValueError, match="ratios"):
        interval(ratios)


def test_bad_arguments_of_the_parts_are_named():
    with pytest.raises(ValueError, match="confidence: between 0 and 1, got 99"):
        interval([1.0] * 9, 99)
    with pytest.raises(ValueError, match="fewest and most: numbers of pairs"):
        paired(lambda i: (1.0, 1.0), lambda i: True, fewest=5, most=4)
    with pytest.raises(ValueError, match="clock: one of 'cpu', 'wall', got 'sun'"):
        seconds_of(int, "sun")


def test_a_decided_measurement_stops_at_the_fewest_pairs():
    pairs = paired(lambda i: (2.0, 1.0), lambda i: True)
    assert len(pairs.ratios) == PAIRS[0]
    assert pairs.interval.median == 2.0


def test_an_undecided_measurement_stops_at_the_most_pairs():
    looks = []
    pairs = paired(lambda i: (2.0, 1.0), lambda i: looks.append(i) is not None)
    assert len(pairs.ratios) == PAIRS[1]
    assert len(looks) == 1 + (PAIRS[1] - PAIRS[0]) // 4


def test_the_interval_is_looked_at_every_fourth_pair():
    measured, looks = [], []

    def pair(i):
        measured.append(i)
        return 1.0, 1.0

    paired(pair, lambda i: looks.append(len(measured)) is not None, fewest=9, most=20)
    assert looks == [9, 13, 17, 20]
    assert measured == list(range(20))


def test_pairs_keep_both_series():
    pairs = paired(lambda i: (float(i + 1), 0.5), lambda i: True)
    assert pairs.baseline.tolist() == [*range(1, 10)]
    assert set(pairs.candidate) == {0.5}
    assert pairs.ratios.tolist() == [2.0 * i for i in range(1, 10)]


def test_no_collection_runs_inside_the_clock():
    gc.enable()
    _, enabled = seconds_of(gc.isenabled)
    assert not enabled
    assert gc.isenabled()


def test_the_collector_is_back_after_an_exception():
    gc.enable()
    with pytest.raises(ZeroDivisionError):
        seconds_of(lambda: 1 / 0)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        seconds_of(int)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_waiting_costs_wall_time_only():
    wall, _ = seconds_of(lambda: time.sleep(0.05), "wall")
    cpu, _ = seconds_of(lambda: time.sleep(0.05), "cpu")
    assert wall >= 0.05
    assert cpu < 0.8 * wall


def test_a_call_takes_some_time_even_if_the_clock_does_not_tick(monkeypatch):
    monkeypatch.setitem(timing.CLOCKS, "cpu", lambda: 5)
    assert seconds_of(int) == (1e-9, 0)


def costing(ticks, nanoseconds):
    """Return a function that takes as long as `nanoseconds()` says."""
    return lambda *_: ticks.spend(nanoseconds())


def no_arguments(rng):
    return ()


@pytest.mark.parametrize(("planted", "verdict"), [(1.5, "above"), (2.0, "above"), (0.8, "below")])
def test_a_planted_ratio_is_found(ticks, planted, verdict):
    noise = np.random.default_rng(3)
    slow = costing(ticks, lambda: 1e6 * planted * noise.lognormal(sigma=0.02))
    fast = costing(ticks, lambda: 1e6 * noise.lognormal(sigma=0.02))
    found = compare(fast, slow, no_arguments, threshold=1.2, seed=0)
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(planted, rel=0.03)
    assert found.low <= planted <= found.high
    assert len(found.pairs.ratios) == PAIRS[0]


def test_a_ratio_at_the_threshold_is_unsure_and_uses_the_whole_budget(ticks):
    same = costing(ticks, lambda: 1_000_000)
    found = compare(same, same, no_arguments, seed=0)
    assert found.verdict == "unsure"
    assert len(found.pairs.ratios) == PAIRS[1]


def test_a_half_is_the_best_of_its_calls(ticks):
    # One call in three is disturbed: the best of three never is.
    disturbed = itertools.cycle([1_000, 1_000, 9_000])
    once = costing(ticks, lambda: 1_000)
    found = compare(costing(ticks, lambda: next(disturbed)), once, no_arguments, seed=0)
    assert found.pairs.candidate == pytest.approx(1e-6)


def test_real_work_of_a_quarter_is_faster():
    def baseline(n):
        sum(range(4 * n))

    def candidate(n):
        sum(range(n))

    found = compare(candidate, baseline, lambda rng: (100_000,), threshold=1.5, seed=0)
    assert found.verdict == "above"
    assert found.low > 1.5


def test_false_above_at_the_threshold_is_rare():
    """The true ratio is the threshold, so that every "above" is false; several looks may err 1.5 % of the time."""
    rng = np.random.default_rng(11)
    above = 0
    for _ in range(2000):
        noise = np.exp(rng.normal(0, 0.05, (PAIRS[1], 2)))
        noise[rng.random(noise.shape) < 0.05] *= 3
        pairs = paired(lambda i, noise=noise: tuple(noise[i]), lambda i: i.low > 1 or i.high < 1)
        above += pairs.interval.low > 1
    assert above / 2000 <= 0.015


def test_no_input_is_given_twice_and_both_sides_get_equal_values():
    given = {"baseline": [], "candidate": []}

    def side(name):
        return lambda array: given[name].append(array)

    found = compare(side("candidate"), side("baseline"), lambda rng: (rng.random(4),), seed=1)
    everything = given["baseline"] + given["candidate"]
    calls = 1 + CALLS * len(found.pairs.ratios)  # one for compilation
    assert len(given["baseline"]) == len(given["candidate"]) == calls
    assert len({id(a) for a in everything}) == len(everything)
    assert not any(np.shares_memory(a, b) for a, b in itertools.pairwise(everything))
    values = [{a.tobytes() for a in given[name][1:]} for name in given]
    assert values[0] == values[1]
    assert len(values[0]) == calls - 1


def test_the_order_of_sides_is_random():
    order = []
    compare(lambda: order.append("c"), lambda: order.append("b"), no_arguments, seed=1)
    halves = order[2::CALLS]
    first = halves[::2]
    assert {"b", "c"} == set(first)


def test_a_side_may_change_its_arguments():
    def clear(array):
        assert array.sum() == 3
        array[:] = 0

    compare(clear, clear, lambda rng: (np.ones(3),), seed=0)


@pytest.mark.parametrize(
    ("bad", "error", "name"),
    [
        ({"threshold": 0}, ValueError, "threshold"),
        ({"threshold": -1.0}, ValueError, "threshold"),
        ({"threshold": float("nan")}, ValueError, "threshold"),
        ({"clock": "sun"}, ValueError, "clock"),
        ({"make": lambda rng: [1]}, TypeError, "make"),
    ],
)
def test_bad_arguments_are_named(bad, error, name):
    arguments = {"make": no_arguments} | bad
    with pytest.raises(error, match=name):
        compare(abs, abs, **arguments)


def test_the_clock_is_exact_where_cpu_time_is_limited():
    """Linux keeps the clock of a process to the tick there; a short call would take no time, or several."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (600, 600))\n"
        "from perflab.timing import CLOCKS\n"
        "cpu = CLOCKS['cpu']\n"
        "times = [cpu() for _ in range(2000)]\n"
        "print(len(set(times)), times == sorted(times))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    different, ordered = done.stdout.split()
    assert int(different) > 1500
    assert ordered == "True"
