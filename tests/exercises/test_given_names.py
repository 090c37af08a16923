"""Answers that replace what the given cell defines: no points are gained so, and none are lost."""

from pathlib import Path

import pytest

from perflab.check import given
from perflab.course import gates, names
from perflab.course.source import read, read_all

ROOT = Path(__file__).parents[2]
EXERCISES = read_all(ROOT / "solutions")
# By exercise, what strangers have put beside the naive code: makers, constants, baselines, clocks, metrics.
DOORS = {
    "cpu/lookup_table": ["def make_name(rng, n=0, ranges=0):\n    return (np.zeros(0, np.uint8),) * 3"],
    "io/buffered_writer": [
        "BUFFER = 1 << 40",
        "def log_each(program):\n    for _ in range(10**5): program('write')",
    ],
    "io/group_commit": ["SYNC = WRITE = 0.0", "def make_day(rng, count=0, gap=9.0):\n    return ()"],
    "io/double_buffering": ["BUFFERS = 1 << 20"],
    "system/cheap_clock": ["CLOCK = 0"],
    "cpu/beat_the_predictor": ["def wrong_guesses(outcomes, history):\n    return outcomes * 0"],
    "memory/soa_vs_aos": ["check.correct = check.correct\ncheck = None"],
}


def naive(name):
    return gates.mutants(ROOT / "tests" / "exercises" / f"{name}.py")["naive"]


@pytest.mark.parametrize(("name", "swap"), [(name, swap) for name, swaps in DOORS.items() for swap in swaps])
def test_the_naive_code_gains_nothing(name, swap):
    answer, expected = naive(name)
    run = gates.grade(read(ROOT / "solutions" / f"{name}.py"), f"{answer}\n{swap}\n")
    for cell, want in expected.items():
        low, high = want if isinstance(want, tuple) else (want, want)
        assert low <= run.points[cell] <= high, run.reports
    assert "of the given cells" in run.reports


def replaced(exercise):
    """Return code that gives another meaning to all that the answer itself does not use."""
    given_cells, answers = ([cell.source for cell in exercise.of_role(role)] for role in ("given", "answer"))
    course = set().union(*map(given.bound, given_cells))
    used = names.reached(*map(names.functions, (answers, [*given_cells, *answers])))
    free = sorted(course - used - {"check"})
    return free, "".join(f"{name} = None\n" for name in free)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_a_right_answer_loses_nothing(exercise):
    free, swap = replaced(exercise)
    assert free
    solved = "\n\n".join(cell.source for cell in exercise.of_role("answer"))
    run = gates.grade(exercise, f"{solved}\n{swap}")
    assert run.points == {cell.grade_id: cell.points for cell in exercise.of_role("tests")}, run.reports
    assert f"`{free[0]}`" in run.reports
