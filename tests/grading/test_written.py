"""Grades are written again whenever anything changed that nbgrader writes, and only then."""

import json
import logging
from datetime import datetime, timedelta

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from quick import ASSIGNMENT, SLOW, SOLVED
from written import WrittenClass

from perflab.course.classroom import class_config
from perflab.judge import batch
from perflab.judge.pool import Pool
from perflab.judge.settings import Settings

DUE = datetime(2026, 11, 20, 12)


class Graded(WrittenClass):
    """Two students, graded in this process with the verdicts that are there: whoever examines again fails."""

    def __init__(self, folder):
        super().__init__(folder)
        self.hand_in("ada", SOLVED, "First draft.", "2026-11-22 12:00:00 UTC")
        self.hand_in("bob", SLOW, "Mine.", "2026-11-19 12:00:00 UTC")
        with self.book() as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
        self.config.PercentPerUnit.percent = 10
        settings = "c.PercentPerUnit.percent = 10\n"
        (self.root / "settings.py").write_text(settings)
        self.grade("--jobs", "2")

    def book(self):
        return Gradebook(self.url, "performance")

    def again(self):
        """Grade as nbgrader_config.py says now; return how many students were written, and the outcome."""
        found = batch.grade(
            self.root, ASSIGNMENT, class_config(self.root), Settings(), Pool(None, 1), lambda done, of: None
        )
        assert found.examined == 0
        return found.written, found

    def lost(self, who):
        with self.book() as gradebook:
            return gradebook.find_submission(ASSIGNMENT, who).late_submission_penalty

    def folder(self, who):
        return self.root / "submitted" / who / ASSIGNMENT


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    found = Graded(tmp_path_factory.mktemp("written"))
    assert found.lost("ada") == pytest.approx(0.8)
    return found


@pytest.fixture
def here(graded):
    """The class as it was, in the end: nothing is left to write."""
    graded.again()
    assert graded.again()[0] == 0
    yield graded
    graded.hand_in("ada", SOLVED, "First draft.", "2026-11-22 12:00:00 UTC")
    (graded.root / "settings.py").write_text("c.PercentPerUnit.percent = 10\n")
    with graded.book() as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)


def text_of(here, who):
    graded = nbformat.read(here.root / "autograded" / who / ASSIGNMENT / "small.ipynb", as_version=4)
    return "\n".join(cell.source for cell in graded.cells)


def test_a_written_answer_that_is_handed_in_again(here):
    here.hand_in("ada", SOLVED, "Second draft.", "2026-12-02 10:00:00 UTC")
    assert here.again()[0] == 1
    assert "Second draft." in text_of(here, "ada")
    assert "First draft." not in text_of(here, "ada")
    with here.book() as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "ada").timestamp == datetime(2026, 12, 2, 10)


def test_a_due_date_that_moves_both_ways(here):
    for due, lost in ((datetime(2026, 11, 23), 0), (DUE, 0.8), (datetime(2026, 11, 21, 12), 0.4), (None, 0)):
        with here.book() as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=due)
        written, _ = here.again()
        assert written == 1, due
        assert here.lost("ada") == pytest.approx(lost), due


def test_late_settings_that_change_both_ways(here):
    for settings, lost in (("percent = 30", 2.4), ("percent = 10", 0.8), ("grace_hours = 100", 0)):
        (here.root / "settings.py").write_text(f"c.PercentPerUnit.percent = 10\nc.PercentPerUnit.{settings}\n")
        here.again()
        assert here.lost("ada") == pytest.approx(lost), settings


