"""Where a measurement lies from the lines of points, in words that are exact, whichever way is better."""

import re

import pytest

from perflab.check.judged import of_count, of_ratio
from perflab.check.ramp import Ramp
from perflab.timing import Interval


def timed(low, high, zero=1.5, full=6.0, points=3):
    ramp = Ramp(zero, full, points, logarithmic=True)
    return of_ratio("fn: faster", "ratio", Interval((low + high) / 2, low, high), 41, ramp, (("slow", "1 ms"),))


@pytest.mark.parametrize(
    ("low", "high", "points", "failure", "sentence"),
    [
        # Below: the only place where it says that this is not there.
        (
            *(0.324, 0.393, 0, "short"),
            "The whole interval, 0.324 to 0.393, lies below 1.5, where points begin. "
            "The first half point takes at least 1.89, all points 6.",
        ),
        # Over the line where points begin.
        (
            *(1.47, 2.9, 0, "unsure"),
            "The interval, 1.47 to 2.9, holds the line at 1.5, where points begin: 0 points for now, up to 1 if "
            "it is confirmed.",
        ),
        (
            *(1.4996, 1.77, 0, "unsure"),
            "The interval, 1.4996 to 1.77, holds the line at 1.5, where points begin: 0 points at either end. "
            "The first half point takes at least 1.89, all points 6.",
        ),
        # Between.
        (
            *(1.55, 1.6, 0, "short"),
            "On the way: points go by the lower end of the interval, 1.55. The first half point takes at least "
            "1.89, all points 6.",
        ),
        (
            *(2.9, 5.9, 1, "short"),
            "On the way: points go by the lower end of the interval, 2.9. Half a point more takes at least 3, all "
            "points 6.",
        ),
        (
            *(5, 5.9, 2.5, "short"),
            "On the way: points go by the lower end of the interval, 5. The rest takes at least 6.",
        ),
        # Over the line where all are earned, and over both.
        (
            *(5.5, 6.5, 2.5, "unsure"),
            "The interval, 5.5 to 6.5, holds the line at 6, where all points are earned: 2.5 points for now, up "
            "to 3 if it is confirmed.",
        ),
        (
            *(1.4, 6.5, 0, "unsure"),
            "The interval, 1.4 to 6.5, holds both lines: 1.5, where points begin, and 6, where all are earned: "
            "0 points for now, up to 3 if it is confirmed.",
        ),
        # Above.
        (*(6.0, 9, 3, ""), "The target of 6 is reached by the whole interval, 6 to 9."),
    ],
)
def test_an_interval_lies_below_over_or_above_a_line(low, high, points, failure, sentence):
    found = timed(low, high)
    assert (found.points, found.failure, found.sentence) == (points, failure, sentence)
    assert found.unsure is (failure == "unsure")
    assert (found.value, found.interval, found.zero, found.target) == ((low + high) / 2, (low, high), 1.5, 6.0)


def test_only_an_interval_that_spans_no_line_is_called_not_there():
    for low in (0.3, 1.0, 1.49, 1.5, 2.0, 5.9, 6.0, 7.0):
        for high in (0.31, 1.0, 1.5, 1.51, 3.0, 6.0, 6.01, 9.0):
            if low <= high:
                found = timed(low, high)
                assert found.unsure is (low < 1.5 < high or low < 6.0 < high)
                assert ("lies below" in found.sentence) is (high <= 1.5)
                assert ("holds" in found.sentence) is found.unsure
                assert ("is reached" in found.sentence) is (low >= 6.0)


def test_noise_is_said_with_what_to_do():
    assert "run the cell again" in timed(1.47, 1.77).as_text()
    assert "run the cell again" not in timed(1.6, 1.77).as_text()


@pytest.mark.parametrize(
    ("value", "zero", "full", "points", "sentence"),
    [
        (
            39,
            40,
            0,
            0,
            "Points begin below 40, and this is 39. The first half point takes at most 33.3, all points 0.",
        ),
        (
            64,
            40,
            0,
            0,
            "Points begin below 40, and this is 64. The first half point takes at most 33.3, all points 0.",
        ),
        (
            40,
            40,
            0,
            0,
            "Points begin below 40, and this is 40. The first half point takes at most 33.3, all points 0.",
        ),
        (
            20,
            40,
            0,
            1.5,
            "On the way: this is 20, and the target is 0. Half a point more takes at most 13.3, all points 0.",
        ),
        (5, 40, 0, 2.5, "On the way: this is 5, and the target is 0. The rest takes at most 0."),
        (0, 40, 0, 3, "The target of 0 is reached."),
        (
            0.2,
            0,
            8,
            0,
            "Points begin above 0, and this is 0.2. The first half point takes at least 1.34, all points 8.",
        ),
        (8e6, 0, 8, 3, "The target of 8 is reached."),
        (
            *(1_114_110, 100_000, 1_000, 0),
            "Points begin below 100,000, and this is 1,114,110. The first half point takes at most 83,500, all "
            "points 1,000.",
        ),
    ],
)
def test_a_count_says_what_is_missing_and_in_which_direction(value, zero, full, points, sentence):
    found = of_count("fn: things", "things", value, Ramp(zero, full, 3), ())
    assert (found.points, found.sentence) == (points, sentence)
    assert found.failure == ("" if points == 3 else "short")


@pytest.mark.parametrize("ramp", [Ramp(40, 0, 3), Ramp(0.55, 0.99, 2), Ramp(1.5, 5, 3, logarithmic=True)], ids=str)
def test_the_value_that_is_asked_for_earns_what_is_said(ramp):
    for share in (-0.5, 0.0, 0.1, 0.34, 0.5, 0.77, 0.99):
        value = ramp.zero + share * (ramp.full - ramp.zero)
        found = of_count("fn: things", "things", value, ramp, ())
        asked = float(re.search(r"takes at (?:least|most) ([\d.]+\d|\d+)", found.sentence)[1])
        assert ramp.earned(asked) == found.points + 0.5


def test_what_is_no_finite_number_is_none_for_programs_and_a_word_for_people():
    found = of_count("fn: things", "things", float("inf"), Ramp(40, 0, 3), ())
    assert found.value is None
    assert "this is infinite" in found.sentence


def test_one_number_has_one_form_on_a_card():
    found = timed(2.345678, 2.5)
    assert found.as_text().count("2.35") == 2
    assert "2.345" not in found.as_text()
