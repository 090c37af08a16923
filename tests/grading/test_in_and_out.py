"""How submissions come in and grades go out: nbgrader's exchange, an LMS's archives and files, late penalties."""

import csv
import zipfile
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook
from throwaway import ASSIGNMENT, EXERCISE, Course

NAME = f"{EXERCISE}.ipynb"
DUE = datetime(2026, 11, 20, 12)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A released assignment with a due date, in a course of its own."""
    course = Course(tmp_path_factory.mktemp("in-and-out"))
    course.run("perflab", "class")
    course.run("nbgrader", "generate_assignment", ASSIGNMENT)
    with gradebook(course) as opened:
        opened.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
        opened.add_student("ada", first_name="Ada", last_name="Lovelace", lms_user_id="4711")
    return course


def gradebook(course):
    return Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}", "performance")


def when(course, student):
    return (course.folder / "submitted" / student / ASSIGNMENT / "timestamp.txt").read_text().strip()


def test_nbgraders_exchange(own, tmp_path):
    """Release, fetch, submit and collect, with the exchange that nbgrader has."""
    exchange, home, cache = tmp_path / "exchange", tmp_path / "home", tmp_path / "cache"
    for folder in (exchange, home):
        folder.mkdir()
        folder.chmod(0o777)
    where = f"--Exchange.root={exchange}", f"--Exchange.cache={cache}"
    own.run("nbgrader", "release_assignment", ASSIGNMENT, *where)
    there = *where, "--course=performance", f"--Exchange.assignment_dir={home}"
    own.run("nbgrader", "fetch_assignment", ASSIGNMENT, *there)
    fetched = home / ASSIGNMENT / NAME
    assert fetched.read_bytes() == (own.folder / "release" / ASSIGNMENT / NAME).read_bytes()
    notebook = nbformat.read(fetched, as_version=4)
    notebook.cells[0].source += "\nMine."
    nbformat.write(notebook, fetched)
    own.run("nbgrader", "submit", ASSIGNMENT, *there)
    own.run("nbgrader", "collect", ASSIGNMENT, *where)
    (collected,) = (own.folder / "submitted").glob(f"*/{ASSIGNMENT}/{NAME}")
    assert collected.read_bytes() == fetched.read_bytes()
    assert collected.with_name("timestamp.txt").is_file()


@pytest.fixture(scope="module")
def collected(own, notebooks, tmp_path_factory):
    """Archives of both kinds with honest and other entries, collected by nbgrader's command."""
    solved = nbformat.writes(notebooks["solved"]).encode()
    moodle = {
        f"Ada Lovelace_4711_assignsubmission_file_/{NAME}": solved,
        "Ada Lovelace_4711_assignsubmission_file_/timestamp.txt": b"2020-01-01 00:00:00 UTC",
        f"Late Larry_12_assignsubmission_file_/{NAME}": solved,
        f"../../submitted/ada/{ASSIGNMENT}/{NAME}": b"evil",
        f"Bomb_13_assignsubmission_file_/{NAME}": b"\0" * (8 << 20),
    }
    canvas = {
        f"canvascarl_14_900_{NAME}": solved,
        f"canvaskim_LATE_15_901_{EXERCISE}-1.ipynb": solved,
    }
    archives = own.folder / "downloaded" / ASSIGNMENT / "archive"
    archives.mkdir(parents=True)
    late = "Late Larry_12_assignsubmission_file_/"
    for kind, entries, date in (("moodle", moodle, (2026, 11, 19)), ("canvas", canvas, (2026, 11, 25))):
        with zipfile.ZipFile(archives / f"{kind}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                day = (2026, 11, 22) if name.startswith(late) else date
                archive.writestr(zipfile.ZipInfo(name, (*day, 10, 0, 0)), data, zipfile.ZIP_DEFLATED)
    said = own.run("nbgrader", "zip_collect", ASSIGNMENT)
    return own, said


def test_an_lms_archive_is_collected(collected, notebooks):
    course, _ = collected
    found = {p.parts[-3]: p for p in (course.folder / "submitted").glob(f"*/{ASSIGNMENT}/{NAME}")}
    assert set(found) >= {"ada", "late-larry", "14", "15"}
    assert "bomb" not in found
    for who in ("ada", "late-larry", "14", "15"):
        assert nbformat.read(found[who], as_version=4).cells == notebooks["solved"].cells


def test_what_was_refused_is_said_and_kept(collected):
    course, said = collected
    told = (course.folder / "downloaded" / ASSIGNMENT / "refused.txt").read_text()
    assert "leads out of the folder" in told
    assert "grows more than" in told
    assert "leads out of the folder" in said
    with zipfile.ZipFile(course.folder / "downloaded" / ASSIGNMENT / "archive" / "moodle.zip") as archive:
        assert f"../../submitted/ada/{ASSIGNMENT}/{NAME}" in archive.namelist()


def test_arrival_is_the_archives_word_not_the_students(collected):
    course, _ = collected
    assert when(course, "ada").startswith("2026-11-19")
    assert when(course, "late-larry").startswith("2026-11-22")
    assert when(course, "14").startswith("2026-11-20 12:00:00")  # Canvas says that it was on time
    assert when(course, "15").startswith("2026-11-25")


def test_late_points_are_taken_and_go_out(collected):
    """As nbgrader_config.py says, by nbgrader's command and by perflab's alike."""
    course, _ = collected
    path = course.root / "nbgrader_config.py"
    before = path.read_text()
    try:
        path.write_text(before + "c.PercentPerUnit.percent = 25\nc.PercentPerUnit.grace_hours = 1\n")
        for who in ("ada", "14", "15"):
            course.run("nbgrader", "autograde", ASSIGNMENT, f"--student={who}", "--force")
        course.run("perflab", "grade", ASSIGNMENT)
    finally:
        path.write_text(before)
    with gradebook(course) as opened:
        lost = {
            s.student.id: (s.late_submission_penalty, s.score) for s in opened.assignment_submissions(ASSIGNMENT)
        }
    assert lost["ada"][0] == lost["14"][0] == 0
    assert lost["late-larry"][0] == pytest.approx(0.5 * lost["late-larry"][1])
    assert lost["15"][0] == pytest.approx(lost["15"][1])
    for name in ("Canvas", "Moodle"):
        course.run("nbgrader", "export", f"--exporter=perflab.lms.export.{name}Export", "--to=out.csv")
        with open(course.root / "out.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        column = "SIS Login ID" if name == "Canvas" else "Username"
        grades = {row[column]: float(row[ASSIGNMENT]) for row in rows if row[column] and row[ASSIGNMENT]}
        assert grades["late-larry"] == pytest.approx(0.5 * lost["late-larry"][1])
        assert grades["15"] == 0
