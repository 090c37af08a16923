"""The tests are the course's, whatever a learner's cells bind its names to, and an answer keeps its own."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from perflab.check import cells, given, seen
from perflab.check.given import Given

GIVEN = """
import numpy as np
from perflab import check

CLOCK = [0]
STEP = 1
WRONG = np.zeros(3)

class Device:
    def __call__(self, verb):
        return STEP

def make(rng):
    return (int(rng.integers(5, 90)),)

def make_device(rng):
    return (check.oracle(Device()),)

def double(number):
    return 2 * number

def reference(number):
    return double(number) + STEP + CLOCK[0] + int(WRONG.sum())
"""
RIGHT = "def answer(number):\n    return 2 * number + 1\n"
WRONG = "def answer(number):\n    return 0\n"
CORRECT = "# grade_id: correct (1 point)\ncheck.correct(answer, against=reference, on=[make], points=1)"
COUNTED = (
    "# grade_id: counted (1 point)\n"
    "def far(result, number):\n    return abs(result - reference(number))\n\n"
    "check.counts(answer, far, on=make, zero=1, full=0, points=1)"
)
ASKED = (
    "# grade_id: asked (1 point)\ncheck.correct(ask, against=lambda device: device(0), on=[make_device], points=1)"
)


@pytest.fixture
def kernel(monkeypatch):
    """Return a function that runs cells in a shell like a kernel's, and returns what the last one gives."""
    monkeypatch.delenv(cells.SESSION, raising=False)
    shell = InteractiveShell(colors="nocolor")
    shell.history_manager.enabled = False
    monkeypatch.setattr(cells, "_shell", lambda: shell)
    seen.start_over()
    cells.keep_given()

    def run(*sources):
        for source in sources:
            result = shell.run_cell(source, store_history=True)
        assert result.success, result.error_in_exec or result.error_before_exec
        return result.result

    yield run
    monkeypatch.setattr(given, "_kernel", None)


def said(points):
    return points, points.report.sentence


def replaces(*names):
    return given.sentence(list(names))


SWAPS = {
    "a maker": ("def make(rng):\n    return (0,)\n", "make"),
    "a reference": ("def reference(number):\n    return 0\n", "reference"),
    "a helper": ("def double(number):\n    return -1\n", "double"),
    "a constant": ("STEP = -2 * 90\n", "STEP"),
    "an import": ("np = None\n", "np"),
    "something that is gone": ("del double\n", "double"),
    "a list": ("CLOCK[0] = 5\n", "CLOCK"),
    "an array": ("WRONG[:] = 3\n", "WRONG"),
    "the checks": ("class check:\n    correct = counts = staticmethod(lambda *a, **k: 1.0)\n", "check"),
}


@pytest.mark.parametrize(("swap", "name"), SWAPS.values(), ids=SWAPS)
def test_what_replaces_a_name_of_the_course_earns_nothing_and_costs_nothing(kernel, swap, name):
    assert said(kernel(GIVEN, WRONG + swap, CORRECT))[0] == 0
    points, sentence = said(kernel(RIGHT + swap, CORRECT))
    assert points == 1
    assert sentence.endswith(replaces(name))
    assert said(kernel(COUNTED)) == (1, said(kernel(COUNTED))[1])


def test_a_card_lists_few_names():
    assert "replaces `a` of" in replaces("a")
    assert "replaces `a`, `b` and `c` of" in replaces(*"abc")
    assert "replaces `a`, `b`, `c` and 2 more of" in replaces(*"abcde")


def test_without_it_nothing_is_said(kernel):
    points, sentence = said(kernel(GIVEN, RIGHT + "import numpy as np\nSTEP = 1\nmine = 3", CORRECT))
    assert points == 1
    assert "given cell" not in sentence


def test_an_answer_goes_on_with_its_own(kernel):
    own = "def double(number):\n    return number + number + 1\n\ndef answer(number):\n    return double(number)\n"
    points, sentence = said(kernel(GIVEN, own, CORRECT))
    assert (points, replaces("double") in sentence) == (1, True)
    assert kernel("double(2)") == 5


def test_the_given_cell_once_more_brings_the_courses_back(kernel):
    kernel(GIVEN, "STEP = 5\nCLOCK[0] = 7", RIGHT, CORRECT)
    assert "given cell" not in said(kernel(GIVEN, RIGHT, CORRECT))[1]


def test_what_a_function_makes_global_while_it_runs_is_its_own(kernel):
    sneaky = (
        "def answer(number):\n    global STEP, double\n    STEP = -2 * number\n    double = int\n    return STEP\n"
    )
    points, sentence = said(kernel(GIVEN, sneaky, CORRECT))
    assert (points, replaces("STEP", "double") in sentence) == (0, True)


def test_an_oracle_is_the_courses_while_an_answer_asks_it(kernel):
    ask = "def ask(device):\n    global STEP\n    STEP = 7\n    return device(0)\n"
    points, _ = said(kernel(GIVEN, ask, ASKED))
    assert points == 1
    assert said(kernel(ASKED))[0] == 1
    assert kernel("STEP") == 7
    assert kernel("device, = make_device(None)\ndevice(0)") == 7


def test_a_cell_that_fails_in_the_middle_of_a_test_leaves_the_names_as_they_were(kernel):
    kernel(GIVEN, RIGHT + "STEP = 3")
    with pytest.raises(AssertionError):
        kernel("# grade_id: broken (1 point)\nraise ValueError")
    assert kernel("STEP") == 3


def test_a_given_cell_is_known_by_the_notebooks_file(kernel, tmp_path, monkeypatch):
    import json

    own = "from perflab import check\nSTEP = 1"
    file = tmp_path / "notebook.ipynb"
    later = "def triple(number):\n    return 3 * number"
    locked = [
        {"cell_type": "code", "source": source, "metadata": {"nbgrader": {"locked": True}}}
        for source in (GIVEN, later)
    ]
    file.write_text(json.dumps({"cells": locked}))
    monkeypatch.setenv(cells.SESSION, str(file))
    points, sentence = said(kernel(own, GIVEN, later, RIGHT + "triple = 3", CORRECT))
    assert (points, replaces("triple") in sentence) == (1, True)


def test_a_helper_of_a_tests_cell_does_not_replace_one_of_the_answers(kernel):
    answer = "def far(number):\n    return 2 * number\n\ndef answer(number):\n    return far(number) + 1\n"
    kernel(GIVEN, answer, CORRECT)
    points, sentence = said(kernel(COUNTED))
    assert (points, "given cell" in sentence) == (1, False)
    assert kernel("far(2)") == 4
    assert said(kernel(CORRECT))[0] == 1


def test_a_helper_of_a_tests_cell_is_there_for_the_cells_behind_it(kernel):
    kernel(GIVEN, RIGHT, CORRECT, COUNTED)
    assert kernel("far(3, 0)") == 2
    assert said(kernel(RIGHT + "far = None", CORRECT, COUNTED))[0] == 1
    assert kernel("far") is None


def test_names_that_a_cell_binds():
    source = "import a.b\nfrom c import d as e\nf = 1\nfor g in (): pass\ndef h(x):\n    global i\n    i = y = 2\n"
    assert given.bound(source) == {"a", "e", "f", "g", "h", "i"}
    assert given.bound("%time x = 1") == set()


def test_what_the_course_changes_of_its_own_stays_changed():
    names = {"count": 0}
    kept = Given(names)
    kept.keep("count = 0")
    with kept.tests(""):
        names["count"] += 1
    assert names["count"] == 0
    with kept.tests(""):
        assert names["count"] == 1
