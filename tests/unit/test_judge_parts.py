"""The judge's small parts: what is shown, what is handed back, the script of an exam, a student's residence."""

import json
import os
import stat
import subprocess
import sys
import time

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tempo import NET

from perflab.check.report import MIME, Report
from perflab.guest.shells import MOST_OUTPUTS, MOST_TEXT
from perflab.judge import limits, processes, scratch, seccomp
from perflab.judge.examine import MOST_BYTES, MOST_CELLS, read
from perflab.judge.feedback import HIDDEN, UNTOLD, HideTests, markdown2html
from perflab.judge.intake import make_readable
from perflab.judge.limits import Limits, Watchdog
from perflab.judge.outputs import MORE, harmless, plain, size
from perflab.judge.plugin import text_of
from perflab.judge.residence import NOT_RUN, OWN, RESTARTS, Residence
from perflab.judge.sandbox import DiedError
from perflab.judge.script import MOST_SOURCE, astray, steps

# Outputs

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, []),
        ("text", []),
        ([None, 3, {}, {"text": 5}, {"data": []}], []),
        ([{"name": "stderr", "text": "a\x1b[2Jb\r\x07\n\tc\x9b"}], [{"name": "stdout", "text": "a[2Jb\n\tc"}]),
        ([{"text": "a\ud800b\udfff"}], [{"name": "stdout", "text": "ab"}]),
        ([{"data": {"text/html": "<script>", "application/javascript": "x"}}], []),
        (
            [{"data": {"text/plain": "\x1b]0;t\x07", "image/svg+xml": "<svg/>"}}],
            [{"data": {"text/plain": "]0;t"}}],
        ),
        ([{"data": {"image/png": PNG}}], [{"data": {"image/png": PNG}}]),
        ([{"data": {"image/png": "PHNjcmlwdD4="}}], []),
        ([{"data": {"image/png": "no base64!"}}], []),
        ([{"data": {"image/png": 7, "text/plain": 7}}], []),
    ],
)
def test_outputs_without_what_could_do_harm(sent, kept):
    assert harmless(sent) == kept


def test_all_outputs_of_an_examination_share_a_bound():
    picture = {"data": {"image/png": PNG}}
    assert size([picture, {"text": "12"}]) == len(PNG) + 2
    assert harmless([picture] * 3, room=3 * len(PNG)) == [picture] * 3
    assert harmless([picture] * 3, room=3 * len(PNG) - 1) == [picture] * 2 + [{"name": "stdout", "text": MORE}]
    assert harmless([picture], room=0) == []


def test_outputs_are_bounded():
    assert len(harmless([{"text": "x"}] * 1000)) == MOST_OUTPUTS
    assert len(plain("x" * 10**6)) == MOST_TEXT


# Feedback


def graded(source, **flags):
    about = {"grade": True, "grade_id": "t", "points": 1, "schema_version": 3, "locked": True, "solution": False}
    return new_code_cell(source, metadata={"nbgrader": {**about, "task": False, **flags}})


def with_report(cell, hidden, failure=""):
    report = Report("f: correct", 0.0, 1.0, "The result is 7; expected the zebra.", failure=failure)
    data = {"text/plain": "0.0", **report.as_bundle()}
    data[MIME]["hidden"] = hidden
    cell.outputs = [new_output("execute_result", data, execution_count=1)]
    return cell


HIDDEN_SOURCE = 'cases = [1]\n### BEGIN HIDDEN TESTS\ncases += ["zebra"]\n### END HIDDEN TESTS\ncheck'


def test_feedback_holds_no_hidden_test_and_no_case_of_one():
    first, second = with_report(graded(HIDDEN_SOURCE), True), with_report(graded("check"), False)
    said = new_code_cell("print(seen)", outputs=[new_output("stream", name="stdout", text="zebra")])
    before = new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text="early")])
    page, _ = HideTests().preprocess(new_notebook(cells=[before, first, said, second]), {})
    text = str(page.cells[1])
    assert "zebra" not in text
    assert HIDDEN in text
    assert page.cells[1].outputs[0].data["text/plain"] == "0.0"
    # What runs later may have seen the inputs of hidden cases.
    assert page.cells[2].outputs == []
    assert page.cells[0].outputs[0].text == "early"
    assert "the zebra" in str(page.cells[3])


