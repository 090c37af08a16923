"""From a value to points: half points, rounded down, in both directions; and when measuring may stop."""

import math

import pytest

from perflab.check.ramp import Ramp, log_share, settled, steps
from perflab.timing import Interval

INF = math.inf


@pytest.mark.parametrize(
    ("share", "earned"),
    [
        (-INF, 0.0),
        (-0.5, 0.0),
        (0.0, 0.0),
        (0.16, 0.0),
        (1 / 6, 0.5),
        (0.3, 0.5),
        (1 / 3, 1.0),
        (0.5, 1.5),
        (0.99, 2.5),
        (1.0, 3.0),
        (7.0, 3.0),
        (INF, 3.0),
        (math.nan, 0.0),
    ],
)
def test_points_come_in_halves_and_round_down(share, earned):
    points = steps(share, 3)
    assert points == earned
    assert type(points) is float


@pytest.mark.parametrize("points", [0.5, 1, 2.5, 3, 7, 10])
def test_every_step_is_reached_exactly_at_its_share(points):
    for count in range(int(points * 2) + 1):
        assert steps(count / (points * 2), points) == count / 2


def test_a_share_below_one_never_gives_everything():
    assert steps(1 - 1e-6, 10) == 9.5


@pytest.mark.parametrize(
    ("value", "zero", "full", "share"),
    [
        (1.5, 1.5, 6.0, 0.0),
        (3.0, 1.5, 6.0, 0.5),
        (6.0, 1.5, 6.0, 1.0),
        (24.0, 1.5, 6.0, 2.0),
        (0.75, 1.5, 6.0, -0.5),
        # Less is better where full lies below zero.
        (4.0, 8.0, 2.0, 0.5),
        (1.0, 8.0, 2.0, 1.5),
        (16.0, 8.0, 2.0, -0.5),
        (0.0, 1.5, 6.0, -INF),
        (-1.0, 1.5, 6.0, -INF),
        (INF, 1.5, 6.0, INF),
        (0.0, 8.0, 2.0, INF),
        (INF, 8.0, 2.0, -INF),
    ],
)
def test_the_share_is_logarithmic(value, zero, full, share):
    assert log_share(value, zero, full) == pytest.approx(share)


@pytest.mark.parametrize(
    ("low", "high", "stop"),
    [
        (0.5, 1.0, True),  # all below zero
        (0.5, 1.5, True),  # reaches zero
        (6.0, 9.0, True),  # all above full
        (7.0, INF, True),
        (0.0, INF, False),  # nothing known yet
        (1.4, 1.6, False),  # spans zero
        (5.5, 6.5, False),  # spans full
        (1.4, 6.5, False),
        (2.9, 3.1, True),  # between, within one step
        (2.0, 5.0, False),  # between, several steps
    ],
)
def test_measuring_stops_when_more_pairs_cannot_change_the_points(low, high, stop):
    assert settled(Interval((low + high) / 2, low, high), Ramp(1.5, 6.0, 3, logarithmic=True)) is stop


def test_more_points_ask_for_a_sharper_interval():
    i = Interval(3.0, 2.7, 3.3)
    assert settled(i, Ramp(1.5, 6.0, 1, logarithmic=True))
    assert not settled(i, Ramp(1.5, 6.0, 10, logarithmic=True))


@pytest.mark.parametrize(
    "ramp",
    [Ramp(1.5, 6.0, 3, logarithmic=True), Ramp(0.4, 0.9, 2.5, logarithmic=True), Ramp(8, 2, 3), Ramp(40, 0, 0.5)],
    ids=str,
)
def test_a_value_is_known_for_all_points(ramp):
    for half in range(int(ramp.points * 2) + 1):
        value = ramp.value_at(half / 2)
        assert ramp.earned(value) == half / 2
        # A little less good is worth half a point less.
        worse = value - 1e-6 * (ramp.full - ramp.zero)
        assert ramp.earned(worse) == max(half / 2 - 0.5, 0)
