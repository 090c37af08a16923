"""`perflab check` and `perflab progress` as a learner meets them: names, tables, exit codes, what is kept."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, output_from_msg
from notebooks import notebook
from tempo import NET

from perflab.check.report import MIME, Report
from perflab.cli import learner
from perflab.cli.screen import out
from perflab.course import checking, publish, results
from perflab.course.checking import Checked
from perflab.course.choosing import chosen
from perflab.course.errors import CourseError
from perflab.course.findings import keep, kept
from perflab.course.kernel import file_of
from perflab.course.original import code_of
from perflab.course.results import CellResult
from perflab.course.running import Fate
from perflab.course.standing import standing

FULL = (CellResult("tiny_correct", 2.0, 2.0, "Fine."), CellResult("tiny_speed", 1.5, 1.5, "Fine."))
PART = (FULL[0], CellResult("tiny_speed", 0.5, 1.5, "Short of it.", "ratio", 1.96, 3.0, (1.9, 2.02), 2))


@pytest.fixture
def made(course, add_source, monkeypatch):
    """Return a course with a learner's copies, who stands in it."""
    add_source("cpu/other")
    publish.generate(course)
    monkeypatch.chdir(course)
    for name in ("memory/tiny", "cpu/other"):
        copy = course / "work" / f"{name}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((course / "exercises" / f"{name}.ipynb").read_bytes())
    return course


@pytest.fixture
def check(monkeypatch, made):
    """Return a function that checks notebooks without a kernel; each finds the next of `found`."""

    def check(*arguments, found=(FULL,)):
        left = list(found)
        monkeypatch.setattr(
            checking, "check", lambda path, notebook, *_: Checked(left.pop(0), ("a remark",), notebook)
        )
        with out.capture() as captured, pytest.raises(learner.typer.Exit) as ended:
            learner.check([*map(str, arguments)], limit=1.0)
        return ended.value.exit_code, captured.get()

    return check


# --- names


@pytest.mark.parametrize(
    "argument", ["memory/tiny", "tiny", "work/memory/tiny.ipynb", "work/memory/tiny", "tiny.ipynb"]
)
def test_an_exercise_has_the_name_that_progress_prints_and_shorter_ones(made, argument):
    assert chosen(argument, made).samefile(made / "work/memory/tiny.ipynb")


@pytest.mark.parametrize("folder", ["work", "work/memory", "book", "exercises/cpu"])
def test_a_name_works_from_every_folder_of_the_course(made, folder):
    assert chosen("memory/tiny", made / folder).samefile(made / "work/memory/tiny.ipynb")


@pytest.mark.parametrize(("argument", "near"), [("memory/tony", "memory/tiny"), ("othr", "cpu/other")])
def test_a_wrong_name_gets_those_that_are_near(made, argument, near):
    with pytest.raises(CourseError, match=f"Did you mean {near}"):
        chosen(argument, made)


def test_a_name_without_a_copy_says_how_to_get_one(made):
    (made / "work/memory/tiny.ipynb").unlink()
    with pytest.raises(CourseError, match=r"no copy of this exercise yet .* Run `perflab work`"):
        chosen("tiny", made)


def test_a_name_of_two_exercises_is_refused(made, add_source):
    add_source("cpu/tiny")
    publish.generate(made)
    with pytest.raises(CourseError, match="cpu/tiny and memory/tiny have this name"):
        chosen("tiny", made)


def test_what_is_missing_is_said_before_anything_slow_is_imported():
    """Who mistypes a name, or asks for help, does not wait for Numba and nbgrader."""
    program = (
        "import sys\nfrom perflab import cli\ntry:\n    cli.main()\nfinally:\n    print('modules:', *sys.modules)"
    )
    for arguments in (["check", "no_such"], ["--help"], ["progress"]):
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
        slow = {"numba", "nbgrader", "matplotlib", "jupytext", "jupyter_client"}
        modules = done.stdout.rpartition("modules:")[2].split()
        assert "perflab.cli.learner" in modules
        assert not slow & set(modules), arguments


# --- the table and the exit code


@pytest.mark.parametrize(
    ("found", "code"), [([FULL], 0), ([PART], 1), ([FULL, PART], 1), ([PART, FULL], 1), ([FULL, FULL], 0)]
)
def test_the_exit_code_says_whether_all_was_earned(check, found, code):
    assert check(*["tiny"] * len(found), found=found)[0] == code


def test_what_cannot_be_checked_is_the_highest_code_and_the_rest_is_run(check, made, capsys):
    (made / "work/cpu/other.ipynb").write_text("half")
    code, text = check("nothing", "cpu/other", "tiny", found=[PART])
    assert code == 2
    assert "tiny_speed" in text
    said = capsys.readouterr().err
    assert "nothing: cannot be read" in said
    assert "no Jupyter notebook" in said


