"""What checks say: hints, guesses compared with measurements, points and their reports."""

import json
from dataclasses import asdict, replace

import pytest
from checking import in_cell, make, passed, report, total

from perflab import check
from perflab.check import Points, Report

# --- hints


@pytest.fixture
def wrong():
    def add(array):
        return 0

    return {"add": add, "total": total, "make": make}


ASK = "check.correct(add, against=total, on=[make], points=2)"


def hint(grade_id, names):
    return in_cell(ASK, grade_id, names).report.hint


def test_hints_go_up_to_the_last(wrong):
    assert [hint("one", wrong) for _ in range(5)] == [1, 2, 3, 3, 3]


def test_each_cell_has_hints_of_its_own(wrong):
    assert [hint("one", wrong), hint("two", wrong), hint("one", wrong)] == [1, 1, 2]


def test_an_answer_that_was_not_begun_spends_no_hint(wrong):
    def add(array):
        raise NotImplementedError

    assert [hint("one", wrong | {"add": add}) for _ in range(3)] == [0, 0, 0]
    assert hint("one", wrong) == 1


def test_outside_of_a_tests_cell_there_is_no_hint(wrong):
    assert report(check.correct, wrong["add"], against=total, on=[make], points=2).hint == 0


# --- predicted


MEASURE = "check.counts(total, lambda r, a: 4.0, on=make, zero=0, full=8, points=2)"


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        (4, "You guessed 4; measured: 4. That is close."),
        (3.3, "You guessed 3.3; measured: 4. That is close."),
        (6, "You guessed 6; measured: 4. That is within a factor of two."),
        (0.5, "You guessed 0.5; measured: 4. That is off by a factor of 8."),
        (40, "You guessed 40; measured: 4. That is off by a factor of 10."),
        (0, "You guessed 0; measured: 4."),
        (-2, "You guessed -2; measured: 4."),
        (None, "Measured: 4. You made no guess; next time write one down first."),
        ("many", "Measured: 4. Your guess 'many' is no number."),
        ([4], "Measured: 4. Your guess [4] is no number."),
    ],
)
def test_a_guess_is_compared_with_the_cell_that_measured(guess, sentence):
    passed(total)
    in_cell(MEASURE, "tiny_count", {"total": total, "make": make})
    note = check.predicted(guess, "tiny_count")
    assert repr(note) == sentence
    assert sentence.replace("'", "&#x27;") in note._repr_html_()
    assert not isinstance(note, float)


def test_nothing_measured_yet():
    assert repr(check.predicted(3, "tiny_count")).startswith("Nothing has been measured yet")


# --- points and reports


def earned():
    passed(total)
    return check.counts(total, lambda r, a: 4.0, on=make, zero=0, full=8, points=3)


def test_points_are_a_float_in_every_way():
    points = earned()
    assert isinstance(points, Points)
    assert repr(points) == str(points) == "1.5"
    assert type(points + 1) is float
    assert points + 1 == 2.5
    assert sum([points, points]) == 3.0
    assert f"{points:g}" == "1.5"


def test_points_display_the_report_beside_their_plain_text():
    bundle = earned()._repr_mimebundle_()
    assert bundle["text/plain"] == "1.5"
    assert "1.5 of 3 points" in bundle["text/html"]
    assert bundle["application/vnd.perflab.report+json"]["points"] == 1.5


def test_a_report_reads_well_in_a_terminal():
    def metric(result, array):
        return 4.0

    passed(total)
    points = check.counts(total, metric, on=make, zero=0, full=8, points=3)
    assert points.report.as_text() == (
        "total: metric: 1.5 of 3 points\n"
        "  metric  4\n"
        "  target  8 for all points, 0 for none\n"
        "On the way to the target."
    )


def test_what_was_not_earned_is_zero_on_the_same_card(wrong):
    bundle = in_cell(ASK, "one", wrong)._repr_mimebundle_()
    assert bundle["text/plain"] == "0.0"
    assert "add: correct: 0 of 2 points" in bundle["text/html"]
    assert "Open hint 1 above" in bundle["text/html"]
    assert bundle["application/vnd.perflab.report+json"]["failure"] == "wrong"


def test_a_report_comes_back_from_its_plain_data():
    found = replace(earned().report, interval=(1.0, 4.0), rows=(("a", "1"), ("b", "2")))
    data = json.loads(json.dumps(asdict(found)))
    assert Report.of_data(data | {"hidden": True}) == found


def test_a_report_escapes_what_learners_write():
    def bad(array):
        return "<script>alert(1)</script>"

    bad.__name__ = "<b>bad</b>"
    page = report(check.correct, bad, against=lambda a: "", on=[make], points=1).as_html()
    assert "<script>" not in page
    assert "<b>" not in page
