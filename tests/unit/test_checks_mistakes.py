"""Authors' mistakes in a call of a check: each is named."""

import math

import numpy as np
import pytest
from checking import make, passed, total

from perflab import check


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
