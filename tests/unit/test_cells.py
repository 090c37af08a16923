"""A learner's kernel refuses to count what a judge would refuse to count, in the same words, and nothing else."""

import ast
import json
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

from perflab import check
from perflab.check import cells, seen
from perflab.check.admission import admitted, names_of_team
from perflab.check.bench import ForbiddenError
from perflab.check.cells import course_cells, split
from perflab.course import read
from perflab.course.notebook import student, to_bytes
from perflab.judge.rooms import groups

SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").rglob("*.py"))
GIVEN = """
import os
import numpy as np
from perflab import check

def make(rng):
    return (rng.integers(9, size=16),)

def slow(a):
    return os.getpid() * 0 + sum(a[i] for i in range(a.size))
"""
CORRECT = "earned = check.correct(f, against=slow, on=[make], points=1)"
COUNTED = "check.counts(f, 'accesses', on=make, zero=40, full=16, points=1)"
PLAIN = "def f(a):\n    total = 0\n    for i in range(a.size):\n        total += a[i]\n    return total"
USES_OS = PLAIN.replace("total = 0", "total = os.getpid() * 0")


@pytest.fixture
def kernel(monkeypatch):
    """Return a function that runs cells in a shell like a kernel's, and returns what the last one gives."""
    monkeypatch.delenv(cells.SESSION, raising=False)
    shell = InteractiveShell(colors="nocolor")
    shell.history_manager.enabled = False  # nothing goes to a disk; what ran is kept all the same
    monkeypatch.setattr(cells, "_shell", lambda: shell)
    seen.start_over()

    def run(*sources):
        for source in sources:
            result = shell.run_cell(source, store_history=True)
        assert result.success, result.error_in_exec or result.error_before_exec
        return result.result

    return run


def said(points):
    return points, points.report.sentence


def test_ordinary_code_is_counted(kernel):
    points, sentence = said(kernel(GIVEN, "%time x = 3", "import sys\nsys.path", PLAIN, CORRECT, COUNTED))
    assert points == 1, sentence


@pytest.mark.parametrize("beside", ["", "import os", "os.getpid()"])
def test_what_a_judge_refuses_is_refused_with_its_line(kernel, beside):
    points, sentence = said(kernel(GIVEN, beside + "\n" + USES_OS, CORRECT, COUNTED))
    assert points == 0
    assert "f cannot be counted: line " in sentence
    with pytest.raises(ForbiddenError) as refusal:
        admitted([beside + "\n" + USES_OS], {"f"}, [GIVEN])
    assert str(refusal.value) in sentence


def test_a_cell_that_is_mended_and_run_again_counts_as_it_is_now(kernel):
    points, sentence = said(kernel(GIVEN, USES_OS, PLAIN, CORRECT, COUNTED))
    assert points == 1, sentence


def test_a_helper_before_the_answer_is_the_learners_where_the_notebook_is_known(kernel, tmp_path, monkeypatch):
    helper = "def helper(a):\n    return os.getpid() * 0 + a"
    answer = PLAIN.replace("a[i]", "helper(a[i])")
    points, _ = said(kernel(GIVEN, helper, answer, CORRECT, COUNTED))
    assert points == 1  # nothing tells who wrote it
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps({"cells": [cell(GIVEN, locked=True), cell(helper), cell(answer)]}))
    monkeypatch.setenv(cells.SESSION, str(path))
    points, sentence = said(kernel(COUNTED))
    assert points == 0
    assert "line 2 has the attribute getpid of os" in sentence


def cell(source, **flags):
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "metadata": {"nbgrader": flags}}


@pytest.mark.parametrize("metric", ["lambda result, *args: 1.0", "'page_faults'"])
def test_what_is_counted_from_outside_may_do_what_it_likes(kernel, metric):
    points, sentence = said(
        kernel(GIVEN, USES_OS, CORRECT, f"check.counts(f, {metric}, on=make, zero=1e9, full=1e8, points=1)")
    )
    assert points == 1, sentence


def test_the_baseline_is_the_courses_and_may_do_what_it_likes(kernel):
    counted = "check.counts(f, 'accesses', than=(f, make), on=make, zero=0.5, full=1, points=1)"
    points, sentence = said(kernel(GIVEN, PLAIN, CORRECT, counted))
    assert points == 1, sentence


def test_concurrent_code_is_explored_only_if_a_judge_would(kernel):
    given = "import os\nimport numpy as np\nfrom numba import njit\nfrom perflab import check\n"
    given += "def make(rng):\n    return (np.zeros(1, np.int64),)\n\ndef holds(*outcome):\n    return True"
    answer = "@njit\ndef f(me, a):\n    a[0] = me"
    checked = "check.correct(f, against=holds, on=[make], threads=2, points=1)"
    points, sentence = said(kernel(given, answer, checked))
    assert points == 1, sentence
    points, sentence = said(kernel("HOME = os.sep\n@njit\ndef f(me, a):\n    a[0] = len(HOME)", checked))
    assert points == 0
    assert "f cannot be explored: line 1 has the attribute sep of os" in sentence


def test_without_a_kernel_nothing_is_refused(monkeypatch):
    assert cells._shell() is None or "ipykernel" in sys.modules
    monkeypatch.setattr(cells, "_shell", lambda: None)
    cells.refuse([print])


BROKEN = ["", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"metadata": []}]}', "\0", '{"cells": []}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_notebook_that_cannot_be_read_is_none(tmp_path, text):
    path = tmp_path / "notebook.ipynb"
    path.write_text(text)
    assert course_cells(path) is None
    assert course_cells(tmp_path / "absent.ipynb") is None


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_no_solution_is_refused_by_mistake(path, tmp_path):
    """As the kernel sees it, with and without the notebook's file."""
    source = read(path)
    file = tmp_path / "notebook.ipynb"
    file.write_bytes(to_bytes(student(source)))
    course = course_cells(file)
    solved = {cell.grade_id: cell.source for cell in source.of_role("answer")}
    ran = [solved.get(cell.id, cell.source) for cell in student(source).cells if cell.cell_type == "code"]
    mine = {n.name for text in solved.values() for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    tests, given = ([cell.source for cell in source.of_role(role)] for role in ("tests", "given"))
    for group in groups(tests, given):
        if group.counted:
            for known in (course, None):
                before, own = split(ran, group.functions & mine, known)
                admitted(own, group.functions & mine, before)


def test_names_of_a_team_are_what_its_functions_use():
    names = {"np": SimpleNamespace()}
    exec(textwrap.dedent("import math\nK = 2\ndef a(me): return part(K) + math.pi + unknown"), names)
    assert names_of_team([names["a"]], {"part"}) == {"a", "K"}
    assert check is not None
