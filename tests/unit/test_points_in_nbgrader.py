"""How nbgrader reads points from the outputs of a real kernel: its traps, and that our checks step into none.

All cells run once, in one notebook. The first table documents nbgrader; if it fails after an update, nbgrader has
changed its mind, and the lints and reports that guard against the trap may go.
"""

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade
from nbgrader.validator import Validator

from perflab.course.results import results
from perflab.course.running import run

MOST = 6
SETUP = """
import os, sys, warnings
import numpy as np
from IPython.display import display
from perflab import check

def make(rng):
    return (rng.integers(1000, size=50),)

def total(array):
    return int(array.sum())

def right(array):
    return int(np.sum(array))

def wrong(array):
    return 0

def unwritten(array):
    raise NotImplementedError

def raises(array):
    return array[1000]

def leaves(array):
    sys.exit(0)

def prints(array):
    print("out")
    print("err", file=sys.stderr)
    return right(array)

def writes(array):
    os.write(2, b"err")
    return right(array)

def warns(array):
    warnings.warn("careful")
    np.float64(1) / np.float64(0)
    return right(array)

def lies(array):
    class Yes:
        __eq__ = lambda self, other: True
    return np.array(Yes(), dtype=object)

def slow(array):
    for _ in range(60):
        sorted(array.tolist())
    return total(array)

def one(fn, points=6):
    return check.correct(fn, against=total, on=[make], points=points)

def metric(value):
    return lambda result, array: value
"""
FULL, NOTHING, ABORTS = float(MOST), 0.0, None

TRAPS = {
    # What a cell should show: a plain number.
    "a float": ("3.5", 3.5),
    "an integer": ("3", 3.0),
    "zero": ("0.0", NOTHING),
    # What reads as full marks though it is no such thing.
    "a NumPy float": ("np.float64(3.5)", FULL),
    "a NumPy zero": ("np.float64(0)", FULL),
    "a NumPy integer": ("np.int64(3)", FULL),
    "NaN": ("float('nan')", FULL),
    "True": ("True", FULL),
    "False": ("False", FULL),
    "None": ("None", FULL),
    "text": ("'3 of 6'", FULL),
    "a list": ("[0, 1]", FULL),
    "a negative number": ("-1.0", FULL),
    "a trailing semicolon": ("0.5;", FULL),
    "a trailing semicolon and a comment": ("0.5;  # points", FULL),
    "display alone": ("display(0.5)", FULL),
    "print alone": ("print(0.5)", FULL),
    "a statement": ("points = 0.5", FULL),
    "nothing at all": ("", FULL),
    # What reads as nothing.
    "an error": ("1 / 0", NOTHING),
    "a failed assertion": ("assert False", NOTHING),
    "a print to stderr": ("print('careful', file=sys.stderr)\n3.5", NOTHING),
    "a warning": ("warnings.warn('careful')\n3.5", NOTHING),
    # What stops the grading of the whole submission.
    "more than the maximum": ("6.5", ABORTS),
    "infinity": ("float('inf')", ABORTS),
}

