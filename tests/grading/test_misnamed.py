"""A hand-in under another name is graded where one reading is possible; else it has a row and a sentence."""

import csv
import json
import logging
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from quick import ASSIGNMENT, EXERCISE, NAME, SLOW, SOLVED, Class, submission, write

from perflab.course.notebook import instructor, to_bytes
from perflab.judge import batch
from perflab.judge.pool import Pool
from perflab.judge.settings import Settings

OTHER = "other"
RENAMED = {
    "firefox": "small(1).ipynb",
    "chrome": "small (1).ipynb",
    "drive": "Copy of small.ipynb",
    "jupyter": "small-Copy1.ipynb",
    "mac": "small 2.ipynb",
    "large": "Small.ipynb",
    "text": "small.ipynb.txt",
    "nested": "week-1/small.ipynb",
    "own": "my homework.ipynb",
}
FULL = 4.0


def other(cells):
    """Return the notebook of a second exercise: the same with other grade ids."""
    return json.loads(json.dumps(cells).replace("small_", "other_"))


class Two(Class):
    """A class whose assignment has two notebooks."""

    def __init__(self, folder):
        second = json.dumps(other(json.loads(to_bytes(instructor(EXERCISE))))).encode()
        write(folder / "class" / "source" / ASSIGNMENT / f"{OTHER}.ipynb", second)
        super().__init__(folder)

    def put(self, who, name, data):
        path = self.root / "submitted" / who / ASSIGNMENT / name
        write(path, data)
        return path

    def both(self, answer=SOLVED):
        return submission(answer), json.dumps(other(json.loads(submission(answer)))).encode()

    def row(self, rows, who, notebook):
        (found,) = (row for row in rows if (row["student"], row["notebook"]) == (who, notebook))
        return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Students whose files are called in all ways, and what was said of them."""
    two = Two(tmp_path_factory.mktemp("misnamed"))
    small, second = two.both()
    for who, name in RENAMED.items():
        two.put(who, name, small)
        two.put(who, f"{OTHER}.ipynb", second)
    two.put("swapped", f"{OTHER}.ipynb", small)
    two.put("swapped", NAME, second)
    two.put("unsure", "small (1).ipynb", small)
    two.put("unsure", "small (2).ipynb", submission(SLOW))
    two.put("unsure", f"{OTHER}.ipynb", second)
    two.put("half", f"{OTHER}.ipynb", second)
    two.put("essay", "essay.ipynb", nbformat.writes(nbformat.v4.new_notebook()).encode())
    two.put("notes", "notes.csv", b"1,2")
    (two.root / "submitted" / "empty" / ASSIGNMENT).mkdir(parents=True)
    two.said = json.loads(two.grade("--json", "--jobs", "2"))["rows"]
    two.table = two.grade()
    return two


@pytest.mark.parametrize("who", RENAMED)
def test_one_reading_is_graded(graded, who):
    row = graded.row(graded.said, who, "small")
    assert (row["points"], row["of"], row["file"], row["human"]) == (FULL, FULL, RENAMED[who], [])
    assert graded.points()[who] == 2 * FULL
    folder = graded.root / "submitted" / who / ASSIGNMENT
    assert (folder / RENAMED[who]).read_bytes() == (folder / NAME).read_bytes() == graded.both()[0]
    assert f"small (handed in as {RENAMED[who]})" in graded.table


def test_names_that_are_swapped(graded):
    assert graded.points()["swapped"] == 2 * FULL
    kept = graded.root / "submitted" / "swapped" / ASSIGNMENT
    assert {path.read_bytes() for path in kept.glob("*.misnamed")} == set(graded.both())


def test_two_readings_wait_for_a_human(graded):
    row = graded.row(graded.said, "unsure", "small")
    said = "\n".join(row["human"])
    assert row["points"] == 0
    assert "small (1).ipynb and small (2).ipynb may each be small. Keep one of them." in said
    assert graded.points()["unsure"] == FULL
    waiting = {(who, cell) for who, cell, _, _, waits, _ in Class.rows(graded) if waits}
    assert {("unsure", "small_correct"), ("unsure", "small_calls")} <= waiting
    assert ("unsure", "other_correct") not in waiting


def test_what_is_missing_has_a_row(graded):
    row = graded.row(graded.said, "half", "small")
    assert (row["points"], row["human"]) == (0, ["Not handed in."])
    assert graded.row(graded.said, "half", OTHER)["points"] == FULL


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("empty", "Handed in nothing that can be graded: the folder is empty."),
        ("notes", "Handed in nothing that can be graded: only notes.csv."),
        ("essay", "Handed in nothing that can be graded: only essay.ipynb."),
    ],
)
def test_nothing_that_can_be_graded_is_the_same_everywhere(graded, who, why):
    row = graded.row(graded.said, who, "")
    assert (row["points"], row["human"][0]) == (None, why)
    assert why in graded.table
    assert who not in graded.points()
    assert why in graded.grade("--replay", who, fails=True)


def test_statistics_count_them(graded):
    command = [graded.command()[0], "statistics", ASSIGNMENT, "--class", str(graded.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = " ".join(done.stdout.split())
    assert "3 students handed in nothing that can be graded" in said
    assert "are not graded yet" not in said
    assert "Not handed in." in said


@pytest.mark.parametrize("exporter", ["GradesExport", "MoodleExport", "CanvasExport"])
def test_who_was_not_graded_has_no_points_in_any_file(graded, exporter, tmp_path):
    """Not even where nbgrader's own autograde left a row behind."""
    with Gradebook(graded.url, "performance") as gradebook:
        for who in ("empty", "essay"):
            gradebook.update_or_create_student(who)
        gradebook.update_or_create_submission(ASSIGNMENT, "essay")
    try:
        to = tmp_path / "out.csv"
        (graded.root.parent / "nbgrader_config.py").write_text(
            "from pathlib import Path\nfrom perflab.course.classroom import class_config\nc = get_config()\n"
            "c.merge(class_config(Path(__file__).parent / 'class'))\n"
        )
        nbgrader = Path(sys.executable).with_name("nbgrader")
        subprocess.run(
            [nbgrader, "export", f"--exporter=perflab.lms.export.{exporter}", f"--to={to}"],
            cwd=graded.root.parent,
            check=True,
            capture_output=True,
        )
        with open(to, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        who = {"GradesExport": "student_id", "MoodleExport": "Username", "CanvasExport": "SIS Login ID"}[exporter]
        points = {row[who]: row.get("score", row.get(ASSIGNMENT)) for row in rows}
        assert (points["empty"], points["essay"]) == ("", "")
        assert float(points["half"]) == FULL
    finally:
        with Gradebook(graded.url, "performance") as gradebook:
            for who in ("empty", "essay"):
                gradebook.remove_student(who)


def again(two):
    """Grade in this process with the verdicts that are there."""
    return batch.grade(two.root, ASSIGNMENT, two.config, Settings(), Pool(None, 1), lambda done, of: None)


def test_grading_again_changes_nothing(graded):
    before = {path: path.read_bytes() for path in graded.root.rglob("*") if path.is_file()}
    assert again(graded).written == 0
    assert {path: path.read_bytes() for path in graded.root.rglob("*") if path.is_file()} == before


def test_a_misnamed_file_that_is_handed_in_again(graded):
    """The copy that was graded before gives way to one of the new file."""
    path = graded.root / "submitted" / "chrome" / ASSIGNMENT / RENAMED["chrome"]
    notebook = nbformat.reads(submission(SOLVED).decode(), as_version=4)
    notebook.cells[0].source += "\n\nOnce more."
    path.write_bytes(nbformat.writes(notebook).encode())
    assert again(graded).written == 1
    copy = graded.root / "autograded" / "chrome" / ASSIGNMENT / NAME
    assert "Once more." in copy.read_text()
    path.write_bytes(graded.both()[0])
    assert again(graded).written == 1
    assert "Once more." not in copy.read_text()


def test_nbgraders_own_command_grades_it_too(tmp_path):
    two = Two(tmp_path)
    small, second = two.both("x = 1\n")
    for i, data in enumerate((small, second)):
        two.put("ada", f"work {i}.ipynb", data)
    # A log of its own: another test in this process may have silenced the one that nbgrader shares.
    reply = NbGraderAPI(config=two.config, log=logging.Logger("nbgrader")).autograde(ASSIGNMENT, "ada")
    assert reply["success"], reply
    folder = two.root / "autograded" / "ada" / ASSIGNMENT
    assert {path.name for path in folder.glob("*.ipynb")} == {NAME, f"{OTHER}.ipynb"}
    assert "checksum" not in reply["log"]


def test_what_a_student_writes_into_the_note_harms_nobody(tmp_path):
    from perflab.judge.arrival import NOTE, look, receive

    wanted = {"small": {"small_answer"}}
    folder = tmp_path / "submitted" / "eve" / ASSIGNMENT
    write(folder / "small (1).ipynb", submission(SOLVED))
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (folder / NOTE).symlink_to(outside)
    for text in ("[" * 100_000, "nonsense", '{"small": 3}', '{"../x": ["a", "b", "c"]}', "null"):
        outside.write_text(text)
        assert look(folder, wanted).matched == {"small": "small (1).ipynb"}
    receive(folder, wanted)
    assert outside.read_text() == "null"
    assert not (folder / NOTE).is_symlink()
