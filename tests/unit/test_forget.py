"""What a class keeps of a student is deleted, and nothing of anybody else's."""

import io
import json
import sys
from datetime import UTC, datetime

import pytest
from nbgrader.api import Gradebook, MissingEntry

from perflab import cli
from perflab.course import read
from perflab.course.classroom import class_config
from perflab.course.notebook import instructor, student, to_bytes
from perflab.judge.forget import stored
from perflab.judge.plugin import KEPT
from perflab.judge.settings import Settings
from perflab.judge.store import key
from perflab.judge.written import MARK

A = "memory-sums"


@pytest.fixture
def root(course):
    """A class where ada and bob have handed in the same, and ada something else before."""
    root = course / "class"
    class_config(root)  # nbgrader finds alembic
    exercise = read(course / "solutions/memory/tiny.py")
    trusted, handed_in = to_bytes(instructor(exercise)), to_bytes(student(exercise))
    write(root / "source" / A / "tiny.ipynb", trusted)
    shared = key(trusted.decode(), handed_in.decode(), Settings())
    for who in ("ada", "bob"):
        write(root / "submitted" / who / A / "tiny.ipynb", handed_in)
        write(root / "autograded" / who / A / MARK, json.dumps({"verdicts": {"tiny": shared}}).encode())
    write(root / "autograded" / "bob" / A / "old.ipynb", json.dumps({"metadata": {KEPT: "bobs"}}).encode())
    write(root / "feedback" / "ada" / A / "tiny.html", b"well done")
    for name in (shared, "earlier", "bobs"):
        write(root / "verdicts" / f"{name}.json", b"{}")
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment(A)
        for who in ("ada", "bob"):
            gradebook.add_student(who)
            gradebook.add_submission(A, who, timestamp=datetime.now(UTC).replace(tzinfo=None))
    return root


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def perflab(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["perflab", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return left.value.code or 0, out, " ".join(err.split())


def everything(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_everything_of_one_student_is_deleted(root, monkeypatch, capsys):
    before = everything(root)
    code, out, _ = perflab(monkeypatch, capsys, "forget", "ada", "--class", root, "--yes")
    assert code == 0
    assert str(root / "submitted" / "ada") in out
    assert "1 verdict in" in out
    assert "gradebook" in out
    left = everything(root)
    gone = {str(path.relative_to(root)) for path in before.keys() - left.keys()}
    assert gone == {
        f"submitted/ada/{A}/tiny.ipynb",
        f"autograded/ada/{A}/{MARK}",
        f"feedback/ada/{A}/tiny.html",
        "verdicts/earlier.json",
    }
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        with pytest.raises(MissingEntry):
            gradebook.find_student("ada")
        assert gradebook.find_submission(A, "bob")
        assert [s.student.id for s in gradebook.assignment_submissions(A)] == ["bob"]
    assert "nothing is kept of ada" in perflab(monkeypatch, capsys, "forget", "ada", "--class", root, "--yes")[2]


def test_it_asks_first(root, monkeypatch, capsys):
    before = everything(root)
    for answer in ("n\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        assert perflab(monkeypatch, capsys, "forget", "ada", "--class", root)[0] == 1
    assert everything(root) == before
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert perflab(monkeypatch, capsys, "forget", "ada", "--class", root)[0] == 0
    assert not (root / "submitted" / "ada").exists()


@pytest.mark.parametrize("name", ["eve", "", "..", ".", "ada/../bob", "../class/submitted/bob"])
def test_a_student_that_nobody_knows(root, monkeypatch, capsys, name):
    before = everything(root)
    code, out, err = perflab(monkeypatch, capsys, "forget", "--class", root, "--yes", "--", name)
    assert code == 1
    assert out == ""
    assert "Is the id right?" in err or "is no student's id" in err
    assert everything(root) == before


def test_no_gradebook_is_made_where_there_is_none(tmp_path, monkeypatch, capsys):
    code, _, err = perflab(monkeypatch, capsys, "forget", "ada", "--class", tmp_path / "class", "--yes")
    assert code == 1
    assert "no gradebook yet" in err
    assert not (tmp_path / "class").exists()


def test_a_student_who_is_only_in_the_gradebook(root, monkeypatch, capsys):
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        gradebook.add_student("zoe")
    found = stored(root, "zoe", f"sqlite:///{root / 'gradebook.db'}")
    assert (found.folders, found.in_gradebook) == ((), True)
    assert perflab(monkeypatch, capsys, "forget", "zoe", "--class", root, "--yes")[0] == 0
