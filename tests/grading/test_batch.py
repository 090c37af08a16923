"""A class at once: side by side, once, whatever dies meanwhile."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderAPI
from quick import ANSWERS, ASSIGNMENT, POINTS, SOLVED, Class, environment, submission
from tempo import NET, within

from perflab import cli
from perflab.judge import batch
from perflab.judge.examine import TRIES, examine, forget
from perflab.judge.pool import Pool
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict


@pytest.fixture
def small(tmp_path):
    return Class(tmp_path)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class that was graded undisturbed."""
    found = Class(tmp_path_factory.mktemp("graded"))
    for who, answer in ANSWERS.items():
        found.submit(who, answer)
    found.said = found.grade("--jobs", "2")
    return found


def files(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_class_is_graded_side_by_side(graded):
    assert graded.points() == POINTS
    assert "4 notebooks examined now, 0 known from before. Grades written now: those of 4 students." in graded.said


def test_a_second_run_is_free_and_says_so(graded):
    before = files(graded.root)
    with within(30):
        said = graded.grade()
    assert "0 notebooks examined now, 4 known from before. Grades written now: those of 0 students." in said
    assert files(graded.root) == before


def test_json(graded):
    found = json.loads(graded.grade("--json"))
    assert {one["student"] for one in found["verdicts"]} == set(ANSWERS)
    assert (found["examined"], found["written"]) == (0, 0)


def test_equal_submissions_are_examined_once(small):
    for who in ("ada", "bob", "eve"):
        small.submit(who, SOLVED)
    assert "1 notebook examined now, 2 equal to one of them, 0 known from before." in small.grade()
    assert small.points() == dict.fromkeys(("ada", "bob", "eve"), 4.0)


def test_a_replay_gives_the_same_exact_points(graded):
    """For an appeal: the same secret inputs, so exact points must come out the same."""
    before = files(graded.root)
    for who in ("ada", "bob"):
        said = graded.grade("--replay", who)
        assert who in said
        # What was measured, then and now.
        assert said.count("target: ") == 2
    assert files(graded.root) == before
    assert "bob has not handed in" not in graded.grade("--replay", "bob")
    assert "zoe has not handed in week-1" in graded.grade("--replay", "zoe", fails=True)


def test_a_replay_uses_the_seed_of_the_verdict(graded):
    from perflab.judge.replay import replay

    (twice,) = replay(graded.root, ASSIGNMENT, "ada", Settings())
    assert twice.now.seed == twice.then.seed
    assert [c.report.points for c in twice.now.cells] == [c.report.points for c in twice.then.cells]
    # What was counted, not only the points: the inputs were the same.
    assert [c.report.rows for c in twice.now.cells] == [c.report.rows for c in twice.then.cells]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--cluster", "tcp://127.0.0.1:1"), "no dask scheduler answers"),
        (("--cluster", "foo://bar:1"), "no dask scheduler answers"),
        (("--gradebook", "nonsense"), "no gradebook can be opened there"),
        (("--gradebook", "foo://bar/x"), "no gradebook can be opened there"),
        (("--gradebook", "sqlite:////nowhere/at/all.db"), "no gradebook yet"),
        (("--gradebook", "postgresql+psycopg://eve:secret@127.0.0.1:1/x"), "no gradebook can be opened there"),
        (("--jobs", "0"), "Invalid value"),
    ],
    ids=str,
)
def test_what_cannot_be_reached(graded, arguments, why, refuses):
    before = files(graded.root)
    said = refuses(*graded.command(*arguments))
    assert why in said
    assert "secret" not in said
    assert files(graded.root) == before


def test_an_assignment_that_is_not_there(small, refuses):
    assert "no assignment week-9" in refuses("perflab", "grade", "week-9", "--class", small.root)
    assert "nobody has handed in week-1" in refuses(*small.command())
    assert not (small.root / "verdicts").exists()
    assert not (small.root / "autograded").exists()


