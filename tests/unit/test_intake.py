"""What nbgrader cannot read is mended before it reads it, and kept as it was."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from perflab.judge.intake import make_readable


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
