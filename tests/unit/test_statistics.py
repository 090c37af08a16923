"""Item statistics: from marks to numbers, from a gradebook to marks, and what the command says."""

import json
import shutil
import sys

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg, writes
from nbgrader.api import Gradebook
from scipy import stats

from perflab import cli
from perflab.check.report import Report
from perflab.course.classroom import class_config
from perflab.judge.statistics import Mark, summarize

CELLS = {"sums_correct": 4.0, "sums_speed": 3.0}


def marks(table, of=(4.0, 3.0), why=""):
    """Return marks from rows of points, one row a student."""
    cells = list(zip(CELLS, of, strict=True))
    return [
        Mark(f"s{i}", "sums", cell, points, full, why=why)
        for i, row in enumerate(table)
        for (cell, full), points in zip(cells, row, strict=True)
    ]


def test_shares_of_a_tests_cell():
    found = summarize("a", marks([(4, 3), (0, 0), (4, 1.5), (2, 0)]))
    correct, speed = found.items
    assert (correct.difficulty, correct.none, correct.full) == (10 / 16, 0.25, 0.5)
    assert (speed.difficulty, speed.none, speed.full) == (4.5 / 12, 0.5, 0.25)
    assert correct.points.quartiles == (0, 1.5, 3, 4, 4)
    assert correct.points.histogram == (1, 0, 0, 0, 0, 1, 0, 0, 0, 2)
    assert found.points.of == 7
    assert found.points.mean == 14.5 / 4


def test_discrimination_is_the_correlation_with_the_rest():
    rng = np.random.default_rng(1)
    table = rng.integers(0, 7, (50, 2)) / 2
    found = summarize("a", marks(table))
    expected = stats.pearsonr(table[:, 0], table[:, 1]).statistic
    assert [item.discrimination for item in found.items] == pytest.approx([expected, expected])


@pytest.mark.parametrize("table", [[(4, 3), (0, 0)], [(4, 3), (4, 0), (4, 1)]], ids=["two students", "constant"])
def test_no_discrimination_where_nothing_varies(table):
    assert summarize("a", marks(table)).items[0].discrimination is None


def test_points_beyond_the_possible_stay_in_the_histogram():
    found = summarize("a", marks([(5, 3), (-1, 0), (4, 0)]))
    assert sum(found.items[0].points.histogram) == 3
    assert found.items[0].full == pytest.approx(2 / 3)


def test_reasons_that_differ_in_numbers_are_one():
    said = [
        "moving raised ValueError: no, in line 3 of its cell: raise ValueError('no')",
        "moving raised ValueError: no, in line 12 of its cell: raise ValueError('no')",
        "result[3] is 4.5; expected -1e-06.",
        "result[0] is 1,000; expected 2.",
        "Points begin beyond 2.5; this is not there yet.",
        "Points begin beyond 2.5; this is not there yet.",
        "Points begin beyond 2.5; this is not there yet.",
        "rare",
    ]
    one_each = [Mark(f"s{i}", "sums", "sums_speed", 0.0, 3.0, why=why) for i, why in enumerate(said)]
    earned = [Mark("all", "sums", "sums_speed", 3.0, 3.0, why="The target is reached.")]
    (item,) = summarize("a", one_each + earned).items
    assert item.reasons == (
        ("Points begin beyond 2.5; this is not there yet.", 3),
        ("moving raised ValueError: no.", 2),
        ("result[…] is …; expected ….", 2),
    )


def test_a_reason_is_plain_text():
    (item,) = summarize("a", [Mark("s", "sums", "sums_speed", 0.0, 3.0, why="\x1b[2Jgone")]).items
    assert item.reasons == (("[2Jgone", 1),)


# --- from a gradebook


