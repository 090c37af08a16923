"""Whose a file of an LMS's archive is, which notebook, and what is said of all others."""

import io
import os
import shutil
import tarfile
import zipfile
from datetime import datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import LoggingConfigurable

from perflab.course.classroom import class_config
from perflab.lms.collect import CAME, REFUSED, LmsCollector, SafeExtractor, owner
from perflab.lms.names import readings
from perflab.lms.roster import Roster, Student, read_worksheet

DUE = datetime(2026, 11, 20, 12)
WHEN = (2026, 11, 19, 10, 0, 0)
MOODLE = "_assignsubmission_file_/"


def notebook(text="pass", name="small"):
    cell = new_code_cell(text, id=f"{name}_answer")
    cell.metadata.nbgrader = {"grade_id": f"{name}_answer"}
    return nbformat.writes(new_notebook(cells=[cell])).encode()


GOOD, OLD = notebook("good"), notebook("old")


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            data, when = data if isinstance(data, tuple) else (data, WHEN)
            info = zipfile.ZipInfo("x", when)
            info.filename = name  # as it is: the constructor mends backslashes
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tarred(mode):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        info = tarfile.TarInfo("small.ipynb")
        info.size = len(GOOD)
        archive.addfile(info, io.BytesIO(GOOD))
    return out.getvalue()


