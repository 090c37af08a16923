"""The overhead of a call follows its drift, and costs little."""

import pytest

from perflab.judge import overhead
from perflab.judge.overhead import FIRST, RARE, RECENT, STALE, Overhead


class World:
    """A clock that moves while calls are made, and what a call costs."""

    def __init__(self):
        self.now, self.cost, self.sampled = 100.0, 1e-4, 0

    def call(self, args):
        self.now += 3 * self.cost
        self.sampled += 1
        return self.cost


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(overhead.time, "monotonic", lambda: made.now)
    return made


def race(world, found, calls, seconds):
    """Make calls that last some seconds each; return the overhead that is taken off each."""
    known = []
    for _ in range(calls):
        known.append(found.seconds(()))
        world.now += seconds
    return known


def test_it_follows_a_drift_within_a_race(world):
    found = Overhead(world.call)
    assert race(world, found, 300, 2e-3)[-1] == 1e-4
    world.cost = 4e-4
    assert race(world, found, 300, 2e-3)[-1] == pytest.approx(4e-4)
    world.cost = 2e-4
    assert race(world, found, 300, 2e-3)[-1] == pytest.approx(2e-4)


def test_a_race_begins_with_samples_of_its_own(world):
    found = Overhead(world.call)
    race(world, found, 300, 2e-3)
    world.now, world.cost = world.now + 2 * STALE, 4e-4
    assert found.seconds(()) == pytest.approx(4e-4)


def test_single_samples_that_are_slow_do_not_count(world):
    found = Overhead(world.call)
    for i in range(10 * RECENT):
        world.cost = 1e-2 if i % 3 == 0 else 1e-4
        world.now = found._due
        assert found.seconds(()) <= 1e-2 if i < FIRST else found.seconds(()) == pytest.approx(1e-4)


@pytest.mark.parametrize("cost", [1e-5, 1e-4, 1e-2])
def test_it_costs_a_small_part_of_a_race_whatever_a_call_costs(world, cost):
    world.cost = cost
    found = Overhead(world.call)
    race(world, found, 1, 0.0)
    begun, before = world.now, world.sampled
    race(world, found, 1000, cost)
    assert 0 < (world.sampled - before) * 3 * cost < 1.5 / RARE * (world.now - begun)
