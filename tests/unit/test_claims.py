"""What a page claims fails its build where the run denies it, and leaves a note where the run can't tell."""

import numpy as np
import pytest

from perflab import claims
from perflab.timing import Comparison, Pairs, interval


def compared(low, ratio, high, threshold=1.0):
    pairs = Pairs(np.ones(9), np.ones(9), interval(np.ones(9)))
    verdict = "above" if low > threshold else "below" if high < threshold else "unsure"
    return Comparison(ratio, low, high, verdict, threshold, pairs)


@pytest.mark.parametrize(
    ("low", "high", "bounds", "outcome"),
    [
        (1.2, 1.3, {}, "holds"),
        (0.8, 0.9, {}, "denied"),
        (0.9, 1.1, {}, "noisy"),
        (1.2, 1.3, {"above": 1.1}, "holds"),
        (0.7, 0.9, {"below": 1}, "holds"),
        (1.1, 1.2, {"below": 1}, "denied"),
        (0.9, 1.1, {"below": 1}, "noisy"),
        (0.97, 1.03, {"above": 0.95, "below": 1.05}, "holds"),
        (0.9, 1.03, {"above": 0.95, "below": 1.05}, "noisy"),
        (0.8, 0.9, {"above": 0.95, "below": 1.05}, "denied"),
        (1.1, 1.2, {"above": 0.95, "below": 1.05}, "denied"),
        (0.5, 2.0, {"above": 0.95, "below": 1.05}, "noisy"),
    ],
)
def test_a_comparison_between_bounds(capsys, low, high, bounds, outcome):
    one = compared(low, (low + high) / 2, high)
    if outcome == "denied":
        with pytest.raises(AssertionError, match=r"claims that it pays; this run says otherwise: .* is not"):
            claims.claim("it pays", one, **bounds)
        return
    claims.claim("it pays", one, **bounds)
    assert capsys.readouterr().out.startswith("Too noisy to say: it pays") == (outcome == "noisy")


def test_a_comparison_has_a_threshold_of_its_own():
    with pytest.raises(AssertionError, match=r"1\.3 \[1\.2, 1\.4\] is not above 2"):
        claims.claim("it doubles", compared(1.2, 1.3, 1.4, threshold=2.0))


def test_a_condition(capsys):
    claims.claim("it is so", True)
    claims.claim("it is so", False, noisy=True)
    assert capsys.readouterr().out == "Too noisy to say: it is so.\n"
    with pytest.raises(AssertionError, match="The page claims that it is so; this run says otherwise"):
        claims.claim("it is so", False)


def test_what_makes_no_sense():
    with pytest.raises(TypeError, match="noisy"):
        claims.claim("it pays", compared(1, 1.1, 1.2), noisy=True)
    with pytest.raises(TypeError, match="above and below"):
        claims.claim("it pays", True, above=1)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.2, 1.3, "gains"),
        (0.7, 0.8, "loses"),
        (0.96, 1.04, "even"),
        (1.01, 1.04, "even"),
        (0.9, 1.1, "unsure"),
        (0.9, 1.04, "unsure"),
    ],
)
def test_the_sentence_that_a_run_bears_out(low, high, said):
    sentences = {word: word for word in ("gains", "even", "loses", "unsure")}
    assert claims.choose(compared(low, 1, high), **sentences) == said