@pytest.fixture
def graded(classroom, tmp_path):
    """A copy of a class."""
    return shutil.copytree(classroom, tmp_path / "class")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory):
    """A class with an assignment of two tests cells: Ann is graded, Bob by hand too, Cy not yet, Dee never."""
    root = tmp_path_factory.mktemp("class")
    class_config(root)  # nbgrader finds alembic then
    cells = [_cell(name, points) for name, points in CELLS.items()]
    _write(root / "source" / "a" / "sums.ipynb", new_notebook(cells=cells))
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "performance") as book:
        book.add_assignment("a")
        book.add_notebook("sums", "a")
        for name, points in CELLS.items():
            book.add_grade_cell(name, "sums", "a", max_score=points, cell_type="code")
        book.add_task_cell("sums_explain", "sums", "a", max_score=2, cell_type="markdown")
        for student, (correct, speed) in {"ann": (4, 1.5), "bob": (4, 0), "cy": (None, None)}.items():
            _write(root / "submitted" / student / "a" / "sums.ipynb", new_notebook(cells=cells))
            book.add_student(student)
            book.add_submission("a", student)
            for name, score in (("sums_correct", correct), ("sums_speed", speed)):
                grade = book.find_grade(name, "sums", "a", student)
                grade.auto_score = score
                grade.needs_manual_grade = (student, name) == ("ann", "sums_speed")
        (root / "submitted" / "dee" / "a").mkdir(parents=True)
        book.find_grade("sums_speed", "sums", "a", "bob").manual_score = 2
        book.db.commit()
    report = Report("faster", 1.5, 3.0, "On the [bold]way[/bold].")
    _write(root / "autograded/ann/a/sums.ipynb", new_notebook(cells=[_cell("sums_speed", 3.0, report)]))
    return root


def _cell(name, points, report=None):
    flags = {"grade": True, "grade_id": name, "points": points, "solution": False, "locked": True}
    cell = new_code_cell(metadata={"nbgrader": flags})
    if report is not None:
        content = {"data": report.as_bundle(), "metadata": {}, "execution_count": 1}
        cell.outputs = [output_from_msg({"header": {"msg_type": "execute_result"}, "content": content})]
    return cell


def _write(path, notebook):
    path.parent.mkdir(parents=True)
    path.write_text(writes(notebook))


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command as the console script does."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["perflab", "statistics", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, " ".join(err.split())

    return run


def test_statistics_of_a_class_as_json(run, graded):
    code, out, _ = run("a", "--class", graded, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["students"], found["waiting"], found["nothing"]) == (2, 1, 1)
    correct, speed = found["items"]
    assert correct["grade_id"] == "sums_correct"
    assert (correct["full"], correct["flagged"], correct["reasons"]) == (1, 0, [])
    # Bob's two points came from a human.
    assert speed["points"]["quartiles"] == [1.5, 1.625, 1.75, 1.875, 2.0]
    assert speed["flagged"] == 1
    # Bob's graded notebook is not there.
    assert speed["reasons"] == [["On the [bold]way[/bold].", 1], ["Not handed in.", 1]]


def test_statistics_of_a_class_as_tables(run, graded):
    code, out, _ = run("a", "--class", graded)
    assert code == 0
    assert "On the [bold]way[/bold]." in out
    assert "2 students: 5.8 of 7 points on average, from 5.5 to 6" in out
    assert "1 student handed in and is not graded yet. 1 student handed in nothing that can be graded." in out


def test_statistics_change_nothing(run, graded):
    before = (graded / "gradebook.db").read_bytes()
    run("a", "--class", graded)
    assert (graded / "gradebook.db").read_bytes() == before


def test_an_unknown_assignment(run, graded):
    code, _, said = run("b", "--class", graded)
    assert code == 1
    assert "no assignment b" in said


@pytest.mark.parametrize("how", ["no gradebook", "no submission", "no grades"])
def test_an_assignment_that_is_not_graded(run, graded, how):
    gradebook = graded / "gradebook.db"
    if how == "no gradebook":
        gradebook.unlink()
    else:
        with Gradebook(f"sqlite:///{gradebook}", "performance") as book:
            for student in ("ann", "bob", "cy")[: 3 if how == "no submission" else 2]:
                book.remove_submission("a", student)
    code, _, said = run("a", "--class", graded)
    assert code == 1
    if how == "no gradebook":
        assert "no gradebook yet" in said
    else:
        assert "a is not graded yet; grade it first: perflab grade a" in said
    assert gradebook.exists() == (how != "no gradebook")