def test_the_table_has_value_interval_target_and_hint_of_what_failed(check):
    text = check("tiny", found=[PART])[1]
    row = " ".join(text[text.index("tiny_speed") : text.index("together")].split())
    for part in ("0.5 of 1.5", "1.96 (ratio)", "99 % sure of 1.9 to 2.02", " 3 ", " 2 "):
        assert part in row
    assert "tiny_speed: Short of it." in text
    assert "a remark" in text
    assert "Fine." not in text


def test_a_reason_that_several_cells_share_is_said_once(check):
    same = tuple(CellResult(name, 0.0, 1.0, "`f` is not defined.") for name in ("one", "two"))
    assert check("tiny", found=[same])[1].count("one, two: `f` is not defined.") == 1


def test_the_mime_type_is_that_of_the_reports():
    assert results.MIME == MIME


def test_a_notebook_without_graded_cells_runs_nothing(made, monkeypatch):
    monkeypatch.setattr(checking, "run", lambda *_: pytest.fail("ran"))
    with pytest.raises(CourseError, match="no graded cell"):
        checking.check(made / "nb.ipynb", nbformat.v4.new_notebook(), 1.0)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_check_that_is_stopped_leaves_no_kernel_and_no_table(tmp_path, sent):
    started = tmp_path / "started"
    source = f"import os\nwith open({str(started) + '.part'!r}, 'w') as file:\n    file.write(str(os.getpid()))\n"
    source += f"os.rename(file.name, {str(started)!r})\n"
    source += "import ctypes\nwhile True:\n    ctypes.PyDLL(None).pause()"  # as compiled code, it keeps the GIL
    path = tmp_path / "nb.ipynb"
    nbformat.write(notebook(("t", "tests", source)), path)
    command = [Path(sys.executable).parent / "perflab", "check", path, "--limit", str(NET)]
    # Where this suite runs in a shell's background, Ctrl-C is ignored by all that it starts.
    checking = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert _in_time(started.exists)
    checking.send_signal(sent)
    text, said = checking.communicate(timeout=NET)
    assert checking.returncode == (2 if sent == signal.SIGINT else -signal.SIGKILL)
    assert text == ""
    assert ("Stopped." in said) == (sent == signal.SIGINT)
    kernel = Path("/proc", started.read_text())
    assert _in_time(lambda: not kernel.exists() or b"ipykernel" not in (kernel / "cmdline").read_bytes())


def _in_time(happened):
    """Wait for what is sure to come."""
    deadline = time.monotonic() + NET
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happened()


# --- what is remembered


def stands(made):
    return standing(made, "memory/tiny", made / "exercises/memory/tiny.ipynb")


def my_copy(made):
    return nbformat.read(made / "work/memory/tiny.ipynb", as_version=4)


def write(made, notebook):
    nbformat.write(notebook, made / "work/memory/tiny.ipynb")


def answer(notebook, source):
    next(cell for cell in notebook.cells if cell.id == "tiny_answer").source = source


def checked(made, cells):
    """Keep what a check of the copy as it is has found."""
    original = nbformat.read(made / "exercises/memory/tiny.ipynb", as_version=4)
    keep(made, "memory/tiny", code_of(my_copy(made), original), cells)


def saved(made, points, when, rests_on=()):
    """Save a card in the first tests cell, as JupyterLab does."""
    notebook = my_copy(made)
    cell = next(cell for cell in notebook.cells if cell.id == "tiny_correct")
    card = {**Report("add: correct", points, 2.0, "Said by the card.").as_bundle()[MIME], "when": when}
    data = {"text/plain": repr(points), MIME: {**card, "rests_on": list(rests_on)}}
    content = {"data": data, "metadata": {}, "execution_count": 1}
    cell.outputs = [output_from_msg({"header": {"msg_type": "execute_result"}, "content": content})]
    cell.execution_count = 1
    write(made, notebook)


def test_progress_shows_what_check_found(made):
    assert (stands(made).earned, stands(made).by) == (0.0, [])
    checked(made, FULL)
    assert (stands(made).earned, stands(made).by, stands(made).stale) == (3.5, ["check"], False)


def test_what_check_found_is_stale_once_the_answer_changes_and_fresh_if_it_changes_back(made):
    before = my_copy(made)
    checked(made, FULL)
    changed = my_copy(made)
    answer(changed, "def add(numbers):\n    return 0")
    write(made, changed)
    assert stands(made).stale
    write(made, before)
    assert not stands(made).stale


