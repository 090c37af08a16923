"""Bad input is a sentence that says what to do and a non-zero exit, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook, output_from_msg
from tempo import NET
from typer.testing import CliRunner

from perflab import cli, machine
from perflab.course import publish
from perflab.course.notebook import instructor, student, to_bytes
from perflab.course.source import read, with_answer

PERFLAB = Path(sys.executable).parent / "perflab"


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command line as the console script does, in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["perflab", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return left.value.code or 0, out, err

    return run


@pytest.fixture
def fails(run):
    """Return a function that runs the command line, which must fail; it returns what it says, on one line."""

    def fails(*arguments):
        code, out, err = run(*arguments)
        assert code not in (0, None)
        assert not out.strip()
        return " ".join(err.split())

    return fails


def notebook(tmp_path, *cells, name="nb.ipynb"):
    path = tmp_path / name
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


# --- check


def test_checking_a_missing_file(fails, tmp_path):
    assert "none.ipynb: cannot be read: No such file or directory. Is the path right?" in fails(
        "check", tmp_path / "none.ipynb"
    )


def test_checking_a_folder(fails, tmp_path):
    assert "Is a directory. Is the path right?" in fails("check", tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        b"I am text",
        b"",
        b"{}",
        b"[]",
        b"3",
        b"\xff\xfe\x00",
        b'{"cells": 3}',
        b'{"nbformat": 4, "nbformat_minor": 5}',
    ],
    ids=str,
)
def test_checking_what_is_no_notebook(fails, tmp_path, data):
    path = tmp_path / "text.ipynb"
    path.write_bytes(data)
    sentence = fails("check", path)
    assert "text.ipynb: no Jupyter notebook" in sentence
    assert "Give the path of an .ipynb file." in sentence


def test_checking_a_notebook_of_an_unknown_format(fails, tmp_path):
    path = notebook(tmp_path, new_markdown_cell("hello"))
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"nbformat": 9}))
    assert "no Jupyter notebook" in fails("check", path)


def test_checking_a_notebook_without_graded_cells(fails, tmp_path):
    path = notebook(tmp_path, new_markdown_cell("hello"))
    sentence = fails("check", path)
    assert "nb.ipynb: no graded cell. Give an exercise, e.g. work/memory/soa_vs_aos.ipynb." in sentence


def test_a_long_path_is_not_broken_into_lines(run, tmp_path):
    """Who copies the path out of the message, or reads it by a program, needs it in one piece."""
    path = tmp_path / ("long_" * 30) / "none.ipynb"
    assert str(path) in run("check", path)[2]


@pytest.fixture
def solved(course):
    """Return the path of a notebook with a wrong and a right answer in it."""
    exercise = with_answer(read(course / "solutions/memory/tiny.py"), "def add(numbers):\n    return 0")
    path = course / "wrong.ipynb"
    path.write_bytes(to_bytes(instructor(exercise)))
    return path


def test_checking_a_notebook_shows_points_and_reasons(run, solved):
    before = solved.read_bytes()
    code, out, _ = run("check", solved)
    assert code == 1
    said = " ".join(out.split())
    assert "tiny_correct" in said
    assert "0 of 3.5" in said
    assert "expected" in said
    assert solved.read_bytes() == before


# --- exercises, class


def test_a_broken_source_is_named_with_its_line(fails, course, add_source, tiny):
    add_source("memory/tiny", tiny.replace("stars: 1", "stars: 9"))
    for command in ("exercises", "class"):
        sentence = fails(command, "--root", course)
        assert "tiny.py:1: header: stars is 1, 2 or 3, not 9" in sentence
    assert not (course / "exercises").exists()
    assert not (course / "class").exists()


def test_a_source_without_a_header_is_named(fails, course, add_source):
    add_source("memory/tiny", "print('hello')\n")
    assert "tiny.py:1: no header: start with a YAML block" in fails("exercises", "--root", course)


@pytest.mark.parametrize("text", ["week-1: [", "week-1: [memory/none]", "[memory/tiny]", "3"])
def test_a_class_with_a_broken_assignments_file(fails, course, text):
    (course / "assignments.yml").write_text(text)
    assert "assignments.yml: " in fails("class", "--root", course)
    assert not (course / "class").exists()


def test_a_class_without_an_assignments_file(fails, course):
    (course / "assignments.yml").unlink()
    assert "assignments.yml: cannot be read" in fails("class", "--root", course)


def test_a_course_without_a_curriculum(fails, course):
    (course / "book/curriculum.yml").unlink()
    assert "curriculum.yml: no curriculum" in fails("exercises", "--root", course)


@pytest.mark.parametrize("command", ["exercises", "class", "progress", "work"])
def test_a_folder_that_is_no_course(fails, tmp_path, command):
    """Nothing found is no success: whoever stands in the wrong folder must be told."""
    assert str(tmp_path) in fails(command, "--root", tmp_path)


def test_a_class_is_built(run, course):
    code, out, _ = run("class", "--root", course)
    assert code == 0
    assert "memory-sums" in out
    assert (course / "class/source/memory-sums/tiny.ipynb").is_file()


# --- work, progress


def test_copies_are_added_once_and_never_overwritten(run, course):
    publish.generate(course)
    copy = course / "work/memory/tiny.ipynb"
    assert "added" in run("work", "--root", course)[1]
    assert copy.read_bytes() == (course / "exercises/memory/tiny.ipynb").read_bytes()
    copy.write_bytes(b"mine")
    assert run("work", "--root", course)[1] == ""
    assert copy.read_bytes() == b"mine"


def saved(course, points):
    """Save a copy of the exercise as Jupyter does, with the points of one tests cell."""
    copy = student(read(course / "solutions/memory/tiny.py"))
    (cell,) = [c for c in copy.cells if c.id == "tiny_correct"]
    content = {"data": {"text/plain": points}, "metadata": {}, "execution_count": 1}
    message = {"header": {"msg_type": "execute_result"}, "content": content}
    cell.outputs = [output_from_msg(message)]
    cell.execution_count = 1
    path = course / "work/memory/tiny.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_bytes(copy))


def progress(run, course):
    code, out, _ = run("progress", "--root", course)
    assert code == 0
    return " ".join(out.split())


def test_progress_before_anything_was_done(run, course):
    publish.generate(course)
    said = progress(run, course)
    assert "memory/tiny" in said
    assert "0 of 3.5" in said
    assert "not run yet" in said


def test_progress_reads_the_points_that_were_saved(run, course):
    publish.generate(course)
    saved(course, "2.0")
    said = progress(run, course)
    assert "2 of 3.5" in said
    assert "tiny_speed: not run yet" in said


def test_progress_survives_points_that_make_no_sense(run, course):
    publish.generate(course)
    saved(course, "99.0")
    assert "0 of 3.5" in progress(run, course)


@pytest.mark.parametrize("content", ["", "broken", '{"cells": [{"cell_type": "code", "sour', "[]"])
def test_progress_with_a_broken_copy_says_so_in_its_row(run, course, add_source, content):
    add_source("cpu/other")
    publish.generate(course)
    (course / "work/memory").mkdir(parents=True)
    (course / "work/memory/tiny.ipynb").write_text(content)
    said = progress(run, course)
    assert "Your copy is no" in said
    assert "cpu/other" in said
    assert "0 of 3.5" in said


# --- sample


def test_a_sample_of_what_is_no_source(fails, tmp_path):
    twins = tmp_path / "twins.py"
    twins.write_text("MUTANTS = {'naive': ('', {}), 'wrong_but_fast': ('', {})}\n")
    sentence = fails("sample", tmp_path / "none.py", twins, tmp_path / "root")
    assert "none.py:1: cannot be read" in sentence


@pytest.mark.parametrize("text", [None, "x = 1\n", "def broken(:\n", "MUTANTS = {}\n", "1 / 0\n"], ids=str)
def test_a_sample_without_twins(fails, course, text):
    twins = course / "twins.py"
    if text is not None:
        twins.write_text(text)
    assert "twins.py" in fails("sample", course / "solutions/memory/tiny.py", twins, course / "root")


# --- the console script


def script(*arguments, cwd=None):
    environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}
    command = [str(PERFLAB), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=NET)


def test_the_console_script_fails_with_a_sentence(tmp_path):
    path = tmp_path / "text.ipynb"
    path.write_text("I am text")
    done = script("check", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().endswith("Give the path of an .ipynb file.")


def test_no_command_shows_what_there_is():
    result = CliRunner().invoke(cli.app, [])
    for command in ("exercises", "work", "check", "progress", "class", "sample", "doctor"):
        assert command in result.output


def test_an_unknown_command_is_an_error(fails):
    assert "No such command 'grad'" in fails("grad")


def test_doctor_shows_what_there_is_and_what_is_not(monkeypatch):
    number = machine.Numbers((machine.Number("load", 1e-9, "How."), machine.Number("nap", None, "no bed")))
    asked = []
    share = {}  # of one core's rate, by the number of cores

    def ceilings(cores=1, fresh=False):
        asked.append((cores, fresh))
        rate = machine.Rate(4e9 * share.get(cores, 1), 1e9, 1e9, 1e9)
        return machine.Ceilings(*[rate] * 7, 1 << 20, cores)

    monkeypatch.setattr(machine, "ceilings", ceilings)
    monkeypatch.setattr(machine, "numbers", lambda fresh: number)
    monkeypatch.setattr(machine, "abilities", lambda: (machine.Ability("flying", False, "Grow wings."),))
    result = CliRunner().invoke(cli.app, ["doctor", "--fresh"])
    assert result.exit_code == 0
    assert "not here: no bed" in result.output
    assert "Grow wings." in result.output
    assert "4.0" in result.output
    cores = machine.describe().cores
    assert asked == ([(1, True), (cores, True)] if cores > 1 else [(1, True)])
    assert "slower than one" not in result.output
    if cores > 1:
        share[cores] = 0.5
        result = CliRunner().invoke(cli.app, ["doctor"])
        assert "All cores together were slower than one: other programs had the rest." in result.output


def test_what_a_student_wrote_is_printed_as_it_is(capsys):
    """Rich would take words in brackets for its own, and stop at some."""
    from perflab.cli.grade import _grades_table
    from perflab.cli.screen import out
    from perflab.judge.batch import Outcome, Row

    said = "[/evil] [bold]x"
    row = Row(said, "nb", 0.0, 1.0, 0.0, (said,))
    with out.capture() as captured:
        out.print(_grades_table("week-1", Outcome({}, (row,), 0, 0, 0, {}, ())))
    assert captured.get().count("[/evil]") == 2
    assert captured.get().count("[bold]") == 2


def test_grading_starts_without_what_takes_long_to_import():
    """`perflab grade` starts its workers before it imports nbgrader: they have as much to import themselves."""
    program = "import perflab.cli, perflab.cli.grade, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"nbgrader", "nbformat", "jupytext", "matplotlib", "numba"} & set(done.stdout.split())


def test_what_grades_a_class_imports_no_matplotlib():
    """It asks what machine this is, and draws nothing: pictures take a third of a second to import."""
    program = "import perflab.judge.batch, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "perflab.machine" in done.stdout.split()
    assert "matplotlib" not in done.stdout.split()


def test_what_examines_imports_no_nbgrader():
    """A worker waits for its imports, and nbgrader's take longer than all others together."""
    program = "import perflab.judge.examine, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "nbgrader" not in done.stdout.split()