def test_an_assignment_that_was_never_released(small, refuses):
    small.submit("ada", SOLVED)
    (small.root / "gradebook.db").unlink()
    assert "no gradebook yet. Run nbgrader generate_assignment" in refuses(*small.command())
    assert not (small.root / "gradebook.db").exists()


@pytest.fixture
def refuses(monkeypatch, capsys):
    """Return a function that runs a command line here, which must fail; it returns what it says."""

    def refuses(*command):
        monkeypatch.setattr("sys.argv", list(map(str, command)))
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert left.value.code not in (None, 0)
        assert out == ""
        assert "Traceback" not in err
        return " ".join(err.split())

    return refuses


# --- what dies, what is tried again


class Planted(Executor):
    """A pool whose outcomes are planted: a list for each submission, verdicts as they are and errors raised."""

    def __init__(self, outcomes):
        self._outcomes, self.asked, self.more = outcomes, [], []

    def submit(self, fn, trusted, submitted, settings, quiet=False, more=False):
        assert fn is examine
        future = Future()
        self.asked.append((submitted, quiet))
        self.more.append(more)
        outcome = self._outcomes[submitted].pop(0)
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
        return future


def planted(small, outcomes):
    pool = Planted({submission(text).decode(): list(rest) for text, rest in outcomes.items()})
    small.config.Judge.sandbox = "none"
    outcome = batch.grade(
        small.root, ASSIGNMENT, small.config, Settings("none"), Pool(lambda: pool, 2), lambda done, of: None
    )
    return pool, outcome


@pytest.fixture(scope="module")
def verdict(graded):
    """Ada's."""
    text = (graded.root / "source" / ASSIGNMENT / "small.ipynb").read_text()
    found = Verdict.from_json(examine(text, submission(SOLVED).decode(), Settings("none").to_dict()))
    forget()
    return found


def test_a_lost_worker_is_tried_again(small, verdict):
    small.submit("ada", SOLVED)
    pool, outcome = planted(small, {SOLVED: [BrokenProcessPool(), OSError("gone"), verdict.to_json()]})
    assert len(pool.asked) == 3
    assert small.points() == {"ada": 4.0}
    assert outcome.examined == 1


def test_who_loses_every_worker_waits_for_a_human_and_is_tried_in_the_next_run(small, verdict):
    small.submit("ada", SOLVED)
    pool, outcome = planted(small, {SOLVED: [BrokenProcessPool()] * TRIES})
    assert len(pool.asked) == TRIES
    assert small.points() == {"ada": 0.0}
    assert all(row[4] for row in small.rows())
    assert "The grader failed, not the student" in outcome.verdicts["ada", "small"].flags[0]
    planted(small, {SOLVED: [verdict.to_json()]})
    assert small.points() == {"ada": 4.0}
    assert not any(row[4] for row in small.rows())


def test_a_worker_knows_whether_another_submission_follows(small, verdict):
    """What that one needs starts meanwhile; where none follows, or all is to be quiet, nothing does."""
    answers = [f"{SOLVED}\n# {i}\n" for i in range(5)]
    for i, answer in enumerate(answers):
        small.submit(f"s{i}", answer)
    noisy = replace(verdict, cells=tuple(replace(c, report=replace(c.report, unsure=True)) for c in verdict.cells))
    pool, _ = planted(small, {answer: [noisy.to_json(), verdict.to_json()] for answer in answers})
    assert pool.more == [True] * 3 + [False] * 2 + [False] * 5


def test_a_students_failure_is_never_tried_again(small):
    small.submit("joe", ANSWERS["joe"])
    text = (small.root / "source" / ASSIGNMENT / "small.ipynb").read_text()
    failed = examine(text, submission(ANSWERS["joe"]).decode(), Settings("none").to_dict())
    forget()
    pool, outcome = planted(small, {ANSWERS["joe"]: [failed]})
    assert len(pool.asked) == 1
    assert small.points() == {"joe": 0.0}
    assert outcome.verdicts["joe", "small"].final


