"""Every exercise of the course runs under the judge unchanged, and gives the points that its gates say."""

from pathlib import Path

import pytest

from perflab.course.gates import mutants
from perflab.course.notebook import instructor, to_bytes
from perflab.course.source import read, read_all
from perflab.judge import bubblewrap
from perflab.judge.examine import examine, forget
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    yield
    forget()


def expected(exercise, who, naive):
    if who == "naive":
        return naive
    return {cell.grade_id: cell.points if who == "solved" else 0 for cell in exercise.of_role("tests")}


@pytest.mark.parametrize("exercise", read_all(ROOT / "solutions"), ids=lambda e: e.name)
def test_points_under_the_judge(exercise):
    answer, naive = mutants(ROOT / "tests" / "exercises" / f"{exercise.name}.py")["naive"]
    trusted = to_bytes(instructor(exercise)).decode()
    for who, notebook in submissions(exercise, {"naive": answer}).items():
        verdict = Verdict.from_json(
            examine(trusted, to_bytes(notebook).decode(), Settings().to_dict(), pictures=who == "solved")
        )
        reports = [(cell.grade_id, cell.report.as_text()) for cell in verdict.cells]
        assert not verdict.problem, reports
        for cell in verdict.cells:
            points = expected(exercise, who, naive)[cell.grade_id]
            low, high = points if isinstance(points, tuple) else (points, points)
            assert low <= cell.report.points <= high, (who, reports)


def test_an_answer_cannot_borrow_what_an_exercise_forbids():
    exercise = read(ROOT / "solutions" / "memory" / "cache_simulator.py")
    borrowed = """
def simulate(addresses, line, sets, ways):
    from perflab.models import cache

    level = cache.Level("L1", line * sets * ways, ways, line)
    return cache.Simulation(cache.Hierarchy((level,))).feed(addresses, np.full(addresses.size, 2)) > 0
"""
    notebook = submissions(exercise, {"borrowed": borrowed})["borrowed"]
    trusted = to_bytes(instructor(exercise)).decode()
    verdict = Verdict.from_json(
        examine(trusted, to_bytes(notebook).decode(), Settings().to_dict(), pictures=False)
    )
    assert not verdict.problem
    assert {cell.report.points for cell in verdict.cells} == {0}
    assert "cannot import name 'cache' from 'perflab.models'" in verdict.cells[0].report.as_text()


def test_an_engine_is_the_same_one_in_every_call():
    """In a learner's kernel each call has an engine of its own: the door is open there, and closed here."""
    exercise = read(ROOT / "solutions" / "algorithms" / "memoization.py")
    remembered = """
known = {}


def least_work(engine, old, new):
    def rebind(u, v):
        key = id(engine), u, v
        if u != v and key not in known:
            known[key] = engine, engine(u, v)
        return known[key][1] if u != v else 0

    @functools.cache
    def least(i, j):
        if i == 0 or j == 0:
            return ADD * (i + j)
        replaced = least(i - 1, j - 1) + rebind(old[i - 1], new[j - 1])
        return min(replaced, least(i, j - 1) + ADD, least(i - 1, j) + ADD)

    return least(len(old), len(new))


def distance(a, b):
    return distance_remembered(a, b)
"""
    notebook = submissions(exercise, {"remembered": remembered})["remembered"]
    trusted = to_bytes(instructor(exercise)).decode()
    verdict = Verdict.from_json(
        examine(trusted, to_bytes(notebook).decode(), Settings().to_dict(), pictures=False)
    )
    assert not verdict.problem
    points = {cell.grade_id.removeprefix("memoization_"): cell.report.points for cell in verdict.cells}
    assert points == {
        "correct": 0,
        "calls": 0,
        "repeats": 0,
        "distance_correct": 1,
        "speed": 0,
        "memory": 0,
        "misses": 0,
    }, [cell.report.as_text() for cell in verdict.cells]