class Collected:
    """A class whose archives nbgrader's zip_collect would take in with our plugins."""

    def __init__(self, root, new=False):
        self.root = root
        self.url = f"sqlite:///{root / 'gradebook.db'}"
        if not new:
            return
        class_config(root)
        with Gradebook(self.url, "performance") as gradebook:
            for name in ("week-1", "week-2"):
                gradebook.add_assignment(name, duedate=DUE)
                release = root / "release" / name
                release.mkdir(parents=True)
                for one in ("small", "large_one"):
                    (release / f"{one}.ipynb").write_bytes(notebook(name=one))

    def add(self, who, **about):
        with Gradebook(self.url, "performance") as gradebook:
            gradebook.add_student(who, **about)

    def __call__(self, entries, assignment="week-1", beside=None):
        """Return (student, notebook) -> (content, time), and what is said of the rest."""
        downloaded = self.root / "downloaded" / assignment
        archives, extracted = downloaded / "archive", downloaded / "extracted"
        for folder in (archives, extracted):
            folder.mkdir(parents=True)
        (archives / "all.zip").write_bytes(zipped(entries))
        for name, data in (beside or {}).items():
            (archives / name).parent.mkdir(exist_ok=True)
            (archives / name).write_bytes(data)

        class App(LoggingConfigurable):
            coursedir = CourseDirectory(
                root=str(self.root), assignment_id=assignment, db_url=self.url, course_id="performance"
            )
            extracted_directory, archive_directory = "extracted", "archive"

            def _format_collect_path(self, step):
                return str(downloaded / step)

        app = App()
        SafeExtractor(parent=app).extract(str(archives), str(extracted))
        collector = LmsCollector(parent=app)
        found = {}
        for path in sorted(p for p in extracted.rglob("*") if p.is_file()):
            if info := collector.collect(str(path)):
                # As nbgrader makes the name from both.
                name = os.path.splitext(info["file_id"])[0] + path.suffix
                key = info["student_id"], name
                assert key not in found
                found[key] = path.read_bytes(), info["timestamp"]
        told = downloaded / REFUSED
        return found, told.read_text() if told.exists() else ""


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Its tables take nbgrader a second to make."""
    return Collected(tmp_path_factory.mktemp("class"), new=True).root


@pytest.fixture
def course(empty, tmp_path):
    return Collected(shutil.copytree(empty, tmp_path / "class"))


@pytest.fixture
def known(course):
    course.add("ada", first_name="Ada", last_name="Ames", lms_user_id="4711", email="ada@x.org")
    course.add("bob", first_name="Bob", last_name="Boyd", lms_user_id="4712")
    return course


def of(found):
    return {key: content for key, (content, _) in found.items()}


NAMES = {
    "Ada Ames_9034_assignsubmission_file_/small.ipynb": ("ada", "small.ipynb"),
    "Ada Ames_9034_assignsubmission_file/small.ipynb": ("ada", "small.ipynb"),
    "Ada Ames_9034_assignsubmission_file_small.ipynb": ("ada", "small.ipynb"),
    "Ada_Ames_9034_assignsubmission_file_/small.ipynb": ("ada", "small.ipynb"),
    "Ames ADA_9034_assignsubmission_file_/my/hw/small.ipynb": ("ada", "small.ipynb"),
    "Group A-Ada Ames_9034_assignsubmission_file_small.ipynb": ("ada", "small.ipynb"),
    "Max-Otto Meier_12_assignsubmission_file_/small.ipynb": ("max-otto-meier", "small.ipynb"),
    "Mu\u0308ller_13_assignsubmission_file_/small.ipynb": ("m\u00fcller", "small.ipynb"),
    "amesada_4711_123456_small.ipynb": ("ada", "small.ipynb"),
    "amesada_LATE_4711_123456_small-1.ipynb": ("ada", "small.ipynb"),
    "amesada_4711_123456_small (2).ipynb": ("ada", "small.ipynb"),
    "lab_3_4711_902_small.ipynb": ("ada", "small.ipynb"),
    "lab_3_4711_902_small(1).ipynb": ("ada", "small.ipynb"),
    "team_4712_4711_902_small.ipynb": ("ada", "small.ipynb"),
    "\u674e\u660e_301_907_small.ipynb": ("301", "small.ipynb"),
    "_302_908_small.ipynb": ("302", "small.ipynb"),
    "anon_Ab3dE_900_small.ipynb": ("anon_Ab3dE", "small.ipynb"),
    "LATE_anon_Xy9Zw_901_small.ipynb": ("anon_Xy9Zw", "small.ipynb"),
    # The end of a name is the student's: no way to hand in for somebody else.
    "Eve_9_assignsubmission_file_/Ada Ames_9034_assignsubmission_file_small.ipynb": ("eve", "small.ipynb"),
    "Eve_9_assignsubmission_file_Ada Ames_9034_assignsubmission_file_small.ipynb": ("eve", "small.ipynb"),
    "evileve_9_5_x/amesada_4711_123456_small.ipynb": ("9", "small.ipynb"),
    # What has several readings is nobody's.
    "eve_4712_99_903_small.ipynb": None,
    "evileve_9_5_amesada_4711_123456_small.ipynb": None,
    "anon_47110_902_small.ipynb": None,
    "small.ipynb": None,
}


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=str)
def test_whose_a_file_is(known, name, expected):
    found, told = known({name: GOOD})
    if expected is None:
        assert found == {}
        assert name in told
    else:
        assert of(found) == {expected: GOOD}
        assert told == ""


def test_an_archive_with_several_readings_is_nobodys(known):
    """As the file of eve_4712 it would replace that of bob, whose number this is."""
    packed = zipped({"small.ipynb": OLD})
    found, told = known({"eve_4712_99_903_x.zip": packed, "boydbob_4712_555_small.ipynb": GOOD})
    assert of(found) == {("bob", "small.ipynb"): GOOD}
    assert "user 4712" in told
    assert "user 99" in told


def test_bounds_are_ones_own(known):
    assert owner("eve_4712_99_903_x.zip") != owner("boydbob_4712_555_small.ipynb")
    assert owner("boydbob_4712_555_a.ipynb") == owner("boydbob_4712_556_b.ipynb")
    assert owner(f"Bob Boyd_7{MOODLE}a") == owner(f"Bob Boyd_7{MOODLE}b")


def test_a_moodle_number_belongs_to_one_assignment(known):
    for assignment, number in (("week-1", 4712), ("week-2", 9034)):
        found, told = known({f"Ada Ames_{number}{MOODLE}small.ipynb": GOOD}, assignment)
        assert of(found) == {("ada", "small.ipynb"): GOOD}
        assert told == ""


def test_newcomers_are_the_same_in_each_assignment(course):
    for assignment, number in (("week-1", 1), ("week-2", 2)):
        found, _ = course({f"Cy Carr_{number}{MOODLE}small.ipynb": GOOD}, assignment)
        assert of(found) == {("cy-carr", "small.ipynb"): GOOD}


SHEET = """\ufeffIdentifier,"Full name","Email address",Status,Grade,"Last modified (grade)"
Participant 1,Cy Carr,cy.one@x.org,Submitted,,-
Participant 2,Cy Carr,cy.two@x.org,Submitted,,-
Participant 3,Ada A. Ames,Ada@x.org,Submitted,,-
"""


def test_a_grading_worksheet_tells_namesakes_apart(known):
    entries = {f"{name}_{i}{MOODLE}small.ipynb": GOOD for i, name in enumerate(["Cy Carr", "Cy Carr", "Ada X"], 1)}
    found, told = known(entries, beside={"Grades-week.csv": SHEET.encode()})
    assert {who for who, _ in found} == {"cy.one@x.org", "cy.two@x.org", "ada"}
    assert told == ""


def test_namesakes_without_a_worksheet_are_refused(known):
    entries = {f"Cy Carr_{i}{MOODLE}small.ipynb": GOOD for i in (1, 2)} | {f"Di Dow_3{MOODLE}small.ipynb": GOOD}
    found, told = known(entries, beside={"notes.csv": b"what,ever\n1,2\n"})
    assert of(found) == {("di-dow", "small.ipynb"): GOOD}
    assert told.count("2 participants are called Cy Carr") == 2
    assert "grading worksheet" in told
    assert "notes.csv names nobody" in told


def test_two_people_are_never_one_student(known):
    entries = {f"Ada Ames_1{MOODLE}small.ipynb": GOOD, f"x-Ada Ames_2{MOODLE}small.ipynb": OLD}
    found, told = known(entries)
    assert found == {}
    assert told.count("would all be the student ada") == 2


def test_blind_marking(course):
    entries = {f"Participant_{i}{MOODLE}small.ipynb": GOOD for i in (1, 2)}
    found, told = course(entries)
    assert {who for who, _ in found} == {"week-1-participant-1", "week-1-participant-2"}
    assert told == ""


@pytest.mark.parametrize("text", ["", "\x00", "a;b\n1;2\n", "Identifier,Full name\nnobody,Ada\n"])
def test_what_is_no_worksheet(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"worksheet|read"):
        read_worksheet(path)


@pytest.mark.parametrize(
    "name",
    [
        *("small(1).ipynb", "small (1).ipynb", "small-1.ipynb", "small_1.ipynb", "Copy of small.ipynb"),
        *("small-Copy1.ipynb", "small - Copy.ipynb", "small.ipynb.txt", "small.ipynb.json", "Small.ipynb"),
        *("small .ipynb", "small 2.ipynb", "small (1) (2).ipynb", "small.IPYNB", "small+(1).ipynb"),
        *("small%20(1).ipynb", "week-1/small.ipynb", "final version.ipynb"),
    ],
)
def test_a_notebook_is_collected_under_its_own_name(known, name):
    found, told = known({f"Ada Ames_1{MOODLE}{name}": GOOD})
    assert of(found) == {("ada", "small.ipynb"): GOOD}
    assert told == ""


@pytest.mark.parametrize("place", ["versions", "backup", "old", "a/b"])
@pytest.mark.parametrize("newer", [True, False])
def test_an_older_version_in_an_archive_does_not_count(known, place, newer):
    when = (2026, 11, 18 if newer else 16, 0, 0, 0)
    packed = zipped({"hw/small.ipynb": (GOOD, (2026, 11, 17, 0, 0, 0)), f"hw/{place}/small.ipynb": (OLD, when)})
    found, told = known({f"Ada Ames_1{MOODLE}hw.zip": packed})
    assert found == {("ada", "small.ipynb"): (GOOD, found["ada", "small.ipynb"][1])}
    assert "hw/hw/small.ipynb is graded" in told


def test_two_versions_that_nobody_can_choose_between(known):
    packed = zipped({"a/small.ipynb": GOOD, "b/small.ipynb": OLD})
    found, told = known({f"Ada Ames_1{MOODLE}hw.zip": packed, f"Bob Boyd_2{MOODLE}small.ipynb": GOOD})
    assert ("ada", "small.ipynb") not in found
    assert {name for who, name in found if who == "ada"} == {
        "unclear/hw/a/small.ipynb",
        "unclear/hw/b/small.ipynb",
    }
    assert "may each be small. Keep one of them." in told
    assert found["bob", "small.ipynb"][0] == GOOD


def test_the_later_of_two_uploads_counts(known):
    found, told = known({"amesada_4711_10_small.ipynb": OLD, "amesada_4711_9_small.ipynb": GOOD})
    assert of(found) == {("ada", "small.ipynb"): OLD}
    assert "amesada_4711_9_small.ipynb was not collected: all/amesada_4711_10_small.ipynb came later" in told


@pytest.mark.parametrize("name", ["week-1\\small.ipynb", "week-1\\deep\\small.ipynb"])
def test_archives_of_windows(known, name):
    packed = zipped({"week-1\\": b"", name: GOOD})
    found, told = known({f"Ada Ames_1{MOODLE}hw.zip": packed})
    assert of(found) == {("ada", "small.ipynb"): GOOD}
    assert told == ""


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar.xz", "txz"])
def test_tar_archives_of_all_kinds(known, kind):
    mode = {"r": "", "z": "gz", "2": "bz2"}.get("z" if kind[-2:] in ("gz",) else kind[-1], "xz")
    found, told = known({f"Ada Ames_1{MOODLE}hw.{kind}": tarred(f"w:{mode if kind != 'tar' else ''}")})
    assert of(found) == {("ada", "small.ipynb"): GOOD}
    assert told == ""


@pytest.mark.parametrize("name", ["hw.rar", "hw.7z", "hw.tar.zst", "hw.gz", "small.pdf", "small.py", "data.bin"])
def test_whatever_is_not_understood_is_named(known, name):
    found, told = known({f"Ada Ames_1{MOODLE}{name}": b"Rar!", f"Bob Boyd_2{MOODLE}small.ipynb": GOOD})
    assert of(found) == {("bob", "small.ipynb"): GOOD}
    (line,) = told.splitlines()
    assert name in line
    assert ("ask for a .zip" in line) == (name.startswith("hw"))


@pytest.mark.parametrize(
    "name", ["__MACOSX/._small.ipynb", ".DS_Store", ".ipynb_checkpoints/small-checkpoint.ipynb", "timestamp.txt"]
)
def test_what_systems_leave_beside_a_notebook_is_no_news(known, name):
    found, told = known({f"Ada Ames_1{MOODLE}small.ipynb": GOOD, f"Ada Ames_1{MOODLE}{name}": OLD})
    assert of(found) == {("ada", "small.ipynb"): GOOD}
    assert told == ""


def test_what_was_unpacked_by_hand(known):
    """A folder of the LMS, or a file, put beside the archives without one around it."""
    beside = {f"Ada Ames_1{MOODLE}small.ipynb": GOOD, "boydbob_4712_5_small.ipynb.txt": GOOD}
    found, told = known({}, beside=beside)
    assert of(found) == {("ada", "small.ipynb"): GOOD, ("bob", "small.ipynb"): GOOD}
    assert told == ""


def test_times_are_those_of_the_lms(known):
    """Not of what a student packed, and Canvas says by LATE who was late."""
    packed = zipped({"small.ipynb": (GOOD, (2020, 1, 1, 0, 0, 0))})
    entries = {
        f"Ada Ames_1{MOODLE}hw.zip": (packed, (2026, 11, 22, 10, 0, 0)),
        f"Eve_2{MOODLE}small.ipynb.txt": (GOOD, (2026, 11, 23, 10, 0, 0)),
        "boydbob_4712_5_small.ipynb": (GOOD, (2026, 11, 25, 0, 0, 0)),
        "x_LATE_77_6_small.ipynb": (GOOD, (2026, 11, 25, 10, 0, 0)),
    }
    found, _ = known(entries)
    days = {who: when[:10] for (who, _), (_, when) in found.items()}
    assert days == {"ada": "2026-11-22", "eve": "2026-11-23", "bob": "2026-11-20", "77": "2026-11-25"}
    (known.root / "downloaded" / "week-1" / CAME).write_text("[]")  # damaged: the files' own times


def test_a_students_folders_differ_by_more_than_the_size_of_letters(course):
    found, told = course({f"Cy Carr_1{MOODLE}small.ipynb": GOOD, f"CY CARR_2{MOODLE}small.ipynb": OLD})
    assert found == {}
    assert "2 participants are called" in told


def test_readings_of_one_name():
    assert [r.number for r in readings("lab_3_4711_902_small.ipynb")] == ["3", "4711"]
    assert readings("small.ipynb") == []
    likely = {r.number: r.likely for r in readings("evileve_9_5_amesada_4711_123456_small.ipynb")}
    assert likely == {"9": True, "4711": False}


def test_somebody_of_that_id_but_another_name():
    (who,) = readings(f"Ada Ames_1{MOODLE}small.ipynb")
    assert Roster((Student("ada-ames"),)).student(who) == "ada-ames"
    with pytest.raises(ValueError, match="of another name"):
        Roster((Student("ada-ames", "Ada", "Amesbury"),)).student(who)
