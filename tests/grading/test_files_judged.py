"""Files as arguments under the judge: what a function did to them, and how many calls it took."""

from pathlib import Path

import nbformat
import pytest
from tempo import patience

from perflab.course import read
from perflab.course.notebook import instructor, student, to_bytes
from perflab.judge.examine import examine, forget
from perflab.judge.limits import Limits
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict

TARGET = read(Path(__file__).with_name("files_target.py"))
SETTINGS = Settings(limits=Limits(memory=1 << 30, file=64 << 20, call=patience(5), wall=patience(30)))
ALL = {"correct": 2, "writes": 2, "bytes": 1, "opens": 1}
HONEST = next(cell.source for cell in TARGET.of_role("answer"))
EACH = """
def append(log, lines):
    with open(log, "ab", buffering=0) as file:
        for line in lines:
            file.write(line)
"""
# Does the work in a process that nobody counts, and waits for it.
ELSEWHERE = """
def append(log, lines):
    child = os.fork()
    if child == 0:
        file = os.open(log, os.O_WRONLY | os.O_APPEND)
        for line in lines:
            os.write(file, line)
        os._exit(0)
    os.waitpid(child, 0)
"""
# Started where processes may still start; told by a pipe what to do.
SERVANT = """
order, orders = os.pipe()
done, dones = os.pipe()
if os.fork() == 0:
    while True:
        path, *lines = os.read(order, 1 << 16).split(b"|")
        file = os.open(path, os.O_WRONLY | os.O_APPEND)
        for line in lines:
            os.write(file, line)
        os.close(file)
        os.write(dones, b"x")

def append(log, lines):
    os.write(orders, b"|".join([os.fsencode(os.fspath(log)), *lines]))
    os.read(done, 1)
"""
NOTHING_WRITTEN = """
def append(log, lines):
    pass
"""
LINK = """
def append(log, lines):
    os.remove(log)
    os.symlink("/etc/passwd", os.fspath(log))
"""


@pytest.fixture(scope="module")
def points():
    def judged(answer: str) -> dict[str, float]:
        notebook = student(TARGET)
        for cell in notebook.cells:
            if cell.id == "log_answer":
                cell.source = answer
        submitted = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
        verdict = Verdict.from_json(
            examine(to_bytes(instructor(TARGET)).decode(), submitted, SETTINGS.to_dict(), seed=7)
        )
        return {cell.grade_id.removeprefix("log_"): cell.report.points for cell in verdict.cells}, verdict

    yield judged
    forget()


def test_one_write_earns_everything(points):
    found, verdict = points(HONEST)
    assert found == ALL, verdict.cells


def test_a_write_a_line_earns_what_is_left(points):
    found, verdict = points(EACH)
    assert found == {**ALL, "writes": 0}, verdict.cells


@pytest.mark.parametrize("answer", [ELSEWHERE, SERVANT], ids=["fork", "servant"])
def test_writes_in_another_process_are_not_overlooked(points, answer):
    found, verdict = points(answer)
    assert found["writes"] == 0, verdict.cells


@pytest.mark.parametrize("answer", [NOTHING_WRITTEN, LINK], ids=["nothing", "link"])
def test_what_does_not_write_earns_nothing(points, answer):
    found, verdict = points(answer)
    assert found == dict.fromkeys(ALL, 0), verdict.cells
