"""What checks say: hints, guesses compared with measurements, points and their reports."""

import html
import json
from dataclasses import asdict, replace

import pytest
from checking import in_cell, make, passed, report, run, total

from perflab import check
from perflab.check import FunctionFailedError, Points, Report, seen
from perflab.check.report import refused

# --- hints


ASK = "check.correct(add, against=total, on=[make], points=2)"
COUNT = "check.counts(add, lambda r, a: {value}, on=make, zero=0, full=8, points=3)"


def answer(code, ask=ASK, cell="one", about="2 points"):
    """Return the report of a tests cell on an answer whose body is `code`."""
    written = run(f"def add(array):\n    {code}\n", f"answer {code}", {"total": total, "make": make})
    return in_cell(ask, cell, written, about).report


def test_hints_go_up_with_each_version_of_the_answer():
    assert [answer(f"return {i}").hint for i in range(5)] == [1, 2, 3, 3, 3]


def test_running_the_same_answer_again_is_no_other_attempt():
    assert [answer("return 0").hint for _ in range(4)] == [1, 1, 1, 1]
    assert answer("return 1").hint == 2


def test_a_changed_helper_is_another_version():
    assert answer("return a() if False else 0").hint == 1
    assert answer("return b() if False else 0").hint == 2


def test_code_whose_text_is_not_known_has_versions_too():
    def add(text):
        names = {"total": total, "make": make}
        exec(compile(f"def add(array):\n    {text}", "<nowhere>", "exec"), names)
        return in_cell(ASK, "one", names).report.hint

    assert [add("return 0"), add("return 0"), add("return 1")] == [1, 1, 2]


def test_each_cell_has_hints_of_its_own():
    assert [answer("return 0", cell=cell).hint for cell in ("one", "two")] == [1, 1]
    assert [answer("return 1", cell=cell).hint for cell in ("one", "two")] == [2, 2]


@pytest.mark.parametrize(
    ("about", "hints"),
    [("1 point, hints 2-3", [2, 3, 3]), ("1 point, hint 3", [3, 3, 3]), ("1.5 points, hints 1-2", [1, 2, 2])],
)
def test_a_cell_says_which_hints_are_about_it(about, hints):
    assert [answer(f"return {i}", about=about).hint for i in range(3)] == hints


def test_who_has_part_of_the_points_needs_no_nudge():
    names = {"add": passed(lambda array: int(array.sum())), "make": make}
    found = in_cell(COUNT.format(value=4.0), "two", names).report
    assert (found.points, found.failure, found.hint) == (1.5, "short", 2)


def test_all_points_need_no_hint():
    assert answer("return int(array.sum())").hint == 0


@pytest.mark.parametrize("why", ["cannot be counted: line 3 has an await", "cannot be explored: line 1 has eval"])
def test_code_that_no_instrument_may_run_beside_needs_no_hint(why):
    assert refused("f: calls", 2, FunctionFailedError(f"f {why}.")).failure == "blocked"
    assert refused("f: calls", 2, FunctionFailedError("f raised ValueError.")).failure == "wrong"


def test_an_answer_that_was_not_begun_spends_no_hint():
    found = answer("raise NotImplementedError")
    assert (found.failure, found.hint) == ("unwritten", 0)
    assert answer("return 0").hint == 1


def test_outside_of_a_tests_cell_there_is_no_hint():
    assert report(check.correct, lambda array: 0, against=total, on=[make], points=2).hint == 0


# --- cells that wait for others


def test_a_cell_that_waits_for_another_names_it_and_gives_no_hint():
    names = run("def add(array):\n    return 0\n", "answer", {"total": total, "make": make})
    in_cell(ASK, "tiny_correct", names)
    found = in_cell(COUNT.format(value=4.0), "tiny_count", names).report
    assert found.sentence.startswith("First mend add: it does not pass the cell `tiny_correct`.")
    assert (found.points, found.failure, found.hint) == (0, "blocked", 0)


def test_a_version_that_no_cell_has_checked_yet_is_sent_to_the_cell_that_does():
    for value in (0, 1):
        names = run(f"def add(array):\n    return {value}\n", "answer", {"total": total, "make": make})
        if value == 0:
            in_cell(ASK, "tiny_correct", names)
    found = in_cell(COUNT.format(value=4.0), "tiny_count", names).report
    assert "First run the cell `tiny_correct`: it has not seen add as it is now." in found.sentence


# --- predicted


MEASURE = "check.counts(total, metric, on=make, zero=0, full=8, points=2)"
CELL = "The cell `tiny_count` measured 4 (four each)"
BOTH = CELL.replace("The", "the")


def measure(value=4.0):
    def four_each(result, array):
        return value

    in_cell(MEASURE, "tiny_count", {"total": passed(total), "make": make, "metric": four_each})


@pytest.mark.parametrize(
    ("guess", "sentence"),
    [
        (4, f"You guessed 4; {BOTH}. That is close."),
        (3.3, f"You guessed 3.3; {BOTH}. That is close."),
        (6, f"You guessed 6; {BOTH}. That is within a factor of two."),
        (0.5, f"You guessed 0.5; {BOTH}. That is off by a factor of 8."),
        (4e6, f"You guessed 4,000,000; {BOTH}. That is off by a factor of 1,000,000."),
        (0, f"You guessed 0; {BOTH}."),
        (-2, f"You guessed -2; {BOTH}."),
        (None, f"{CELL}. You made no guess; next time write one down first."),
        ("many", f"{CELL}. Your guess 'many' is no number."),
        ([4], f"{CELL}. Your guess [4] is no number."),
        (float("nan"), f"{CELL}. Your guess nan is no number."),
        (float("inf"), f"{CELL}. Your guess inf is no number."),
        (10**400, f"{CELL}. Your guess 1{'0' * 400} is no number."),
    ],
)
def test_a_guess_is_compared_with_the_cell_that_measured(guess, sentence):
    measure()
    note = check.predicted(guess, "tiny_count")
    assert repr(note) == sentence
    assert html.escape(sentence) in note._repr_html_()
    assert not isinstance(note, float)


