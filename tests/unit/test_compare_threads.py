"""Two sets of calls on threads: what counts as a pair, and what an answer says that had none."""

import numpy as np
import pytest
from numba import njit

from perflab import threads, timing
from perflab.threads import Run, cores
from perflab.timing import teams

FAST, SLOW = [("fast", ())], [("slow", ()), ("slow", ())]


@njit
def spin(n):
    x = 1.0
    for _ in range(n):
        x = x * 0.999 + 0.001
    return x


class Machine:
    """Runs that last what they are told to, disturbed or not."""

    def __init__(self, seconds, shares=1.0, overlap=1.0, apart=True, spoilt=()):
        self.seconds, self.shares, self.overlap, self.apart = seconds, shares, overlap, apart
        self.spoilt, self.calls = spoilt, []

    def __call__(self, calls):
        name, n = calls[0][0], len(calls)
        self.calls.append(name)
        share = 0.5 if len(self.calls) in self.spoilt else self.shares
        last = self.seconds[name] * (1 + 0.001 * len(self.calls))
        return Run((), (last / 2,) * (n - 1) + (last,), (share,) * n, self.overlap, n, self.apart)


def compared(monkeypatch, machine, **options):
    monkeypatch.setattr(threads, "run", machine)
    return timing.compare_threads(FAST, SLOW, **options)


def test_a_side_lasts_as_long_as_its_last_thread(monkeypatch):
    found = compared(monkeypatch, Machine({"fast": 1.0, "slow": 3.0}), threshold=2)
    assert found.verdict == "above"
    assert found.ratio == pytest.approx(3, rel=0.05)
    assert found.low > 2
    assert found.clock == "wall"
    assert len(found.pairs.ratios) == 9
    assert found.disturbances == ()


def test_both_sides_run_in_turn_and_in_any_order(monkeypatch):
    machine = Machine({"fast": 1.0, "slow": 3.0})
    compared(monkeypatch, machine, seed=1)
    timed = machine.calls[2:]
    assert all(set(pair) == {"fast", "slow"} for pair in zip(timed[::2], timed[1::2], strict=True))
    assert {tuple(pair) for pair in zip(timed[::2], timed[1::2], strict=True)} == {
        ("fast", "slow"),
        ("slow", "fast"),
    }


def test_a_pair_whose_threads_waited_for_a_core_does_not_count(monkeypatch):
    found = compared(monkeypatch, Machine({"fast": 1.0, "slow": 3.0}, spoilt=(3, 8)))
    assert found.verdict == "above"
    assert len(found.pairs.ratios) == 9
    assert "Other programs had a core in 2 pairs of 11" in found.disturbances[0]


@pytest.mark.parametrize("how", [{"shares": 0.7}, {"overlap": 0.3}])
def test_no_pair_that_counts_is_no_answer(monkeypatch, how):
    machine = Machine({"fast": 1.0, "slow": 3.0}, **how)
    found = compared(monkeypatch, machine)
    assert (found.low, found.high, found.verdict) == (0, np.inf, "unsure")
    assert found.ratio == pytest.approx(3, rel=0.05)
    assert "not sure at all" in str(found)
    assert len(machine.calls) == 2 + 2 * teams.TRIES * 21


def test_halves_of_a_core_are_no_answer(monkeypatch):
    found = compared(monkeypatch, Machine({"fast": 1.0, "slow": 3.0}, apart=False))
    assert (found.low, found.high) == (0, np.inf)
    assert "two halves of one share its caches" in found.disturbances[0]


def test_the_budget_ends_it(monkeypatch):
    machine = Machine({"fast": 1.0, "slow": 3.0}, shares=0.1)
    found = compared(monkeypatch, machine, budget=1e-9)
    assert found.verdict == "unsure"
    assert len(machine.calls) == 4


def test_wrong_input_names_the_argument():
    with pytest.raises(ValueError, match="threshold: a ratio above 0, got 0"):
        timing.compare_threads(FAST, SLOW, threshold=0)
    with pytest.raises(ValueError, match="pairs: fewest and most"):
        timing.compare_threads(FAST, SLOW, pairs=(9, 5))


def test_real_threads_and_a_function_that_makes_the_calls():
    made = []

    def much():
        made.append(1)
        return [(spin, (400_000,))]

    found = timing.compare_threads([(spin, (20_000,))], much, threshold=2)
    assert found.verdict in ("above", "unsure")
    assert len(made) >= 2


def test_the_second_half_of_a_core_comes_last(monkeypatch):
    pairs = {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 5: "5"}
    monkeypatch.setattr(cores, "halves", pairs.__getitem__)
    assert cores.spread([0, 1, 2, 3, 5]) == [0, 2, 5, 1, 3]


def test_a_system_that_does_not_tell_has_whole_cores(monkeypatch):
    monkeypatch.setattr(cores, "TOPOLOGY", "/nowhere/{}")
    assert cores.halves.__wrapped__(3) == "3"
    assert cores.allowed() == sorted(cores.allowed())
