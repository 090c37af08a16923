"""What is counted is what was verified: honest styles earn their counts, and no second program earns any."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from perflab.course import read
from perflab.course.notebook import instructor, student, to_bytes
from perflab.judge import bubblewrap
from perflab.judge.examine import examine, forget
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

SOURCE = read(Path(__file__).with_name("counted.py"))

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")

LOOP = """
@njit
def weigh(kinds):
    total = 0
    for i in range(kinds.size):
        total += {value}
    return total
"""
BY_TABLE = LOOP.format(value="TABLE[kinds[i]]")
DIRECT = LOOP.format(value="kinds[i] ** 2")
# Searches in a row of a line for each number.
SLOW = """
@njit
def weigh(kinds):
    rows = np.zeros((kinds.size, 8), np.int64)
    total = 0
    for i in range(kinds.size):
        rows[i, 0] = kinds[i] ** 2
    for i in range(kinds.size):
        total += rows[i, 0]
    return total
"""
HONEST = {
    "a loop fills a table": "TABLE = np.zeros(KINDS, np.int64)\nfor i in range(KINDS):\n    TABLE[i] = i * i\n"
    + BY_TABLE,
    "a function fills a table": "def fill(t):\n    t[:] = np.arange(KINDS) ** 2\n"
    "TABLE = np.zeros(KINDS, np.int64)\nfill(TABLE)\n" + BY_TABLE,
    "what a method appends": "squares = []\nfor i in range(KINDS):\n    squares.append(i * i)\n"
    "TABLE = np.array(squares)\n" + BY_TABLE,
    "hints of types": "from typing import Tuple\nimport numpy.typing as npt\n"
    + DIRECT.replace("(kinds)", "(kinds: npt.NDArray[np.int64]) -> int"),
    "plain Python with care": DIRECT.replace("@njit", "").replace(
        "total = 0\n",
        "total = 0\n    assert isinstance(kinds, np.ndarray) and kinds.flags.c_contiguous\n"
        "    try:\n        spare = kinds[0]\n        del spare\n    except IndexError:\n        return 0\n",
    ),
    "a signature": DIRECT.replace("@njit", "@njit('int64(int64[::1])', cache=True)"),
    "a second definition": "if True:\n    def weigh(kinds):\n        return 0\n" + DIRECT,
    "state": "calls = 0\ndef weigh(kinds):\n    global calls\n    calls += 1\n    return add(kinds)\n"
    + DIRECT.replace("weigh", "add"),
}
BESIDE = [
    "%timeit weigh(np.arange(9))",
    "weigh?",
    "!pip list",
    "def broken(:\n    pass",
    "import os\nprint(os.getcwd(), weigh(np.arange(9)))",
    "raise ValueError('an experiment')",
]
SECOND = {
    "if": "if True:\n" + SLOW.replace("\n", "\n    "),
    "for": "for _ in range(1):\n" + SLOW.replace("\n", "\n    "),
    "try": "try:\n" + SLOW.replace("\n", "\n    ") + "\nfinally:\n    pass\n",
    "a class": "class Holder:\n" + SLOW.replace("\n", "\n    ") + "\nweigh = Holder.weigh\n",
    "walrus": SLOW.replace("weigh", "slowly") + "\n(weigh := slowly)\n",
    "deletion": "del weigh\n" + SLOW,
    "a loop's variable": SLOW.replace("weigh", "slowly") + "\nfor weigh in [slowly]:\n    pass\n",
    "global": "def start():\n    global weigh\n    weigh = slowly\n"
    + SLOW.replace("weigh", "slowly")
    + "\nstart()\n",
    "a decorator": "def swap(fn):\n    global weigh\n    weigh = fn\n    return fn\n@swap"
    + SLOW.replace("weigh", "other"),
}
UNSEEN = {
    "exec": f"exec({SLOW!r})",
    "globals": SLOW.replace("weigh", "slowly") + "\nglobals()['weigh'] = slowly\n",
    "the shell": f"get_ipython().run_cell({SLOW!r})",
    "a module": SLOW.replace("weigh", "slowly")
    + "\nimport sys\nsetattr(sys.modules['__main__'], 'weigh', slowly)\n",
    "another library": "import numpy\nnumpy.zeros = None\nimport builtins\nbuiltins.range = None\n",
}


@pytest.fixture(scope="module")
def judged():
    """Return a function that hands cells in and returns the points and the sentences."""
    trusted = to_bytes(instructor(SOURCE)).decode()

    def judge(answer, *own):
        notebook = student(SOURCE)
        place = next(n for n, cell in enumerate(notebook.cells) if cell.id == "counted_answer")
        notebook.cells[place].source = answer
        notebook.cells[place + 1 : place + 1] = [new_code_cell(source) for source in own]
        text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
        cells = Verdict.from_json(examine(trusted, text, Settings().to_dict())).cells
        return [cell.report.points for cell in cells], [cell.report.sentence for cell in cells]

    yield judge
    forget()


@pytest.mark.parametrize("answer", HONEST.values(), ids=HONEST)
def test_ordinary_python_is_counted_as_the_session_runs_it(judged, answer):
    points, said = judged(answer)
    assert points == [1, 1], said


def test_what_stands_beside_costs_nothing(judged):
    points, said = judged(DIRECT, *BESIDE)
    assert points == [1, 1], said


def test_slow_code_earns_no_count(judged):
    assert judged(SLOW)[0] == [1, 0]


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND)
def test_a_second_definition_is_the_one_that_is_counted(judged, second):
    points, said = judged(DIRECT, second)
    assert points == [1, 0], said


@pytest.mark.parametrize("second", UNSEEN.values(), ids=UNSEEN)
def test_what_is_hidden_from_the_count_is_hidden_from_the_other_checks_too(judged, second):
    points, said = judged(DIRECT.replace("** 2", "** 3"), second)
    assert points == [0, 0], said  # the wrong one is what is graded, whatever took its place in the session
    points, said = judged(DIRECT, second)
    assert points == [1, 1], said


def test_a_refusal_says_line_and_remedy(judged):
    points, said = judged(DIRECT.replace("total = 0", "total = len(__name__) * 0 + open.__name__.find('x') + 1"))
    assert points == [0, 0]
    points, said = judged(
        "import os\n" + DIRECT.replace("@njit", "").replace("total = 0", "total = 0 * os.getpid()")
    )
    assert points == [1, 0]
    assert "weigh cannot be counted: line 1 has an import of os: write it without that" in said[1]
