"""An answer that replaces a name of the given cell: a learner's kernel and the judge give the same points."""

from pathlib import Path

import pytest
from tempo import NET

from perflab.course import read
from perflab.course.checking import check
from perflab.course.notebook import instructor, to_bytes
from perflab.judge import bubblewrap
from perflab.judge.examine import examine, forget
from perflab.judge.sample import submissions
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

SMALL = read(Path(__file__).with_name("small.py"))
SOLVED = next(cell.source for cell in SMALL.of_role("answer"))
SLOW = "def find(ask, n):\n    return slow_find(ask, n)\n"
YES = """
class Threshold:
    def __init__(self, first):
        pass

    def __call__(self, i):
        return True

"""
GLOBAL = """
def find(ask, n):
    global slow_find, make_question
    slow_find = make_question = lambda *_: (0,)
    return 0
"""
# Answer, its points, and the name of the given cell that it replaces.
ANSWERS = {
    "reference": (f"def slow_find(ask, n):\n    return 0\n\n{SLOW}", [0, 0], "slow_find"),
    "maker": (
        SLOW + "def make_question(rng, n=2):\n    return check.oracle(Threshold(1)), 2\n",
        [2, 0],
        "make_question",
    ),
    "class": (YES + SLOW, [2, 0], "Threshold"),
    "checks": (SLOW + "class check:\n    correct = counts = staticmethod(lambda *a, **k: 2.0)\n", [2, 0], "check"),
    "while it runs": (GLOBAL, [0, 0], "make_question"),
    "a helper of its own": (
        SOLVED.replace("def find", "def slow_find") + "\nfind = slow_find\n",
        [2, 2],
        "slow_find",
    ),
}

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    yield
    forget()


@pytest.mark.parametrize(("answer", "points", "name"), ANSWERS.values(), ids=ANSWERS)
def test_same_points_here_and_there(answer, points, name, tmp_path):
    notebook = submissions(SMALL, {"ada": answer})["ada"]
    trusted = to_bytes(instructor(SMALL)).decode()
    verdict = Verdict.from_json(examine(trusted, to_bytes(notebook).decode(), Settings().to_dict()))
    assert [cell.report.points for cell in verdict.cells] == points, verdict.cells
    here = check(tmp_path / "small.ipynb", notebook, NET)
    assert [cell.points for cell in here.cells] == points, here.cells
    assert all(f"`{name}`" in cell.why and "of the given cells" in cell.why for cell in here.cells), here.cells
