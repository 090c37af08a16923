"""The author's gates, for every exercise: solved is full, untouched is nothing, mutants lose what they should."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
import tempo

from perflab.course import gates
from perflab.course.gates import Run, busy
from perflab.course.lint import lint
from perflab.course.source import Exercise, read_all

ROOT = Path(__file__).parents[2]
EXERCISES = read_all(ROOT / "solutions")
# CPU seconds of a typical machine, so that neither another program nor a slower processor spends the budget.
BUDGET_TESTS = 4.0  # of all tests cells of a solved notebook
BUDGET_GATES = 15.0  # of all gates of an exercise
MARGIN = 2  # times a budget that fail here; `benchmarks/gates.py` tells by how much each is kept
SOLVED, UNTOUCHED = "solved", "untouched"  # beside the names of mutants
BUSY = "both cores busy"

known: dict[tuple[str, str, str], tuple[Run, float]] = {}  # runs, and how slow the machine was meanwhile


def every(exercises: list[Exercise] = EXERCISES):
    return pytest.mark.parametrize("exercise", exercises, ids=lambda e: e.name)


def full(exercise: Exercise) -> dict[str, float]:
    return {cell.grade_id: cell.points for cell in exercise.of_role("tests")}


def gates_of(exercise: Exercise) -> list[tuple[str, str]]:
    """Return all that is run for an exercise: what is graded, and what else runs meanwhile."""
    return [
        (SOLVED, ""),
        (SOLVED, BUSY),
        (UNTOUCHED, ""),
        *((name, "") for name in mutants(exercise)),
        ("naive", BUSY),
    ]


def measured(exercise: Exercise, gate: str, load: str = "") -> tuple[Run, float]:
    """Run a gate, once; return also how many CPU seconds this machine needed for one of a typical machine."""
    key = exercise.name, gate, load
    if key not in known:
        answer = None if gate in (SOLVED, UNTOUCHED) else mutants(exercise)[gate][0]
        with busy() if load else nullcontext():
            run = gates.grade(exercise, answer, strip=gate == UNTOUCHED)
            known[key] = run, tempo.slowness(load)
    return known[key]


def grade(exercise: Exercise, gate: str, load: str = "") -> Run:
    return measured(exercise, gate, load)[0]


def spent(exercise: Exercise) -> float:
    """Return the typical seconds of all gates of an exercise."""
    return sum(
        run.seconds / slowness for run, slowness in (measured(exercise, *gate) for gate in gates_of(exercise))
    )


def spent_by_tests(exercise: Exercise) -> float:
    """Return the typical seconds of the tests cells of the solved notebook."""
    run, slowness = measured(exercise, SOLVED)
    return sum(result.seconds for result in run.cells.values()) / slowness


def mutants(exercise: Exercise):
    return gates.mutants(ROOT / "tests" / "exercises" / f"{exercise.name}.py")


def test_there_are_exercises():
    assert EXERCISES


@every()
def test_breaks_no_rule(exercise):
    assert not lint(exercise, ROOT)


@every()
def test_solved_earns_everything(exercise):
    run = grade(exercise, SOLVED)
    assert run.points == full(exercise), run.reports


@every()
def test_solved_earns_everything_on_a_busy_machine(exercise):
    run = grade(exercise, SOLVED, BUSY)
    assert run.points == full(exercise), run.reports


@every()
def test_untouched_earns_nothing(exercise):
    run = grade(exercise, UNTOUCHED)
    assert run.points == dict.fromkeys(full(exercise), 0.0), run.reports


def cases(names=None):
    return [
        pytest.param(exercise, name, id=f"{exercise.name}-{name}")
        for exercise in EXERCISES
        for name in mutants(exercise)
        if names is None or name in names
    ]


def assert_loses(exercise, name, load=""):
    _, expected = mutants(exercise)[name]
    run = grade(exercise, name, load)
    assert set(run.cells) == set(expected)
    for cell, want in expected.items():
        low, high = want if isinstance(want, tuple) else (want, want)
        assert low <= run.points[cell] <= high, f"{cell}: expected {want}\n{run.reports}"


@pytest.mark.parametrize(("exercise", "name"), cases())
def test_mutant_loses_what_it_should(exercise, name):
    assert_loses(exercise, name)


@pytest.mark.parametrize(("exercise", "name"), cases({"naive"}))
def test_naive_loses_on_a_busy_machine(exercise, name):
    assert_loses(exercise, name, BUSY)


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


def timed(exercise: Exercise) -> set[str]:
    return {
        cell.grade_id for cell in exercise.of_role("tests") if re.search(r"check\.(faster|reaches)\(", cell.source)
    }


@every()
def test_twins_say_of_timed_points_what_holds_on_every_processor(exercise):
    """Nothing, everything, or at most so many: the ratio of an answer that is half-way differs by a factor."""
    for name, (_, expected) in mutants(exercise).items():
        for cell in timed(exercise):
            want = expected[cell]
            at_ends = want in (0, full(exercise)[cell])
            assert at_ends or (isinstance(want, tuple) and want[0] == 0), f"{name}: {cell}: {want}"


@every()
def test_gates_keep_their_budget(exercise):
    """Far too much fails, wherever it runs: long series belong into `make bench`."""
    assert spent_by_tests(exercise) <= MARGIN * BUDGET_TESTS
    assert spent(exercise) <= MARGIN * BUDGET_GATES


@every(EXERCISES[:1])
def test_a_budget_is_exceeded_by_work_and_not_by_a_slow_machine(exercise, monkeypatch):
    monkeypatch.setattr(tempo, "TYPICAL", tempo.TYPICAL / 100)
    monkeypatch.setattr(tempo, "_known", {})
    slow = tempo.slowness()
    for gate in gates_of(exercise):
        monkeypatch.setitem(known, (exercise.name, *gate), (Run({}, slow), slow))
    assert spent(exercise) == pytest.approx(len(gates_of(exercise)))
    monkeypatch.setitem(known, (exercise.name, SOLVED, ""), (Run({}, MARGIN * BUDGET_GATES * slow), slow))
    with pytest.raises(AssertionError):
        test_gates_keep_their_budget(exercise)
