"""What nbgrader cannot read is mended before it reads it, and kept as it was."""

import json
import os
import resource
from pathlib import Path

import damaging
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from perflab.course.classroom import class_config
from perflab.judge import intake
from perflab.judge.examine import MOST_BYTES, read
from perflab.judge.helper import Allowance, Helper
from perflab.judge.intake import make_readable
from perflab.judge.script import steps


def notebook(**changes):
    made = new_notebook(cells=[new_markdown_cell("text", id="a"), new_code_cell("x = 1", id="b")])
    made.cells[1].metadata.nbgrader = {"grade_id": "answer", "points": 3}
    return json.loads(nbformat.writes(made)) | changes


def handed_in(tmp_path, data):
    path = tmp_path / "nb.ipynb"
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    before = path.read_bytes()
    make_readable("week-1", "ada", [str(path)])
    return path, before


def aside(path):
    return sorted(p.name for p in path.parent.iterdir() if ".damaged" in p.name)


def test_a_sound_notebook_is_not_touched(tmp_path):
    path, before = handed_in(tmp_path, notebook())
    assert path.read_bytes() == before
    assert aside(path) == []


def broken(key, value):
    made = notebook()
    made["cells"][1][key] = value
    return made


@pytest.mark.parametrize(
    "data",
    [
        broken("outputs", [{"output_type": "evil"}]),
        broken("id", "not allowed!"),
        broken("extra", 1),
        broken("execution_count", "x"),
        notebook(metadata={"kernelspec": 3}),
        notebook(metadata={"text": "\ud800"}),
        json.dumps(notebook()).encode().replace(b'"text"', b'"te\xee\x28xt"'),
    ],
    ids=range(7),
)
def test_a_notebook_that_breaks_the_rules_keeps_its_code(tmp_path, data):
    path, before = handed_in(tmp_path, data)
    mended = nbformat.read(path, as_version=4)
    nbformat.validate(mended)
    assert mended.cells[1].source == "x = 1"
    assert mended.cells[1].metadata.nbgrader.grade_id == "answer"
    assert aside(path) == ["nb.ipynb.damaged"]
    assert path.with_name("nb.ipynb.damaged").read_bytes() == before
    make_readable("week-1", "ada", [str(path)])
    assert aside(path) == ["nb.ipynb.damaged"]


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"{}", b"[]", b"no notebook", b'{"cells": 3}'])
def test_what_is_no_notebook_is_replaced_by_one_that_says_so(tmp_path, data):
    path, before = handed_in(tmp_path, data)
    assert "The file is kept as `nb.ipynb.damaged`" in nbformat.read(path, as_version=4).cells[0].source
    assert path.with_name("nb.ipynb.damaged").read_bytes() == before


def test_nothing_that_was_put_aside_is_lost(tmp_path):
    for text in (b"first", b"second"):
        path, _ = handed_in(tmp_path, text)
    assert aside(path) == ["nb.ipynb.damaged", "nb.ipynb.damaged-2"]
    assert path.with_name("nb.ipynb.damaged").read_bytes() == b"first"


@pytest.mark.parametrize(
    ("text", "kept"), [("2026-11-22 12:00:00 UTC", True), ("yesterday", False), ("", False), ("9" * 50, False)]
)
def test_a_time_that_is_none_is_put_aside(tmp_path, text, kept):
    (tmp_path / "timestamp.txt").write_text(text)
    handed_in(tmp_path, notebook())
    assert (tmp_path / "timestamp.txt").exists() == kept


def rich_notebook():
    made = notebook()
    made["cells"][0]["attachments"] = {"a.png": {"image/png": "iVBORw0KGgo="}}
    made["cells"][1]["outputs"] = [
        new_output("stream", name="stdout", text="1"),
        new_output("display_data", {"text/plain": "1", "image/png": "iVBORw0KGgo="}),
        new_output("error", ename="E", evalue="e", traceback=["t"]),
    ]
    made["cells"].append({"cell_type": "raw", "id": "c", "metadata": {}, "source": ["a\n", "b"]})
    made["metadata"] = {
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "p"},
    }
    return made


TRUSTED = new_notebook(
    cells=[new_code_cell("x = 2", id="answer", metadata={"nbgrader": {"grade_id": "answer", "solution": True}})]
)


