"""Numbers as people write them: one form everywhere, no exponents, and never two that look alike but differ."""

import math
import re

import numpy as np
import pytest

from perflab import words


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (7, "7"),
        (1.5, "1.5"),
        (1e3, "1,000"),
        (999.7, "1,000"),
        (211_968, "211,968"),
        (1.11411e6, "1,114,110"),
        (np.int64(1_114_112), "1,114,112"),
        (np.float32(0.5), "0.5"),
        (236.4, "236"),
        (12.345, "12.3"),
        (99.96, "100"),
        (0.99996, "1"),
        (0.39349, "0.393"),
        (0.0099, "0.0099"),
        (1.234e-5, "0.0000123"),
        (-2.75, "-2.75"),
        (1e14, "100,000,000,000,000"),
        (math.inf, "infinite"),
        (-math.inf, "minus infinite"),
        (math.nan, "not a number"),
    ],
)
def test_a_number_is_written_for_people(x, text):
    assert words.number(x) == text


def test_no_ordinary_number_has_an_exponent():
    rng = np.random.default_rng(5)
    for x in 10 ** rng.uniform(-9, 15, 3000):
        written = words.number(x)
        assert "e" not in written, x
        assert math.isclose(float(written.replace(",", "")), x, rel_tol=0.0051), written
        assert re.fullmatch(r"\d{1,3}(,\d{3})*(\.\d*[1-9])?", written), written


@pytest.mark.parametrize(
    ("x", "other", "text"),
    [(1.4996, 1.5, "1.4996"), (1.5, 1.4996, "1.5"), (40.0004, 40, "40.0004"), (1.5, 1.5, "1.5"), (2.001, 9, "2")],
)
def test_what_differs_looks_different(x, other, text):
    assert words.number(x, [other]) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ns"),
        (5e-10, "0.5 ns"),
        (2.5e-8, "25 ns"),
        (3.25e-6, "3.25 µs"),
        (9.9999e-4, "1 ms"),
        (1.23456e-3, "1.23 ms"),
        (1.5, "1.5 s"),
        (75.0, "75 s"),
        (3600, "3,600 s"),
    ],
)
def test_a_time_has_its_unit(seconds, text):
    assert words.duration(seconds) == text


def test_who_reaches_a_bound_as_written_reaches_the_bound():
    rng = np.random.default_rng(6)
    for x in 10 ** rng.uniform(-3, 7, 2000):
        at_least, at_most = (float(say(x).replace(",", "")) for say in (words.at_least, words.at_most))
        assert at_most <= x * (1 + 1e-9)
        assert at_least >= x * (1 - 1e-9)
        assert at_least / at_most < 1.011
    assert [words.at_least(1.8899), words.at_most(33.34)] == ["1.89", "33.3"]
    assert words.at_least(0.3) == words.at_most(0.3) == "0.3"
    assert words.at_least(0.0) == "0"


def test_one_is_no_plural():
    assert [words.counted(n, "pair") for n in (0, 1, 2)] == ["0 pairs", "1 pair", "2 pairs"]
    assert words.counted(2, "count", "counts") == "2 counts"
