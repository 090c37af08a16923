"""Ids and folders with letters that mean something to somebody else, and gradebooks that answer not now."""

import sqlite3

import pytest
from nbgrader.api import Gradebook
from quick import ASSIGNMENT, SLOW, SOLVED, Class

from perflab.course.classroom import class_config, sqlite_url
from perflab.course.errors import CourseError
from perflab.judge.gradebook import trouble
from perflab.judge.sample import sandbox
from perflab.judge.settings import Settings

IDS = ["anna[1]", "st*r", "star", "q?x", "[!a]", "-dash 100%"]


def test_ids_that_look_like_patterns_are_ids(tmp_path):
    small = Class(tmp_path)
    for who in IDS:
        small.submit(who, SLOW if who == "star" else SOLVED)
    small.grade("--jobs", "2")
    assert small.points() == {who: 2.0 if who == "star" else 4.0 for who in IDS}


@pytest.mark.parametrize("name", ["what?now", "a#b", "100%", "50%20x", "a b", "a&b=c", "{x}", "st*r", "Ünï"])
def test_the_gradebook_lies_in_the_class_whatever_the_folder_is_called(tmp_path, name):
    root = tmp_path / name / "class"
    root.mkdir(parents=True)
    url = class_config(root).CourseDirectory.db_url
    assert url == sqlite_url(root)
    with Gradebook(url, "performance") as gradebook:
        gradebook.add_student("ada")
    assert (root / "gradebook.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_class_in_a_folder_with_odd_letters(tmp_path):
    (tmp_path / "what?now #1 100%").mkdir()
    small = Class(tmp_path / "what?now #1 100%")
    small.submit("ada", SOLVED)
    small.grade()
    assert small.points() == {"ada": 4.0}
    assert (small.root / "gradebook.db").is_file()


def test_a_folder_that_nbgrader_takes_for_a_pattern(tmp_path):
    with pytest.raises(CourseError, match=r"nbgrader takes \[ for the beginning of a pattern\. Rename"):
        class_config(tmp_path / "class[1]")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    found = Class(tmp_path_factory.mktemp("locked"))
    found.submit("ada", SOLVED)
    found.grade()
    return found


def test_a_locked_gradebook_is_told_as_it_is(small):
    """Before anything is graded, and in the middle: another program writes, and the remedy is to wait."""
    small.submit("ada", SLOW)
    other = sqlite3.connect(small.root / "gradebook.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        said = small.grade(fails=True)
    finally:
        other.close()
    assert "database is locked: another program writes to the gradebook. Wait until it is done, then" in said
    assert "upgrade" not in said
    small.grade()
    assert small.points() == {"ada": 2.0}


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("database is locked", "Wait until it is done"),
        ("no such column: grade.x", "nbgrader db upgrade"),
        ("disk I/O error", "the gradebook cannot be read or written: disk I/O error."),
    ],
)
def test_what_a_database_says_is_what_is_told(reason, said):
    assert said in trouble(reason)


def test_what_the_course_prints_is_no_part_of_what_grading_says(small, capfd):
    """Example output of given cells, in this process and in a worker."""
    from perflab.judge.examine import examine, forget

    trusted = (small.root / "source" / ASSIGNMENT / "small.ipynb").read_text()
    assert "class Threshold" in trusted
    loud = trusted.replace("class Threshold", "print('an example')\\n\\n\\nclass Threshold")
    submitted = (small.root / "submitted" / "ada" / ASSIGNMENT / "small.ipynb").read_text()
    try:
        examine(loud, submitted, Settings(sandbox()).to_dict())
    finally:
        forget()
    assert "an example" not in capfd.readouterr().out
