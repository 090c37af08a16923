"""What an oracle may be asked, and what a function may return: a learner's kernel and the judge say the same."""

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

SOURCE = (
    Path(__file__)
    .with_name("small.py")
    .read_text()
    .replace("def __call__(self, i):", "def __call__(self, i, more=b''):\n        i += len(more)")
)
CALLS = {
    "a position": ("ask(middle)", 4),
    "a name": ("ask(i=middle)", 4),
    "two names": ("ask(i=middle, more=b'')", 4),
    "bytearray": ("ask(middle, bytearray())", 4),
    "memoryview": ("ask(middle, memoryview(b''))", 4),
    "a view with gaps": ("ask(middle, memoryview(b'ab')[2::2])", 0),
    "an array": ("ask(middle, np.zeros(0))", 0),
    "a set": ("ask(middle, set())", 0),
    "bytes of its own": ("ask(middle, type('Text', (bytes,), {})())", 0),
    "another name": ("ask(middle, size=0)", 0),
    "itself": ("ask(i=middle, self=ask)", 0),
}

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory):
    path = tmp_path_factory.mktemp("questions") / "small.py"
    path.write_text(SOURCE)
    yield read(path)
    forget()


@pytest.mark.parametrize(("call", "points"), CALLS.values(), ids=CALLS)
def test_the_same_questions_are_answered_here_and_there(call, points, exercise, tmp_path):
    solved = next(cell.source for cell in exercise.of_role("answer"))
    answer = "import numpy as np\n" + solved.replace("ask(middle)", call)
    notebook = submissions(exercise, {"ada": answer})["ada"]
    trusted = to_bytes(instructor(exercise)).decode()
    verdict = Verdict.from_json(examine(trusted, to_bytes(notebook).decode(), Settings().to_dict()))
    assert sum(cell.report.points for cell in verdict.cells) == points, verdict.cells
    here = check(tmp_path / "small.ipynb", notebook, NET)
    assert sum(cell.points for cell in here.cells) == points, here.cells
