"""What a submission does to the judge's own work costs that submission, and leaves nothing behind."""

import ctypes
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from quick import ASSIGNMENT, SOLVED, Class, environment, submission, write
from tempo import NET, patience

from perflab.course.classroom import JUDGED
from perflab.judge import batch, bubblewrap, exam, limits, scratch
from perflab.judge import examine as examination
from perflab.judge.examine import TRIES, examine, forget
from perflab.judge.helper import Allowance, Helper
from perflab.judge.pool import Pool
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")

MARK = "look at this"
HOSTILE = f"print({MARK!r})\n{SOLVED}"


@pytest.fixture
def small(tmp_path):
    return Class(tmp_path)


def loop_in_c():
    return sum(range(10**15))


def fill():
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


def crash():
    return ctypes.string_at(0)


def fail():
    return {}["nothing"]


@pytest.fixture
def hurt(monkeypatch):
    """Return a function that lets the judge's own work do something where it meets a certain output."""

    def hurt(work, left=lambda pid: None):
        harmless = exam.harmless

        def hurting(outputs, room):
            return work() if MARK in str(outputs) else harmless(outputs, room)

        def bury(pid):
            examination._bury(pid)
            left(pid)

        monkeypatch.setattr(exam, "harmless", hurting)
        task = {"examine": examination._examine}
        helper = Helper(task, Allowance(cpu=ceil(patience(5)), memory=512 << 20), examination._close, bury)
        monkeypatch.setattr(examination, "_examiner", helper)

    forget()
    yield hurt
    forget()


def of(pid):
    """Return what a helper has left on this machine."""
    folders = [path for place in scratch.PLACES for path in Path(place).glob(f"{scratch.NAME}{pid}-*")]
    return [*folders, *limits.CGROUPS.glob(f"*/{limits.GROUP}{pid}-*")]


@pytest.mark.parametrize(
    ("work", "why", "tries"),
    [(loop_in_c, "CPU time", 1), (fill, "memory", 1), (crash, "SIGSEGV", TRIES), (fail, "KeyError", TRIES)],
)
def test_a_submission_that_hurts_the_judge_costs_only_itself(small, hurt, work, why, tries):
    buried = []
    hurt(work, lambda pid: buried.append((pid, of(pid))))
    for who, answer in (("ada", SOLVED), ("bob", f"# bob\n{SOLVED}"), ("eve", HOSTILE)):
        small.submit(who, answer)
    small.submit("zoe", f"# zoe\n{SOLVED}")
    pool = Pool(lambda: ThreadPoolExecutor(1), 1)
    outcome = batch.grade(small.root, ASSIGNMENT, small.config, Settings(), pool, lambda done, of: None)
    assert small.points() == {"ada": 4.0, "bob": 4.0, "eve": 0.0, "zoe": 4.0}
    assert all(row[4] for row in small.rows() if row[0] == "eve")
    verdict = outcome.verdicts["eve", "small"]
    assert all(why in flag for flag in verdict.flags)
    assert len(verdict.flags) == 2
    # What would happen again is known for good.
    assert verdict.final == (tries == 1)
    assert len(buried) >= tries
    assert [left for _, left in buried if left] == []


def test_nbgrader_goes_on_too(small, hurt):
    hurt(loop_in_c)
    for who, answer in (("eve", HOSTILE), ("zoe", SOLVED)):
        small.submit(who, answer)
    api = NbGraderAPI(config=small.config)
    assert JUDGED[0] in small.config.Autograde.autograde_preprocessors
    for who in ("eve", "zoe"):
        reply = api.autograde(ASSIGNMENT, who)
        assert reply["success"], reply
    assert small.points() == {"eve": 0.0, "zoe": 4.0}


PLUGIN = """
import sys
from nbgrader.apps import NbGraderAPI
from perflab.course.classroom import class_config
from perflab.judge import examine
reply = NbGraderAPI(config=class_config(__import__("pathlib").Path(sys.argv[1]))).autograde(sys.argv[2], "ada")
assert reply["success"], reply
print(examine._examiner._pid)
"""


def test_nothing_is_left_when_nbgrader_has_ended(small):
    small.submit("ada", SOLVED)
    words = [sys.executable, "-c", PLUGIN, str(small.root), ASSIGNMENT]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    pid = int(done.stdout.split()[-1])
    assert pid
    deadline = time.monotonic() + NET
    while of(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert of(pid) == []
    assert not Path(f"/proc/{pid}").exists()


def test_a_class_with_anything_in_the_place_of_notebooks_is_graded(small):
    """By the command line: nothing that somebody hands in ends it."""
    small.submit("ada", SOLVED)
    odd = nbformat.reads(submission(SOLVED).decode(), as_version=4)
    text = nbformat.writes(odd).replace('"cell_type": "code"', '"cell_type": ["code"]', 1)
    assert '["code"]' in text
    small.submit("bob", text.encode())
    small.submit("eve", SOLVED)
    write(small.root / "submitted" / "eve" / ASSIGNMENT / "timestamp.txt", b"1" * 80 + b"m")
    with open(small.submit("joe", b""), "wb") as file:
        file.truncate(100 << 20)
    os.mkfifo(small.submit("zoe", b"").with_suffix(".tmp"))
    small.submit("kim", 'def find(ask, n):\n    raise ValueError("\\ud800 \\x1b[2J [/red]")\n')
    path = small.root / "submitted" / "zoe" / ASSIGNMENT
    os.replace(path / "small.tmp", path / "small.ipynb")
    os.symlink("/dev/zero", path / "data.bin")
    small.grade()
    points = small.points()
    assert points["ada"] == points["eve"] == 4.0
    assert points["joe"] == points["kim"] == points["zoe"] == 0.0
    assert set(points) == {"ada", "bob", "eve", "joe", "kim", "zoe"}


def test_an_honest_examination_takes_a_small_part_of_its_allowance():
    allowance = examination.ALLOWANCE
    tight = Allowance(ceil(patience(allowance.cpu // 4)), allowance.memory // 4)
    helper = Helper({"examine": examination._examine}, tight, examination._close, examination._bury)
    text = submission(SOLVED).decode()
    given = {"trusted": (source := _trusted()), "submitted": text, "settings": Settings().to_dict()}
    try:
        found = helper.ask("examine", NET, **given, seed=None, quiet=False, pictures=True, more=False)
        assert Verdict.from_json(found).points == 4.0
    finally:
        helper.end()
    assert Verdict.from_json(examine(source, text, Settings().to_dict())).points == 4.0
    forget()


def _trusted() -> str:
    from quick import EXERCISE

    from perflab.course.notebook import instructor, to_bytes

    return to_bytes(instructor(EXERCISE)).decode()