@pytest.mark.parametrize(
    ("failure", "told"), [("wrong", False), ("unwritten", False), ("short", True), ("", True)]
)
def test_feedback_holds_no_word_of_an_answer_that_has_met_hidden_cases(failure, told):
    cells = [with_report(graded("check"), False, "wrong"), with_report(graded(HIDDEN_SOURCE), False, "wrong")]
    cells.append(with_report(graded("check"), False, failure))
    page, _ = HideTests().preprocess(new_notebook(cells=cells), {})
    # In a cell's own visible cases, which come first, it has met none.
    assert ["zebra" in str(cell.outputs) for cell in page.cells] == [True, True, told]
    assert (UNTOLD in str(page.cells[2].outputs)) != told
    assert page.cells[2].outputs[0].data["text/plain"] == "0.0"


def test_feedback_leaves_marks_in_a_students_own_cell_alone():
    own = new_code_cell("### BEGIN HIDDEN TESTS\nmine")
    page, _ = HideTests().preprocess(new_notebook(cells=[own, graded("check")]), {})
    assert page.cells[0].source == "### BEGIN HIDDEN TESTS\nmine"


@pytest.mark.parametrize(
    "source",
    [
        *(
            "<script>x()</script>",
            "<img src=x onerror=x()>",
            "[a](javascript:x())",
            "<a href='javascript:x()'>a</a>",
        ),
        *(
            "<iframe src=//x>",
            "<div onclick=x()>",
            "<style>*{}</style>",
            "<svg onload=x()>",
            "![a](javascript:x())",
        ),
        *(
            "<math><a xlink:href=javascript:x()>",
            "<p style='background:url(javascript:x())'>",
            "<form action=//x>",
        ),
        "<details open ontoggle=x()>",
    ],
)
def test_markdown_of_a_student_does_nothing(source):
    page = markdown2html(f"before\n\n{source}\n\nafter")
    for tag in ("<script", "<img", "<iframe", "<style", "<svg", "<form"):
        assert tag not in page.lower()
    # Handlers and such links may stay as text, never as attributes.
    assert not [part for part in page.split("<")[1:] if "x()" in part.partition(">")[0]]
    assert "before" in page
    assert "after" in page


def test_markdown_that_takes_the_parser_long_stays_text():
    source = "\\begin{a}" * 200_000
    assert markdown2html(source) == f"<pre>{source}</pre>"
    assert markdown2html("<b>" * 10_000) == f"<pre>{'&lt;b&gt;' * 10_000}</pre>"


def test_markdown_keeps_what_formats_text():
    page = markdown2html("# Title\n\n**bold** `code` [link](https://a.org)\n\n| a |\n|---|\n| 1 |")
    for part in ("<h1", "<strong>bold", "<code>code", 'href="https://a.org"', "<td"):
        assert part in page


# The script of an exam


def cell(name, role, source, points=None):
    about = {"grade_id": name, "grade": role == "tests", "solution": role == "answer", "locked": role != "answer"}
    about |= {"points": points} if points is not None else {}
    return new_code_cell(source, id=name, metadata={"nbgrader": about, "perflab": {"role": role}})


TRUSTED = new_notebook(
    cells=[
        cell("g", "given", "import numpy"),
        cell("a", "answer", "def f(): return 1"),
        cell("t", "tests", "check.correct(f)", 2),
        new_markdown_cell("text", id="m"),
        cell("p", "predict", "guess = None"),
    ]
)


def submitted(*cells):
    return NotebookNode(cells=[NotebookNode(one) for one in cells])


def code(name, source, **metadata):
    return {"cell_type": "code", "id": name, "source": source, "metadata": metadata}


def test_only_answers_and_own_cells_are_a_students():
    student = submitted(
        code("g", "import evil"), code("x", "own = 1"), code("a", "def f(): return 2"), code("t", "2.0")
    )
    found = [(step.role, step.name, step.source, step.points) for step in steps(TRUSTED, student)]
    assert found == [
        ("given", "g", "import numpy", 0),
        ("own", "g", "own = 1", 0),
        ("answer", "a", "def f(): return 2", 0),
        ("tests", "t", "check.correct(f)", 2),
    ]