def test_points_too_noisy_to_say_wait_for_a_human(small, verdict):
    """The quiet lane is tried once; then the points are provisional, and the formgrader says so."""
    first, *others = json.loads(verdict.to_json())["cells"]
    first["report"]["unsure"], first["report"]["points"], first["flag"] = True, 1.5, "too noisy to say"
    unsure = {**json.loads(verdict.to_json()), "cells": [first, *others]}
    again = {**unsure, "quiet": True}
    small.submit("ada", SOLVED)
    small.submit("bob", ANSWERS["bob"])
    pool, outcome = planted(
        small, {SOLVED: [json.dumps(unsure), json.dumps(again)], ANSWERS["bob"]: [verdict.to_json()]}
    )
    assert [quiet for text, quiet in pool.asked if text == submission(SOLVED).decode()] == [False, True]
    assert pool.asked[-1][1]  # behind everybody else
    assert outcome.verdicts["ada", "small"].flags == ("small_correct: too noisy to say",)
    flagged = {row[:3]: row[4] for row in small.rows() if row[1] in ("small_correct", "small_calls")}
    assert flagged["ada", "small_correct", 1.5] is True
    assert flagged["ada", "small_calls", 2.0] is False
    shown = NbGraderAPI(config=small.config).get_submission(ASSIGNMENT, "ada")
    assert shown["needs_manual_grade"]
    assert shown["score"] == 3.5
    assert not NbGraderAPI(config=small.config).get_submission(ASSIGNMENT, "bob")["needs_manual_grade"]
    # It is known now, and costs nothing more.
    assert planted(small, {})[0].asked == []


def test_points_that_are_sure_in_the_quiet_lane_wait_for_nobody(small, verdict):
    unsure = json.loads(verdict.to_json())
    unsure["cells"][0]["report"]["unsure"], unsure["cells"][0]["flag"] = True, "too noisy to say"
    small.submit("ada", SOLVED)
    planted(small, {SOLVED: [json.dumps(unsure), verdict.to_json()]})
    assert small.points() == {"ada": 4.0}
    assert not any(row[4] for row in small.rows())


def descendants(pid):
    from perflab.judge.processes import tree

    return [one for one in tree(pid) if one != pid]


def command_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def test_a_killed_worker_costs_nobody_anything(small):
    for who, answer in ANSWERS.items():
        small.submit(who, answer)
    running = subprocess.Popen(small.command("--jobs", "2"), env=environment(), stdout=subprocess.DEVNULL)
    wait_for(lambda: workers_of(running.pid))
    killed = workers_of(running.pid)[0]
    os.kill(killed, signal.SIGKILL)
    assert running.wait(NET) == 0
    assert small.points() == POINTS


def workers_of(grader):
    """Return the processes that have a sandbox running."""
    families = {pid: descendants(pid) for pid in descendants(grader) if "forkserver" in command_of(pid)}
    busy = {pid: [p for p in below if "perflab.guest" in command_of(p)] for pid, below in families.items()}
    # The process that forks workers is above all sandboxes too.
    return [pid for pid, guests in busy.items() if guests and not set(families[pid]) & set(families)]


def wait_for(what):
    deadline = time.monotonic() + NET
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_a_killed_grader_goes_on_where_it_was(small, graded):
    """Killed at moments of any kind; in the end the gradebook equals that of an undisturbed run."""
    for who, answer in ANSWERS.items():
        small.submit(who, answer)
    rng = random.Random(os.urandom(8))
    for _ in range(4):
        running = subprocess.Popen(
            small.command("--jobs", "2"), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.5, 9))  # any moment will do
        workers = descendants(running.pid)
        running.kill()
        running.wait()
        wait_for(lambda workers=workers: not any(alive(pid) for pid in workers))
    small.grade()
    assert small.rows() == graded.rows()
    assert small.counts() == graded.counts()
    assert not list((small.root / "verdicts").glob("*.part"))


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
