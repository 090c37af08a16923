"""The PDF holds what the book holds, and LaTeX had nothing to complain about."""

import html
import json
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest
from builds import ROOT, book_pages

# By their beginnings: LaTeX breaks the lines of its log.
LOG_COMPLAINTS = re.compile(
    r"^(?:Missing character|LaTeX Warning: (?:Reference|Hyper reference|Citation|There were)|!).*$", re.MULTILINE
)


def plain(text):
    """Return a text without what typesetting changes: line breaks, ligatures, capitals."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def missing(text, expected):
    """Return those of the expected passages that are not in the text of a PDF."""
    return [passage for passage in expected if plain(passage) not in plain(text)]


def log_complaints(log):
    """Return LaTeX's complaints about characters and references."""
    return LOG_COMPLAINTS.findall(log)


def first_code(notebook):
    """Return the first line of the first cell whose code a notebook shows."""
    for cell in notebook["cells"]:
        tags = " ".join(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "code" and cell["source"] and not re.search("(hide|remove)-(input|cell)", tags):
            return "".join(cell["source"]).splitlines()[0]
    return ""


def has_words(data):
    """Tell whether all words of an output stand beside its picture too: then print loses a strip only."""
    beside = html.unescape(re.sub(r"(?s)<svg.*?</svg>|<[^>]*>", "", "".join(data.get("text/html", ""))))
    lines = "".join(data.get("text/plain", "")).splitlines()
    return bool(lines) and all(line in beside for line in lines)


def unprinted_pictures(executed, tex):
    """Return the pages, executed notebooks below a folder, whose pictures are not in the LaTeX source."""
    unprinted = []
    for path in sorted(Path(executed).glob("**/*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        # What a page without scripts shows in a slider's place is in the slider's own panels.
        outputs = [data for data in outputs if not "".join(data.get("text/html", "")).startswith("<noscript>")]
        drawn = [data for data in outputs if "widget-view+json" in str(data) or "<svg" in str(data)]
        # Without a PDF beside it, a picture prints as words, if at all.
        if any("application/pdf" not in str(data) and not has_words(data) for data in drawn):
            unprinted.append(path.name)
    printed = len(re.findall(r"\\includegraphics|\\sphinxincludegraphics", tex))
    return unprinted or ([] if printed else ["no picture at all"])


@pytest.fixture(scope="module")
def text(pdf):
    """Return the text of the PDF."""
    return subprocess.run(["pdftotext", pdf / "book.pdf", "-"], check=True, text=True, capture_output=True).stdout


def test_has_the_title_and_the_code_of_each_chapter(text, pdf):
    chapters = [page for page in book_pages() if page.startswith("book/") and page != "book/index"]
    titles = [
        re.search(r"^# (.*)$", (ROOT / f"{page}.md").read_text("utf-8"), re.MULTILINE)[1] for page in chapters
    ]
    with_code = [page for page in chapters if "{code-cell}" in (ROOT / f"{page}.md").read_text("utf-8")]
    executed = [pdf.parent / "jupyter_execute" / f"{page}.ipynb" for page in with_code]
    code = [first_code(json.loads(path.read_text("utf-8"))) for path in executed]
    assert with_code
    assert all(code)
    assert missing(text, titles + code) == []


def test_hidden_code_is_not_expected():
    cells = [("setup", ["remove-input"]), ("import this\nthis", [])]
    cells = [{"cell_type": "code", "source": source, "metadata": {"tags": tags}} for source, tags in cells]
    assert first_code({"cells": cells}) == "import this"


def test_has_the_exercises(text):
    notebooks = [ROOT / f"{page}.ipynb" for page in book_pages() if page.startswith("exercises/")]
    first_lines = [json.loads(path.read_text("utf-8"))["cells"][0]["source"] for path in notebooks]
    titles = ["".join(lines).splitlines()[0].lstrip("# ") for lines in first_lines]
    assert titles
    assert missing(text, titles) == []


def test_missing_passage_is_reported():
    assert missing("Chapter\nONE\nEﬃcient code", ["efficient code", "slow code"]) == ["slow code"]


def test_has_no_open_reference(text):
    assert "??" not in text


def test_latex_has_no_complaint(pdf):
    assert log_complaints((pdf / "book.log").read_text("utf-8", errors="replace")) == []


@pytest.mark.parametrize(
    "line",
    [
        'Missing character: There is no 書 in font "[FreeSerif.otf]/OT:script=latn;language=dflt;"!',
        "LaTeX Warning: Reference `nowhere' on page 3 undefined on input line 12.",
        "LaTeX Warning: There were undefined references.",
        "LaTeX Warning: There were multiply-defined labels.",
        "! Undefined control sequence.",
    ],
)
def test_complaint_is_reported(line):
    assert log_complaints(f"This is XeTeX\n{line}\nOutput written on book.pdf") == [line]


def test_has_the_pictures(pdf):
    tex = (pdf / "book.tex").read_text("utf-8")
    assert unprinted_pictures(pdf.parent / "jupyter_execute", tex) == []
    assert "VBox(" not in tex


@pytest.mark.parametrize(
    ("data", "tex"),
    [
        ({"application/vnd.jupyter.widget-view+json": {}}, r"\sphinxincludegraphics{x}"),
        ({"text/html": "<svg></svg>"}, r"\sphinxincludegraphics{x}"),
        ({"text/html": "<svg></svg>", "application/pdf": ""}, "no picture"),
        ({"text/html": "<svg>1 % more</svg>", "text/plain": "1 % more"}, r"\sphinxincludegraphics{x}"),
    ],
)
def test_unprinted_picture_is_reported(tmp_path, data, tex):
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"data": data}]}]}))
    assert unprinted_pictures(tmp_path, tex)


def test_words_beside_a_picture_print_for_it(tmp_path):
    data = {"text/html": "<p>a &gt; b</p><svg></svg>", "text/plain": "a > b"}
    (tmp_path / "page.ipynb").write_text(json.dumps({"cells": [{"outputs": [{"data": data}]}]}))
    assert unprinted_pictures(tmp_path, r"\includegraphics{x}") == []
