"""The pages for instructors: their commands, in the order in which a reader meets them, on a throwaway class."""

import csv
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
from throwaway import ASSIGNMENT, EXERCISE, ROOT, Course

from perflab.course.gates import mutants
from perflab.judge.sample import submissions

PAGES = [ROOT / "book" / "teach" / f"{name}.md" for name in ("classroom", "grading", "afterwards")]
FENCE = re.compile(
    r"^```(?:bash|\{code-block\} bash\n:caption: (A student)\n)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
STUDENTS = {"alice": "solved", "bob": "naive"}
STRANGER = "4713"


def commands(text: str) -> list[tuple[bool, list[str]]]:
    """Return the commands of a page: whether a student types it, and its words."""
    return [
        (bool(who), shlex.split(line)) for who, body in FENCE.findall(text) for line in body.split("\n") if line
    ]


def test_commands_are_found():
    text = "```bash\na b\n\nc 'd e'\n```\n\n```{code-block} bash\n:caption: A student\n\nf\n```\n\n    g\n"
    assert commands(text) == [(False, ["a", "b"]), (False, ["c", "d e"]), (True, ["f"])]


class Walk:
    """An instructor and two students who type what the pages say.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self.course = Course(root / "course")
        self.exchange = root / "exchange"
        self.exchange.mkdir(mode=0o777)
        self.exchange.chmod(0o777)
        line = f"\nc.Exchange.root = {str(self.exchange)!r}\n"
        with (self.course.root / "nbgrader_config.py").open("a") as file:
            file.write(line)
        naive = mutants(ROOT / "tests" / "exercises" / f"{self.course.exercise.name}.py")["naive"][0]
        self.notebooks = submissions(self.course.exercise, {"naive": naive})
        self.homes = {student: root / student for student in STUDENTS}
        for student, home in self.homes.items():
            home.mkdir()
            # In a class they are users of their own; here one user plays them all.
            who = f"c.CourseDirectory.student_id = {student!r}\nc.Exchange.cache = {str(home / 'cache')!r}\n"
            (home / "nbgrader_config.py").write_text(f"c = get_config(){line}{who}")
        self.said: dict[str, str] = {}
        self.points: dict[str, dict[str, float | None]] = {}

    def type(self, student: bool, words: list[str]) -> None:
        """Run a command as whoever types it."""
        if student:
            for name, home in self.homes.items():
                self._as_student(name, home, words)
        else:
            if words[1] == "zip_collect":
                self._download()
            self.said[shlex.join(words)] = self.course.run(*words)
            if words[1] == "zip_collect":
                # From here on it is a class of the exchange: nbgrader releases feedback to no other.
                found = (self.course.folder / "submitted").glob("*/*/*.ipynb")
                (self.by_lms,) = [path for path in found if path.parts[-3] not in STUDENTS]
                shutil.rmtree(self.by_lms.parents[1])
            if words[1] == "grade":
                self.points = {who: self.course.scores(who) for who in STUDENTS}

    def _download(self) -> None:
        """Play Moodle: one more student, whom only a number names."""
        folder = self.course.folder / "downloaded" / ASSIGNMENT / "archive"
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
            name = f"Carol Cobb_{STRANGER}_assignsubmission_file_/{EXERCISE}.ipynb"
            archive.writestr(name, nbformat.writes(self.notebooks["solved"]))

    def _as_student(self, name: str, home: Path, words: list[str]) -> None:
        if words[1] == "submit":
            path = home / ASSIGNMENT / f"{EXERCISE}.ipynb"
            assert path.is_file(), "fetched"
            nbformat.write(self.notebooks[STUDENTS[name]], path, version=nbformat.NO_CONVERT)
        self.course.run(*words, cwd=home)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The class after all commands of the pages."""
    walk = Walk(tmp_path_factory.mktemp("walk"))
    for page in PAGES:
        for student, words in commands(page.read_text()):
            walk.type(student, words)
    return walk


def test_every_page_has_commands():
    assert all(commands(page.read_text()) for page in PAGES)


def test_the_readme_types_nothing_else():
    text = (ROOT / "README.md").read_text().partition("## You teach a class")[2].partition("\n## ")[0]
    short = [shlex.split(line) for line in re.findall(r"^    \.venv/bin/(.*)", text, re.MULTILINE)]
    typed = [words for page in PAGES for student, words in commands(page.read_text()) if not student]
    assert short
    assert [words for words in short if words not in typed] == []


def test_an_archive_is_collected(walk):
    assert walk.by_lms.name == f"{EXERCISE}.ipynb"


def test_points(walk):
    full = {cell.grade_id: cell.points for cell in walk.course.exercise.of_role("tests")}
    correct, lines = f"{EXERCISE}_correct", f"{EXERCISE}_lines"
    assert {who: scores[correct] for who, scores in walk.points.items()} == dict.fromkeys(STUDENTS, full[correct])
    assert {who: scores[lines] for who, scores in walk.points.items()} == {"alice": full[lines], "bob": 0}


def test_replay_shows_both(walk):
    assert "with the same inputs" in walk.said[f"perflab grade {ASSIGNMENT} --replay alice"]


def test_statistics(walk):
    assert "2 students" in walk.said[f"perflab statistics {ASSIGNMENT}"]


def test_feedback_reaches_the_student(walk):
    (page,) = (walk.homes["alice"] / ASSIGNMENT / "feedback").rglob(f"{EXERCISE}.html")
    assert "advance: correct" in page.read_text()


def test_grades_are_exported(walk):
    with open(walk.course.folder / "grades.csv", newline="") as file:
        names = {row["student_id"]: row["last_name"] for row in csv.DictReader(file)}
    assert names == {"alice": "Ames", "bob": "Boyd"}
    with open(walk.course.folder / "canvas.csv", newline="") as file:
        rows = {row["SIS Login ID"]: row for row in csv.DictReader(file)}
    assert rows["bob"]["ID"] == "4712"
    with open(walk.course.folder / "moodle.csv", newline="") as file:
        points = {row["Username"]: float(row[ASSIGNMENT]) for row in csv.DictReader(file)}
    assert points == {who: float(rows[who][ASSIGNMENT]) for who in points}
    assert points["alice"] > points["bob"] > 0


def test_bob_is_forgotten(walk):
    assert [path.name for path in (walk.course.folder / "submitted").iterdir()] == ["alice"]
