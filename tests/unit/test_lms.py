"""What a late submission loses, and what an LMS can import."""

import csv
import logging
from datetime import datetime

import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin
from traitlets.config import Config

from perflab.course.classroom import class_config
from perflab.lms.export import CanvasExport, MoodleExport
from perflab.lms.late import PercentPerUnit

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("settings", "late", "lost"),
    [
        ({}, 10 * DAY, None),
        ({"percent": 10}, 1, 2.0),
        ({"percent": 10}, DAY, 2.0),
        ({"percent": 10}, DAY + 1, 4.0),
        ({"percent": 10}, 30 * DAY, 20.0),
        ({"percent": 10, "most": 50}, 30 * DAY, 10.0),
        ({"percent": 10, "grace_hours": 2}, 2 * HOUR, None),
        ({"percent": 10, "grace_hours": 2}, 2 * HOUR + 1, 2.0),
        ({"percent": 10, "grace_hours": 2}, 26 * HOUR + 1, 4.0),
        ({"percent": 5, "unit": "hour"}, 90 * 60, 2.0),
    ],
)
def test_late_penalties(settings, late, lost):
    plugin = PercentPerUnit(config=Config(PercentPerUnit=settings))
    assert isinstance(plugin, LateSubmissionPlugin)
    assert plugin.late_submission_penalty("ada", 20.0, late) == lost


@pytest.mark.parametrize("settings", [{"percent": -1}, {"percent": 101}, {"unit": "week"}, {"most": 200}])
def test_late_penalties_that_make_no_sense(settings):
    with pytest.raises(Exception, match="trait"):
        PercentPerUnit(config=Config(PercentPerUnit=settings))


@pytest.fixture
def gradebook(tmp_path):
    class_config(tmp_path)  # nbgrader finds alembic
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", "performance") as gradebook:
        gradebook.add_assignment("week-1", duedate=datetime(2026, 11, 1))
        gradebook.add_assignment("week-2")
        for name in ("week-1", "week-2"):
            gradebook.add_notebook("nb", name)
            gradebook.add_grade_cell("cell", "nb", name, max_score=10.5, cell_type="code")
        gradebook.add_student("ada", first_name="Ada", last_name="Lovelace", lms_user_id="4711", email="ada@x.org")
        gradebook.add_student("=1+1")
        gradebook.add_submission("week-1", "ada", timestamp=datetime(2026, 11, 2))
        grade = gradebook.find_grade("cell", "nb", "week-1", "ada")
        grade.auto_score, grade.needs_manual_grade = 7.5, False
        gradebook.find_submission_notebook("nb", "week-1", "ada").late_submission_penalty = 1.25
        gradebook.db.commit()
        yield gradebook


def rows(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_canvas_gets_what_its_importer_asks_for(gradebook, tmp_path, caplog):
    exporter = CanvasExport(to=str(tmp_path / "out.csv"), titles={"week-1": "Week 1 (99)"})
    exporter.export(gradebook)
    header, possible, *students = rows(tmp_path / "out.csv")
    assert "wait for a human" not in caplog.text
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Week 1 (99)", "week-2"]
    assert possible == ["    Points Possible", "", "", "", "", "10.5", "10.5"]
    assert ["Lovelace, Ada", "4711", "", "ada", "", "6.25", ""] in students
    assert ["'=1+1", "", "", "'=1+1", "", "", ""] in students


def test_moodle_gets_columns_to_map(gradebook, tmp_path):
    settings = Config(MoodleExport={"not_handed_in": "0"})
    exporter = MoodleExport(to=str(tmp_path / "out.csv"), assignment=["week-1"], config=settings)
    exporter.export(gradebook)
    header, *students = rows(tmp_path / "out.csv")
    assert header == ["First name", "Last name", "Username", "Email address", "week-1"]
    assert ["Ada", "Lovelace", "ada", "ada@x.org", "6.25"] in students
    assert ["", "", "'=1+1", "", "0"] in students


def test_fields_are_configurable(gradebook, tmp_path):
    settings = Config(CanvasExport={"fields": {"ID": "", "SIS Login ID": "email", "Section": ""}})
    CanvasExport(to=str(tmp_path / "out.csv"), student=["ada"], config=settings).export(gradebook)
    header, _, ada = rows(tmp_path / "out.csv")
    assert header[:4] == ["Student", "ID", "SIS Login ID", "Section"]
    assert ada[:4] == ["Lovelace, Ada", "", "ada@x.org", ""]


def test_points_that_wait_for_a_human_are_mentioned(gradebook, tmp_path, caplog):
    gradebook.find_grade("cell", "nb", "week-1", "ada").needs_manual_grade = True
    gradebook.db.commit()
    # An application that another test has started keeps what it logs to itself.
    MoodleExport(to=str(tmp_path / "out.csv"), log=logging.getLogger("export")).export(gradebook)
    assert "1 submission waits for a human" in caplog.text