def test_what_is_missing_is_empty_and_what_is_twice_is_kept():
    assert [step.source for step in steps(TRUSTED, submitted()) if step.role == "answer"] == [""]
    twice = submitted(code("a", "one"), code("a", "two"))
    assert [step.source for step in steps(TRUSTED, twice) if step.role in ("answer", "own")] == ["one", "two"]


@pytest.mark.parametrize(
    "metadata", [None, [], {"nbgrader": 3}, {"nbgrader": {"grade_id": ["t"]}}, {"perflab": 1}]
)
def test_metadata_of_any_kind_is_no_matter(metadata):
    one = {**code("a", "mine"), "metadata": metadata}
    assert [step.source for step in steps(TRUSTED, submitted(one)) if step.role == "answer"] == ["mine"]


@pytest.mark.parametrize("kind", ["markdown", "raw", "heading", "evil"])
def test_an_answer_is_one_whatever_kind_its_cell_has_become(kind):
    text = {**code("a", "mine"), "cell_type": kind}
    assert [step.source for step in steps(TRUSTED, submitted(text)) if step.role == "answer"] == ["mine"]
    # Where there is code too, the text is a note.
    both = submitted({**text, "source": "a note"}, code("a", "mine"))
    found = [step.source for step in steps(TRUSTED, both) if step.role in ("answer", "own")]
    assert found == ["mine"]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_other_text_is_not_run(kind):
    text = {**code("x", "mine"), "cell_type": kind}
    assert not [step for step in steps(TRUSTED, submitted(text)) if step.source == "mine"]


def test_prose_that_became_code_is_not_run():
    written = new_markdown_cell("say it", id="e", metadata={"nbgrader": {"grade_id": "e", "task": True}})
    trusted = new_notebook(cells=[*TRUSTED.cells, written])
    assert not [step for step in steps(trusted, submitted(code("e", "my words"))) if step.source == "my words"]


@pytest.mark.parametrize(
    ("cells", "own"),
    [
        ([code("g", "import numpy\n\ndef f(): return 2")], ["def f(): return 2"]),
        ([code("g", "x = 1\nimport numpy\ndef f(): return 2")], ["x = 1\ndef f(): return 2"]),
        ([code("t", "def f(): return 2\ncheck.correct(f)")], ["def f(): return 2"]),
        ([code("g", "import numpy\n")], []),
        ([code("g", "import evil")], []),
    ],
)
def test_what_was_merged_with_a_cell_of_the_course_is_found(cells, own):
    script = steps(TRUSTED, submitted(*cells))
    assert [step.source for step in script if step.role == "own"] == own


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ([], ()),
        ([code("a", "def f(): return 2")], ()),
        ([{**code("a", "def f(): return 2"), "cell_type": "raw"}], ()),
        ([code("g", "import something else\ndef f(): return 2")], ("f",)),
        ([{**code("x", "def f(): return 2"), "cell_type": "markdown"}, code("a", "")], ("f",)),
        ([{**code("x", "f = 2"), "cell_type": "raw"}], ("f",)),
        ([{**code("x", "def f(): return 2"), "cell_type": "raw"}, code("a", "def f(): return 3")], ()),
        ([{**code("x", "the function f is fast"), "cell_type": "markdown"}], ()),
    ],
)
def test_code_where_no_exam_runs_it_is_noticed(cells, found):
    assert astray(TRUSTED, submitted(*cells)) == found


def test_more_code_than_anybody_writes_is_refused():
    with pytest.raises(ValueError, match="characters of code"):
        steps(TRUSTED, submitted(code("a", "#" * (MOST_SOURCE + 1))))


# A student's residence


class Fake:
    """A sandbox that dies of some cells."""

    def __init__(self):
        self.alive, self.ran, self.pinned = True, [], set()
        self.in_force = {}

    def ready(self):
        pass

    def ask(self, message, oracle=None):
        self.ran.append(message["source"])
        if "die" in message["source"]:
            self.alive = False
            raise DiedError("it ended the process")
        return {"ok": True}, 0.0, 0.0

    def pin(self, cores):
        self.pinned = cores

    def close(self):
        self.alive = False