def test_another_late_plugin(here):
    (here.root / "settings.py").write_text(
        "c.AssignLatePenalties.plugin_class = 'nbgrader.plugins.LateSubmissionPlugin'\n"
        "c.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    assert here.again()[0] == 1
    assert here.lost("ada") == pytest.approx(4)


@pytest.mark.parametrize(
    ("when", "lost"), [("2026-11-19 12:00:00 UTC", 0), ("2026-11-24 12:00:00 UTC", 1.6), (None, 0)], ids=str
)
def test_a_time_that_is_corrected(here, when, lost):
    path = here.folder("ada") / "timestamp.txt"
    path.unlink() if when is None else path.write_text(when)
    written, outcome = here.again()
    assert written == 1
    assert here.lost("ada") == pytest.approx(lost)
    assert outcome.timeless == (("ada",) if when is None else ())


def test_who_says_not_when_it_came_is_named(here):
    (here.folder("ada") / "timestamp.txt").unlink()
    assert "1 submission without timestamp.txt counts as on time: ada." in here.grade()


def test_an_extension(here):
    with here.book() as gradebook:
        gradebook.grant_extension(ASSIGNMENT, "ada", days=1)
    assert here.again()[0] == 1
    assert here.lost("ada") == pytest.approx(0.4)
    with here.book() as gradebook:
        assert gradebook.find_submission(ASSIGNMENT, "ada").extension == timedelta(days=1)
        gradebook.grant_extension(ASSIGNMENT, "ada")
    assert here.again()[0] == 1
    assert here.lost("ada") == pytest.approx(0.8)


def test_points_given_by_hand_cost_their_share_and_wait_for_nobody_again(here):
    with here.book() as gradebook:
        grade = gradebook.find_grade("small_explain", "small", ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.db.commit()
    written, outcome = here.again()
    assert written == 1
    assert here.lost("ada") == pytest.approx(1.2)
    (row,) = (row for row in outcome.rows if row.student == "ada")
    assert (row.points, row.of, row.human) == (6, 6, ())
    with here.book() as gradebook:
        grade = gradebook.find_grade("small_explain", "small", ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = None, True
        gradebook.db.commit()


@pytest.mark.parametrize("name", ["data.csv", "notes/more.txt"])
def test_a_file_beside_the_notebook(here, name):
    path = here.folder("bob") / name
    path.parent.mkdir(exist_ok=True)
    copy = here.root / "autograded" / "bob" / ASSIGNMENT / name
    for content in ("1,2", "3,4"):
        path.write_text(content)
        assert here.again()[0] == 1
        assert copy.read_text() == content
    path.unlink()
    assert here.again()[0] == 1
    assert not copy.exists()


def test_what_cells_displayed_in_the_students_notebook(here):
    path = here.folder("bob") / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nA remark."
    nbformat.write(notebook, path)
    assert here.again()[0] == 1
    assert "A remark." in text_of(here, "bob")


def test_settings_of_what_takes_part(here):
    (here.root / "settings.py").write_text("c.PercentPerUnit.percent = 10\nc.CourseDirectory.ignore = ['*.tmp']\n")
    assert here.again()[0] == 2
    (here.root / "settings.py").write_text("c.PercentPerUnit.percent = 10\nc.Exchange.root = '/nowhere'\n")
    assert here.again()[0] == 2
    (here.root / "settings.py").write_text("c.PercentPerUnit.percent = 10\nc.Exchange.root = '/elsewhere'\n")
    assert here.again()[0] == 0


def test_a_gradebook_that_somebody_changed(here):
    with here.book() as gradebook:
        gradebook.find_grade("small_correct", "small", ASSIGNMENT, "bob").auto_score = 0
        gradebook.db.commit()
    assert here.again()[0] == 1
    assert here.points()["bob"] == 2
    with here.book() as gradebook:
        gradebook.remove_submission(ASSIGNMENT, "bob")
    assert here.again()[0] == 1
    assert here.points()["bob"] == 2


def test_a_grading_of_nbgraders_own(here):
    """With other late settings: then the class's own count again."""
    config = class_config(here.root)
    config.PercentPerUnit.percent = 50
    assert NbGraderAPI(config=config).autograde(ASSIGNMENT, "ada")["success"]
    assert here.lost("ada") == pytest.approx(4)
    assert here.again()[0] == 1
    assert here.lost("ada") == pytest.approx(0.8)


def test_a_release_that_was_made_anew(here):
    path = here.root / "source" / ASSIGNMENT / "small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    before = path.read_bytes()
    for cell in notebook.cells:
        if cell.id == "small_explain":
            cell.source = cell.source.replace("Explain", "Say")
    path.write_bytes(nbformat.writes(notebook).encode())
    assert NbGraderAPI(config=class_config(here.root)).generate_assignment(ASSIGNMENT, force=True)["success"]
    try:
        here.grade("--jobs", "2")
        assert "**Say** why halving" in text_of(here, "bob")
    finally:
        path.write_bytes(before)
        assert NbGraderAPI(config=class_config(here.root)).generate_assignment(ASSIGNMENT, force=True)["success"]


def test_the_table_has_the_gradebooks_points(here):
    """A cell that was set by hand, then handed in again: the human's points stand and wait for a look."""
    with here.book() as gradebook:
        grade = gradebook.find_grade("small_correct", "small", ASSIGNMENT, "bob")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.db.commit()
    here.hand_in("bob", SLOW, "Mine, again.")
    rows = {row["student"]: row for row in json.loads(here.grade("--json"))["rows"]}
    assert rows["bob"]["points"] == here.points()["bob"] == 0.5
    said = "\n".join(rows["bob"]["human"])
    assert "small_correct: graded again since you gave 0.5 points; yours stand." in said
    assert "small_explain: a written answer that has no points yet." in said
    assert rows["ada"]["points"] == 4
    assert rows["ada"]["penalty"] == pytest.approx(0.8)
    table = here.grade()
    assert "0.5 of 6" in table
    assert "-0.8" in table


def test_nbgrader_warns_of_no_change_in_honest_work(here):
    """A cell as it was handed out lacks hidden tests and mark schemes; one that somebody changed is told of."""
    # A log of its own: another test in this process may have silenced the one that nbgrader shares.
    api = NbGraderAPI(config=class_config(here.root), log=logging.Logger("nbgrader"))
    assert "has changed" not in api.autograde(ASSIGNMENT, "ada")["log"]
    path = here.folder("ada") / "small.ipynb"
    path.write_bytes(path.read_bytes().replace(b"on=make_question, zero=40", b"on=make_question, zero=4000"))
    assert "Attribute 'checksum' for cell small_calls has changed" in api.autograde(ASSIGNMENT, "ada")["log"]
