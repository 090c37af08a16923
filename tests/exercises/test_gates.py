"""The author's gates, for every exercise: solved is full, untouched is nothing, mutants lose what they should."""

from collections import Counter
from pathlib import Path

import pytest

from perflab.course import gates
from perflab.course.gates import Run, busy
from perflab.course.lint import lint
from perflab.course.source import Exercise, read_all

ROOT = Path(__file__).parents[2]
EXERCISES = read_all(ROOT / "solutions")
# CPU seconds, so that another program on the machine does not spend the budget.
BUDGET_TESTS = 4.0  # of all tests cells of a solved notebook
BUDGET_GATES = 15.0  # of all gates of an exercise

spent: Counter[str] = Counter()  # CPU seconds of the gates so far, by exercise


def every(exercises: list[Exercise] = EXERCISES):
    return pytest.mark.parametrize("exercise", exercises, ids=lambda e: e.name)


def full(exercise: Exercise) -> dict[str, float]:
    return {cell.grade_id: cell.points for cell in exercise.of_role("tests")}


def grade(exercise: Exercise, answer: str | None = None, strip: bool = False) -> Run:
    run = gates.grade(exercise, answer, strip)
    spent[exercise.name] += run.seconds
    return run


def mutants(exercise: Exercise):
    return gates.mutants(ROOT / "tests" / "exercises" / f"{exercise.name}.py")


def test_there_are_exercises():
    assert EXERCISES


@every()
def test_breaks_no_rule(exercise):
    assert not lint(exercise, ROOT)


@every()
def test_solved_earns_everything(exercise):
    run = grade(exercise)
    assert run.points == full(exercise), run.reports
    seconds = sum(result.seconds for result in run.cells.values())
    assert seconds <= BUDGET_TESTS, f"tests cells took {seconds:.1f} s"


@every()
def test_solved_earns_everything_on_a_busy_machine(exercise):
    with busy():
        run = grade(exercise)
    assert run.points == full(exercise), run.reports


@every()
def test_untouched_earns_nothing(exercise):
    run = grade(exercise, strip=True)
    assert run.points == dict.fromkeys(full(exercise), 0.0), run.reports


def cases(names=None):
    return [
        pytest.param(exercise, name, id=f"{exercise.name}-{name}")
        for exercise in EXERCISES
        for name in mutants(exercise)
        if names is None or name in names
    ]


def assert_loses(exercise, name):
    answer, expected = mutants(exercise)[name]
    run = grade(exercise, answer)
    assert set(run.cells) == set(expected)
    for cell, want in expected.items():
        low, high = want if isinstance(want, tuple) else (want, want)
        assert low <= run.points[cell] <= high, f"{cell}: expected {want}\n{run.reports}"


@pytest.mark.parametrize(("exercise", "name"), cases())
def test_mutant_loses_what_it_should(exercise, name):
    assert_loses(exercise, name)


@pytest.mark.parametrize(("exercise", "name"), cases({"naive"}))
def test_naive_loses_on_a_busy_machine(exercise, name):
    with busy():
        assert_loses(exercise, name)


@every()
def test_mutants_cover_the_usual_ways(exercise):
    """The naive code, a fast wrong answer, the wrong lever, and one that replays or memoizes."""
    assert {"naive", "wrong_but_fast", "wrong_lever", "memo"} <= set(mutants(exercise))


@every()
def test_mutants_are_no_answers(exercise):
    """A mutant that is expected to earn everything is no mutant; a check that gives all anyway has no teeth."""
    for cell, most in full(exercise).items():
        wants = [expected[cell] for _, expected in mutants(exercise).values()]
        assert any(want == 0 or (isinstance(want, tuple) and want[0] == 0 and want[1] < most) for want in wants), (
            cell
        )


@every()
def test_gates_keep_their_budget(exercise):
    """Comes last: long series belong into `make bench`."""
    assert spent[exercise.name] <= BUDGET_GATES, f"gates took {spent[exercise.name]:.1f} s"