def test_a_check_keeps_what_it_found_and_leaves_the_notebook_alone(made, monkeypatch):
    path = made / "work/memory/tiny.ipynb"
    before = path.read_bytes()

    def run(notebook, *_):
        cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
        return [Fate(c.metadata.nbgrader.grade_id, "tests", c) for c in cells]

    monkeypatch.setattr(checking, "run", run)
    checking.check(path, my_copy(made), 1.0)
    found = kept(made, "memory/tiny")
    assert [cell.grade_id for cell in found.cells] == ["tiny_correct", "tiny_speed"]
    assert path.read_bytes() == before
    assert not stands(made).stale


@pytest.mark.parametrize(("when", "points", "by"), [(1e12, 1.0, ["check", "notebook"]), (1.0, 2.0, ["check"])])
def test_the_newer_of_check_and_notebook_counts(made, when, points, by):
    checked(made, FULL)
    saved(made, 1.0, when)
    assert (stands(made).cells[0].cell.points, stands(made).by) == (points, by)


def test_a_saved_card_is_stale_once_a_cell_that_it_rests_on_changes(made):
    source = next(cell for cell in my_copy(made).cells if cell.id == "tiny_answer").source
    saved(made, 2.0, 1.0, [file_of(source)])
    assert (stands(made).earned, stands(made).stale) == (2.0, False)
    notebook = my_copy(made)
    answer(notebook, source + "\n    return 1")
    write(made, notebook)
    assert stands(made).stale


def test_a_deleted_tests_cell_still_counts(made):
    notebook = my_copy(made)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "tiny_speed"]
    write(made, notebook)
    assert stands(made).of == 3.5


def test_an_edited_tests_cell_earns_nothing_by_its_outputs(made):
    saved(made, 2.0, 1.0)
    notebook = my_copy(made)
    cell = next(cell for cell in notebook.cells if cell.id == "tiny_correct")
    cell.source = f"{cell.source}\n2.0"
    write(made, notebook)
    assert stands(made).earned == 0.0


def test_points_of_an_earlier_version_are_out_of_what_the_exercise_gives_now(made):
    checked(made, (CellResult("tiny_correct", 2.0, 4.0, ""), CellResult("gone", 2.0, 2.0, "")))
    assert stands(made).of == 3.5


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "{}", '{"code": 1, "when": "x", "cells": [{}]}', "[" * 100_000]
)
def test_a_damaged_memory_costs_itself(made, content):
    checked(made, FULL)
    (made / "work/.perflab/memory/tiny.json").write_text(content)
    found = stands(made)
    assert found.earned == 0.0
    assert "cannot be read and does not count. Check memory/tiny again." in found.remark


def test_a_memory_of_other_types_is_damaged(made):
    checked(made, FULL)
    path = made / "work/.perflab/memory/tiny.json"
    data = json.loads(path.read_text())
    for name, value in {"points": "x", "of": None, "why": 3, "interval": 1, "hint": "no"}.items():
        path.write_text(json.dumps({**data, "cells": [{**data["cells"][0], name: value}]}))
        assert "cannot be read" in stands(made).remark, name


def test_a_folder_that_takes_nothing_costs_only_the_memory(made):
    (made / "work/.perflab").write_text("a file in the way")
    checked(made, FULL)
    assert stands(made).earned == 0.0


def test_progress_says_what_is_stale(made):
    checked(made, FULL)
    changed = my_copy(made)
    answer(changed, "def add(numbers):\n    return 0")
    write(made, changed)
    with out.capture() as captured:
        learner.progress(made)
    text = captured.get()
    assert re.search(r"memory/tiny .*3\.5 of 3\.5, stale", text)
    assert "Stale: the code has changed since these points were found." in text


def test_progress_works_from_every_folder_of_the_course(made):
    with out.capture() as captured:
        learner.progress(made / "work" / "memory")
    assert "memory/tiny" in captured.get()


def test_a_real_check_keeps_points_and_its_cards_know_the_cells_that_they_rest_on(made):
    mine = my_copy(made)
    source = "def add(numbers):\n    return helper(numbers)"
    answer(mine, source)
    helper = new_code_cell("def helper(numbers):\n    return sum(numbers)")
    mine.cells.insert(0, helper)
    write(made, mine)
    path = made / "work/memory/tiny.ipynb"
    found = checking.check(path, my_copy(made), NET)
    assert found.cells[0].full
    assert found.remarks == ()
    assert kept(made, "memory/tiny").cells == found.cells
    (made / "work/.perflab/memory/tiny.json").unlink()
    # As JupyterLab saves it after Run All.
    write(made, found.notebook)
    assert (stands(made).by, stands(made).stale) == (["notebook"], False)
    changed = my_copy(made)
    changed.cells[0].source = "def helper(numbers):\n    return 0"
    write(made, changed)
    assert stands(made).stale