def test_a_guess_about_something_else_is_not_called_close():
    measure()
    found = repr(check.predicted(4, "tiny_count", of="three each"))
    assert found.startswith("You guessed 4 (three each); the cell `tiny_count` measured 4 (four each).")
    assert "two quantities" in found
    assert "close" not in found
    assert repr(check.predicted(4, "tiny_count", of="four each")).endswith("That is close.")


def test_a_guess_is_compared_with_what_the_picture_measured_itself():
    note = repr(check.predicted(5, measured=4, of="stones"))
    assert note == "You guessed 5; this cell measured 4 (stones). That is within a factor of two."
    assert repr(check.predicted(None, measured=4, of="stones")).startswith(
        "This cell measured 4 (stones). You made no"
    )
    assert repr(check.predicted(0, measured=4, of="stones")) == "You guessed 0; this cell measured 4 (stones)."


def test_a_picture_in_a_sandbox_is_told_what_was_measured_outside_and_no_reason():
    measure()
    in_cell(ASK, "tiny_correct", {"add": lambda array: 0, "total": total, "make": make})
    told = eval(repr(seen.latest()))  # as a judge writes it into a cell
    seen.start_over()
    seen.recall(told)
    assert repr(check.predicted(4, "tiny_count")) == f"You guessed 4; {BOTH}. That is close."
    assert repr(check.predicted(4, "tiny_correct")) == "The cell `tiny_correct` has measured nothing."


def test_what_was_not_run_is_told_from_what_measured_nothing():
    assert repr(check.predicted(3, "tiny_count")) == "The cell `tiny_count` has not been run yet: run it first."
    measure(float("inf"))
    assert repr(check.predicted(3, "tiny_count")).startswith(
        "The cell `tiny_count` has measured nothing. The target"
    )


def test_why_a_cell_measured_nothing_is_said():
    names = {"add": lambda array: 0, "total": total, "make": make}
    in_cell(ASK, "tiny_correct", names)
    in_cell(COUNT.format(value=4.0), "tiny_count", names)
    found = repr(check.predicted(3, "tiny_count"))
    assert found.startswith("The cell `tiny_count` has measured nothing. First mend your function: it")
    assert "`tiny_correct`" in found


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
        "On the way: this is 4, and the target is 8. Half a point more takes at least 5.34, all points 8."
    )


def test_what_was_not_earned_is_zero_on_the_same_card():
    names = {"add": lambda array: 0, "total": total, "make": make}
    bundle = in_cell(ASK, "one", names)._repr_mimebundle_()
    assert bundle["text/plain"] == "0.0"
    assert "Your function: correct: 0 of 2 points" in bundle["text/html"]
    assert "Open hint 1 above" in bundle["text/html"]
    assert bundle["application/vnd.perflab.report+json"]["failure"] == "wrong"


def test_a_report_comes_back_from_its_plain_data():
    found = replace(earned().report, interval=(1.0, 4.0), rows=(("a", "1"), ("b", "2")))
    data = json.loads(json.dumps(asdict(found)))
    assert Report.of_data(data | {"hidden": True}) == found


def test_what_has_no_name_is_called_what_it_is():
    add = passed(lambda array: int(array.sum()), against=lambda array: int(array.sum()))
    agree = check.correct(add, against=lambda array: int(array.sum()), on=[make], points=1).report
    assert (agree.title, agree.sentence) == ("Your function: correct", "1 case agrees with the reference.")
    counted = check.counts(add, lambda *_: 4.0, on=make, zero=0, full=8, points=1).report
    assert (counted.title, counted.rows[0]) == (
        "Your function: what this cell counts",
        ("what this cell counts", "4"),
    )
    options = {"than": lambda array: int(array.sum()), "on": lambda rng: make(rng), "zero": 1.5, "full": 90}
    raced = check.faster(add, **options, points=1).report
    assert [name for name, _ in raced.rows[:2]] == ["the baseline", "your function"]
    options = {"than": (add, lambda rng: make(rng)), "on": make, "zero": 0.001, "full": 0.002}
    assert "your function on the other input" in dict(check.faster(add, **options, points=1).report.rows)
    assert "<lambda>" not in "".join(one.as_html() for one in (agree, counted, raced))
    fails = report(check.correct, lambda array: 1 / 0, against=total, on=[make], points=1)
    assert fails.sentence.startswith("Your function raised ZeroDivisionError")


@pytest.mark.parametrize(
    ("points", "unsure", "color"),
    [(0.0, False, "#b3261e"), (0.0, True, "#b26a00"), (1.0, False, "#b26a00"), (3.0, False, "#2e7d32")],
)
def test_one_card_for_all_points(points, unsure, color):
    page = Report("fn: correct", points, 3.0, "Why.", (("case", "1"),), unsure=unsure).as_html()
    assert page.startswith(f'<div style="border-left:4px solid {color}')
    assert f"{points:g} of 3 points" in page


def test_a_report_escapes_what_learners_write():
    def bad(array):
        return "<script>alert(1)</script>"

    bad.__name__ = "<b>bad</b>"
    page = report(check.correct, bad, against=lambda a: "", on=[make], points=1).as_html()
    assert "<script>" not in page
    assert "<b>" not in page