def test_a_residence_starts_anew_without_the_cell_that_ended_it():
    made = []
    home = Residence(lambda: made.append(Fake()) or made[-1])
    assert home.tell("a") == {"ok": True}
    home.pin({1})
    assert home.tell("die") == {"error": "it ended the process"}
    assert home.tell("b", keep=False) == {"ok": True}
    assert made[1].ran == ["a", "b"]
    assert made[1].pinned == {1}
    home.tell("die")
    assert home.now().ran == ["a"]
    assert len(made) == 3


def test_calls_end_a_residence_some_times_cells_as_often_as_they_like():
    made = []
    home = Residence(lambda: made.append(Fake()) or made[-1])
    home.tell("a")
    for _ in range(5 * RESTARTS):
        assert home.tell("die") == {"error": "it ended the process"}
    for _ in range(RESTARTS):
        home.now().close()  # by a call
    home.tell("die")
    assert home.now().ran == ["a"]
    home.now().close()
    with pytest.raises(DiedError, match="too often"):
        home.now()
    assert "too often" in home.tell("a")["error"]


@pytest.mark.parametrize("cell", ["die", "work"])
def test_cells_that_a_student_has_added_share_a_time(cell, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("perflab.judge.residence.time.monotonic", lambda: float(next(clock)))
    made = []
    home = Residence(lambda: made.append(Fake()) or made[-1])
    cells = 0
    while home.tell(cell, own=True).get("error") != NOT_RUN:
        cells += 1
        assert cells < 100
    # Each took ten seconds, and so did each restart.
    each = 20 if cell == "die" else 10
    assert OWN / each - 1 <= cells <= OWN / each + 1
    # What is no such cell runs all the same.
    assert home.tell("an answer") == {"ok": True}
    assert home.now().alive


# Files that are handed in


@pytest.mark.parametrize(
    "text", ["", "no notebook", "[" * 100_000, '{"cells": 3}', '{"nbformat": 99}', "null", "5"]
)
def test_what_is_no_notebook_is_said_to_be_none(text):
    with pytest.raises(ValueError, match="cannot be read"):
        read(text)


def test_a_file_that_is_too_large_is_not_parsed():
    with pytest.raises(ValueError, match="larger than"):
        read(" " * (MOST_BYTES + 1))


def test_more_cells_than_anybody_writes_are_refused():
    cells = [{"cell_type": "markdown", "source": "", "metadata": {}, "id": str(i)} for i in range(MOST_CELLS + 1)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with pytest.raises(ValueError, match="more than 2,000 cells"):
        read(json.dumps(notebook))
    notebook["cells"].pop()
    assert len(read(json.dumps(notebook)).cells) == MOST_CELLS


def test_links_and_devices_read_as_nothing(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert [text_of(tmp_path / name) for name in ("link", "pipe", "none")] == ["", "", ""]
    assert text_of(tmp_path / "bytes") == "\ufffd\ufffd"


def test_a_link_is_put_aside_and_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    path = tmp_path / "x.ipynb"
    path.symlink_to(tmp_path / "secret")
    make_readable("a", "s", [str(path)])
    assert not path.is_symlink()
    assert "secret" not in path.read_text()
    assert (tmp_path / "secret").read_text() == "secret"


# The folder on a disk, limits, the filter


def test_scratch_counts_what_is_there(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(bytes(1 << 16))
    (tmp_path / "link").symlink_to("/usr")
    named = scratch.taken(tmp_path, [], set())
    assert 1 << 16 <= named < 1 << 18
    # This process may hold files without a name from other tests.
    before = scratch.taken(tmp_path, [os.getpid()], set())
    with open(tmp_path / "b", "wb") as file:
        file.write(bytes(1 << 20))
        file.flush()
        os.unlink(tmp_path / "b")
        assert scratch.taken(tmp_path, [os.getpid()], set()) >= before + (1 << 20)
        seen = os.fstat(file.fileno())
        less = scratch.taken(tmp_path, [os.getpid()], {(seen.st_dev, seen.st_ino)})
    assert less < before + (1 << 20)


def test_scratch_refuses_what_cannot_be_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "MOST_FILES", 5)
    for i in range(6):
        (tmp_path / str(i)).touch()
    with pytest.raises(scratch.OverfullError, match="more than 5 files"):
        scratch.taken(tmp_path, [], set())
    monkeypatch.setattr(scratch, "MOST_LEVELS", 2)
    deep = tmp_path / "deep"
    (deep / "a" / "b" / "c").mkdir(parents=True)
    with pytest.raises(scratch.OverfullError, match="levels"):
        scratch.taken(deep, [], set())


def test_scratch_is_removed_whatever_became_of_it():
    folder = scratch.make()
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "out").symlink_to("/usr")
    (folder / "a").chmod(0)
    scratch.remove(folder)
    assert not folder.parent.exists()
    assert os.path.exists("/usr/bin")


def test_scratch_of_a_killed_grader_is_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "PLACES", (str(tmp_path),))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    old = tmp_path / f"{scratch.NAME}{gone.pid}-x"
    living, fresh = tmp_path / f"{scratch.NAME}{os.getpid()}-y", tmp_path / f"{scratch.NAME}{gone.pid}-z"
    for folder in (old, living, fresh):
        (folder / "files").mkdir(parents=True)
    for folder in (old, living):
        os.utime(folder, (0, 0))
    scratch.remove(scratch.make())
    assert {path.name for path in tmp_path.iterdir()} == {living.name, fresh.name}


def test_limits_of_a_process_count_a_user_where_no_group_counts(monkeypatch):
    monkeypatch.setattr(processes, "tasks_of", lambda user: 100)
    assert f"--nproc={164 + limits.BRAKE}" in Limits().prlimit(65534)
    assert not [word for word in Limits().prlimit(None) if "nproc" in word]
    assert Limits().prlimit(None)[-1] == "--"


def test_a_watchdog_says_why_it_kills(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "WATCH", 0.02)
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    dog = Watchdog([program.pid], Limits(memory=1 << 10), {"pids": "cgroup"}, None, set())
    assert program.wait(NET) == -9
    assert "MiB of memory" in dog.killed
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    dog = Watchdog([program.pid], Limits(file=1 << 19), {"memory": "cgroup"}, tmp_path, set())
    assert program.wait(NET) == -9
    assert "files took more than" in dog.killed


def test_a_full_disk_is_the_fault_of_who_wrote_to_it(tmp_path, monkeypatch):
    dog = Watchdog(os.getpid(), Limits(file=1 << 20), {"memory": "cgroup", "pids": "cgroup"}, tmp_path, set())
    dog.end()
    monkeypatch.setattr(limits, "RESERVE", 1 << 62)
    monkeypatch.setattr(limits, "_written", lambda pids: 1 << 10)
    assert dog._excess([]) == ""
    monkeypatch.setattr(limits, "_written", lambda pids: 1 << 30)
    assert dog._excess([]) == "it filled the disk"


def test_bytes_written_are_counted(tmp_path):
    before = limits._written([os.getpid()])
    with open(tmp_path / "a", "wb") as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
    if limits._written([os.getpid()]) == before:
        pytest.skip("this folder is in memory")
    assert limits._written([os.getpid()]) >= before + (1 << 20)


def test_processes_are_stopped_resumed_and_clocked():
    program = subprocess.Popen([sys.executable, "-c", "import os\nos.fork()\nwhile True: pass"])
    try:
        while len(processes.tree(program.pid)) < 2:
            time.sleep(0.01)
        stopped = processes.stop(program.pid)
        assert len(stopped) == 2
        before = processes.cpu_seconds(stopped)
        time.sleep(0.2)
        assert processes.cpu_seconds(stopped) == before
        processes.resume(stopped)
        while processes.cpu_seconds(stopped) <= before + 0.05:
            time.sleep(0.01)
        assert processes.cpu_seconds(processes.stop(program.pid)) > before + 0.05
    finally:
        processes.kill(program.pid)
        program.wait()
    processes.gone(program.pid)
    assert processes.tree(10**9) == [10**9]


def test_the_filter_is_a_program():
    with seccomp.program() as file:
        size = len(file.read())
    assert size > 0
    assert size % 8 == 0