OURS = {
    "correct": ("one(right)", 6.0),
    "correct, half a point": ("one(right, 0.5)", 0.5),
    "correct, an integer of points": ("one(right, 6)", 6.0),
    "wrong": ("one(wrong)", NOTHING),
    "unwritten": ("one(unwritten)", NOTHING),
    "raises": ("one(raises)", NOTHING),
    "exits": ("one(leaves)", NOTHING),
    "lies about equality": ("one(lies)", NOTHING),
    "no function": ("one(None)", NOTHING),
    "prints to stdout and stderr": ("one(prints)", 6.0),
    "writes to the descriptor of stderr": ("one(writes)", 6.0),
    "warns": ("one(warns)", 6.0),
    "counts, full": ("check.counts(right, metric(9), on=make, zero=0, full=8, points=6)", 6.0),
    "counts, partial": ("check.counts(right, metric(2), on=make, zero=0, full=8, points=6)", 1.5),
    "counts, a NumPy metric": (
        "check.counts(right, metric(np.float32(2)), on=make, zero=0, full=8, points=6)",
        1.5,
    ),
    "counts, NaN": ("check.counts(right, metric(np.nan), on=make, zero=0, full=8, points=6)", NOTHING),
    "counts, infinite": ("check.counts(right, metric(np.inf), on=make, zero=0, full=8, points=6)", 6.0),
    "counts, negative": ("check.counts(right, metric(-9), on=make, zero=0, full=8, points=6)", NOTHING),
    "counts, prints": ("check.counts(prints, metric(9), on=make, zero=0, full=8, points=6)", 6.0),
    "counts, not correct": ("check.counts(wrong, metric(9), on=make, zero=0, full=8, points=6)", NOTHING),
    "faster, full": ("check.faster(right, than=slow, on=make, zero=1.5, full=3, points=6)", 6.0),
    "faster, not at all": (
        "one(slow)\ncheck.faster(slow, than=slow, on=make, zero=1.5, full=3, points=6)",
        NOTHING,
    ),
    "faster, prints": ("check.faster(prints, than=slow, on=make, zero=1.5, full=2, points=6)", 6.0),
    "faster, raises": ("check.faster(raises, than=slow, on=make, zero=1.5, full=3, points=6)", NOTHING),
    "an author's mistake": ("check.correct(right, against=total, on=[], points=6)", NOTHING),
}


def graded_cell(name, source):
    flags = {"grade": True, "solution": False, "locked": True, "task": False, "schema_version": 3}
    about = {"grade_id": name.replace(" ", "_"), "points": MOST, "cell_type": "code", **flags}
    return new_code_cell(source, metadata={"nbgrader": about})


@pytest.fixture(scope="module")
def executed():
    """Run every cell in a kernel; return the notebook."""
    cells = [graded_cell(name, source) for name, (source, _) in {**TRAPS, **OURS}.items()]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[new_code_cell(SETUP), *cells], metadata=metadata)
    run(notebook, limit=600)
    return notebook


def cell_of(notebook, name):
    grade_id = name.replace(" ", "_")
    return next(cell for cell in notebook.cells[1:] if cell.metadata.nbgrader.grade_id == grade_id)


def test_the_setup_runs(executed):
    assert not executed.cells[0].outputs


@pytest.mark.parametrize("name", TRAPS)
def test_nbgrader_reads(executed, name):
    expected = TRAPS[name][1]
    cell = cell_of(executed, name)
    if expected is ABORTS:
        with pytest.raises(ValueError, match="cannot be greater than maximum"):
            determine_grade(cell)
    else:
        assert determine_grade(cell) == (expected, MOST)


@pytest.mark.parametrize("name", OURS)
def test_nbgrader_reads_our_checks_as_they_mean_it(executed, name):
    cell = cell_of(executed, name)
    assert determine_grade(cell) == (OURS[name][1], MOST), cell.outputs


@pytest.mark.parametrize("name", OURS)
def test_our_checks_show_one_result_and_nothing_else(executed, name):
    (output,) = cell_of(executed, name).outputs
    assert output.output_type == ("error" if name == "an author's mistake" else "execute_result")
    if output.output_type == "execute_result":
        assert output.data["text/plain"] == repr(OURS[name][1])
        assert f": {OURS[name][1]:g} of " in output.data["text/html"]


@pytest.mark.parametrize("name", [*TRAPS, *OURS])
def test_our_own_reading_is_nbgraders(executed, name):
    (found,) = [one for one in results(executed) if one.grade_id == name.replace(" ", "_")]
    # A cell without code is not run; nbgrader gives it all points.
    assert found.points == (None if name == "nothing at all" else (TRAPS | OURS)[name][1])


def test_nbgrader_validate_calls_failed_what_lacks_points(executed):
    cells = [cell_of(executed, name) for name in OURS]
    failed = Validator()._get_failed_cells(NotebookNode(executed, cells=cells))
    assert {cell.metadata.nbgrader.grade_id for cell in failed} == {
        name.replace(" ", "_") for name, (source, points) in OURS.items() if points < MOST
    }


def test_a_submission_beyond_the_maximum_does_not_stop_our_own_reading(executed):
    found = {result.grade_id: result for result in results(executed)}
    assert found["infinity"].points is None
    assert "maximum" in found["infinity"].why
    assert found["correct"].points == 6.0