@pytest.mark.parametrize("part", range(10))
def test_no_damage_of_a_notebook_is_one_that_nobody_catches(tmp_path, part):
    """Any value, anywhere, may be anything; each file ends as a notebook that everybody can read."""
    path = tmp_path / "nb.ipynb"
    for seed in range(100 * part, 100 * part + 100):
        path.write_bytes(damaging.notebook(seed, rich_notebook()))
        replacement = intake._replacement(str(path))
        if replacement is not None:
            path.write_text(replacement)
        nbformat.validate(nbformat.reads(path.read_text(), as_version=4))
        assert intake._replacement(str(path)) is None, seed
        steps(TRUSTED, read(path.read_text()))


def test_no_text_in_place_of_a_time_is_one_that_nobody_catches(tmp_path):
    path = tmp_path / "timestamp.txt"
    kept = 0
    for seed in range(4000):
        path.write_text(damaging.time(seed))
        intake._mend_time(path)
        kept += path.exists()
        for one in tmp_path.iterdir():
            one.unlink()
    assert 0 < kept < 4000


def test_a_large_file_is_not_even_read(tmp_path):
    path = tmp_path / "nb.ipynb"
    with open(path, "wb") as file:
        file.truncate(1500 << 20)  # of nothing: it takes no room on the disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    make_readable("week-1", "ada", [str(path)])
    assert "larger than" in nbformat.read(path, as_version=4).cells[0].source
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < MOST_BYTES
    assert path.with_name("nb.ipynb.damaged").stat().st_size == 1500 << 20


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_no_file_is_put_aside(tmp_path, make):
    path = tmp_path / "nb.ipynb"
    make(path)
    make(tmp_path / "timestamp.txt")
    make_readable("week-1", "ada", [str(path)])
    assert "cannot be read" in nbformat.read(path, as_version=4).cells[0].source
    assert aside(path) == ["nb.ipynb.damaged", "timestamp.txt.damaged"]


def test_what_nbgrader_would_follow_or_wait_for_is_put_aside(tmp_path):
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "more" / "data.csv").write_text("1,2")
    os.mkfifo(tmp_path / "more" / "pipe")
    os.symlink("/dev/zero", tmp_path / "more" / "deep" / "endless")
    with open(tmp_path / "large", "wb") as file:
        file.truncate(intake.MOST_FILE + 1)
    for _ in range(2):
        path, before = handed_in(tmp_path, notebook())
        assert path.read_bytes() == before
        found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir())
        assert found == [
            "large.damaged",
            "more/data.csv",
            "more/deep/endless.damaged",
            "more/pipe.damaged",
            "nb.ipynb",
        ]
    ignored = class_config(tmp_path).CourseDirectory.ignore
    assert all(any(Path(name).match(one) for one in ignored) for name in ("a.damaged", "b.ipynb.damaged-2"))


def test_pictures_that_were_pasted_stay(tmp_path):
    pasted = {"a.png": {"image/png": "iVBORw0KGgo="}, "odd": 3, "none": {"image/png": 5}}
    made = notebook()
    made["cells"][0] |= {"attachments": pasted, "id": "b"}  # an id twice: it has to be cleaned
    path, _ = handed_in(tmp_path, made)
    assert aside(path) == ["nb.ipynb.damaged"]
    assert nbformat.read(path, as_version=4).cells[0].attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}


def loop(path):
    return sum(range(10**15))


def fill(path):
    kept = []
    while True:
        kept.append(bytearray(1 << 20))


@pytest.mark.parametrize(
    ("reads", "why"), [(loop, "CPU time"), (fill, "memory"), (lambda path: os._exit(1), "lost")]
)
def test_a_file_that_costs_too_much_to_read_costs_only_itself(tmp_path, monkeypatch, reads, why):
    helper = Helper({"replacement": reads}, Allowance(cpu=1, memory=64 << 20))
    monkeypatch.setattr(intake, "_reader", helper)
    path, _ = handed_in(tmp_path, notebook())
    said = nbformat.read(path, as_version=4).cells[0].source
    assert why in said
    assert "The file is kept as `nb.ipynb.damaged`" in said


def test_levels_that_nbgrader_would_fail_at_are_left_out(tmp_path):
    deep = {}
    for _ in range(intake.MOST_DEPTH):
        deep = {"a": deep}
    path, _ = handed_in(tmp_path, notebook(metadata={"deep": deep}))
    assert nbformat.read(path, as_version=4).metadata == {}
    assert aside(path) == ["nb.ipynb.damaged"]
