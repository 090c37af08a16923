"""Concurrent code under the judge: explored in a clean room, run in the sandbox, verified outside."""

from pathlib import Path

import nbformat
import pytest
from tempo import patience

from perflab.course import read
from perflab.course.notebook import instructor, student, to_bytes
from perflab.judge.examine import examine, forget
from perflab.judge.limits import Limits
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

SOURCE = read(Path(__file__).parent / "together.py")
PARTS = read(Path(__file__).parent / "parts.py")
SETTINGS = Settings(limits=Limits(memory=1 << 30, file=64 << 20, call=patience(20), wall=patience(90)))

ONE_BY_ONE = """
@njit
def count(me, counter, events):
    for i in range(events.size):
        atomics.fetch_add(counter, 0, events[i])
"""
LOSES = """
@njit
def count(me, counter, events):
    for i in range(events.size):
        counter[0] += events[i]
"""
WRONG_WHERE_NOBODY_LOOKS = """
@njit
def count(me, counter, events):
    mine = events.sum() if events.size > 1000 else 0
    for i in range(min(events.size, 1000)):
        mine += events[i]
    atomics.fetch_add(counter, 0, mine)
"""
WAITS_FOREVER = """
@njit
def count(me, counter, events):
    while atomics.load(counter, 0) < 1000:
        pass
"""
WAITS_FOREVER_WHERE_NOBODY_LOOKS = """
@njit
def count(me, counter, events):
    while events.size > 1000 and atomics.load(counter, 0) >= 0:
        pass
    atomics.fetch_add(counter, 0, events[0] + events[1] + events[2])
"""
SAYS_IT_TOOK_LONG = """
import perflab.threads
def give_up(*args, **kwargs):
    raise TimeoutError
perflab.threads.run = give_up

@njit
def count(me, counter, events):
    atomics.fetch_add(counter, 0, events[0] + events[1] + events[2])
"""
REPORTS = """
@njit
def count(me, counter, events):
    explorer = atomics.load.__globals__
    atomics.fetch_add(counter, 0, 1)
"""


RECEIVE = PARTS.of_role("answer")[0].source.partition("\n\n\n")[2]
TOO_EARLY = """
@njit
def give(cell, value):
    if atomics.load(cell, 1) == 1:
        return False
    atomics.store(cell, 1, 1, "release")
    atomics.store(cell, 0, value, "relaxed")
    return True
"""
GOES_AROUND = """
@njit
def sending(me, cell, values):
    return 0

@njit
def receiving(me, cell, values):
    return values.sum()

@njit
def give(cell, value):
    return sending(0, cell, cell) == 0
"""
MOVES_NOTHING = """
NOTHING = 0

@njit
def give(cell, value):
    return NOTHING == 0
"""


def judged_by(source):
    """Return a function that hands an answer in to the judge and returns the reports."""
    trusted = to_bytes(instructor(source)).decode()

    def judged(answer):
        notebook = student(source)
        for cell in notebook.cells:
            if cell.id == f"{source.path.stem}_answer":
                cell.source = answer
        text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
        verdict = Verdict.from_json(examine(trusted, text, SETTINGS.to_dict()))
        return {cell.grade_id.removeprefix(f"{source.path.stem}_"): cell.report for cell in verdict.cells}

    return judged


@pytest.fixture(scope="module")
def judge():
    yield judged_by(SOURCE)
    forget()


@pytest.fixture(scope="module")
def judge_of_parts():
    yield judged_by(PARTS)
    forget()


def test_the_solution_earns_everything(judge):
    reports = judge(next(cell.source for cell in SOURCE.of_role("answer")))
    assert {name: report.points for name, report in reports.items()} == {"correct": 3, "locked": 2}, reports
    assert "runs agree" in dict(reports["correct"].rows)["real threads"]


def test_one_by_one_is_correct_and_locks_too_often(judge):
    reports = judge(ONE_BY_ONE)
    assert {name: report.points for name, report in reports.items()} == {"correct": 3, "locked": 0}, reports


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (LOSES, "In some schedule, the counter is off by -"),
        (WRONG_WHERE_NOBODY_LOOKS, "On real threads, the counter is off by"),
        (WAITS_FOREVER, "no schedule comes to an end from here"),
        (SAYS_IT_TOOK_LONG, "On real threads, the counter is off by"),
        (REPORTS, "cannot be explored: line 4 has the attribute __globals__"),
    ],
    ids=["loses", "wrong on large inputs", "waits", "says that it gave up", "reaches out"],
)
def test_what_is_wrong_earns_nothing_and_is_told_why(judge, answer, says):
    reports = judge(answer)
    assert [report.points for report in reports.values()] == [0, 0], reports
    assert says in reports["correct"].sentence


def test_threads_that_never_end_on_a_larger_input_earn_nothing_and_are_flagged(judge):
    reports = judge(WAITS_FOREVER_WHERE_NOBODY_LOOKS)
    assert [report.points for report in reports.values()] == [0, 0], reports
    assert reports["correct"].sentence.startswith("The threads were not over within")
    assert reports["correct"].unsure


def test_a_lost_update_is_shown_step_by_step(judge):
    report = judge(LOSES)["correct"]
    assert "overwrites what thread" in report.listing


def test_parts_that_the_course_calls_on_threads_earn_everything(judge_of_parts):
    reports = judge_of_parts(PARTS.of_role("answer")[0].source)
    assert {name: report.points for name, report in reports.items()} == {"correct": 3, "locked": 2}, reports
    assert "runs agree" in dict(reports["correct"].rows)["real threads"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (TOO_EARLY + RECEIVE, "In some schedule, the sum is off by"),
        (GOES_AROUND + RECEIVE, "a definition of sending, which is the course's"),
        (MOVES_NOTHING + RECEIVE, "a definition of NOTHING, which is the course's"),
    ],
    ids=["a part is wrong", "in place of the course's function", "in place of the course's constant"],
)
def test_wrong_parts_and_what_replaces_the_course_earn_nothing(judge_of_parts, answer, says):
    reports = judge_of_parts(answer)
    assert [report.points for report in reports.values()] == [0, 0], reports
    assert says in reports["correct"].sentence
