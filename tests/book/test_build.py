"""The HTML book builds without a warning, and the rules that this rests on report what they should."""

import html as html_module
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from builds import ROOT, book_pages
from programs import require

from perflab import figures
from perflab.course import curriculum
from perflab.course.fingerprint import code_key
from perflab.course.source import AREAS

SECRETS = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)(.*?)### END \1", re.DOTALL)
HEADER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---
# A book of one page
"""
BROKEN = {
    "a reference to nowhere": ("{ref}`nowhere`", "undefined label: 'nowhere'"),
    "a link to no page": ("{doc}`nowhere`", "unknown document: 'nowhere'"),
    "an unknown point": ("```{point} memory/locality/nothing\n```", "memory/locality/nothing is no point of"),
    "a point twice": (2 * "```{point} memory/locality/prefetching-strategies\n```\n", "has a place already"),
    "an unknown exercise": ("```{exercise-card} memory/nothing\n```", "there is no solutions/memory/nothing.py"),
    "a cell that complains": ("```{code-cell}\nimport sys\nprint('oh', file=sys.stderr)\n```", "stderr was found"),
    "a cell that fails": ("```{code-cell}\n1 / 0\n```", "ZeroDivisionError"),
}


def shown_text(path):
    """Return the text that a reader of an HTML page or of a notebook sees."""
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        return html_module.unescape(re.sub(r"<[^>]*>", "", text))
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])


TELLING = 16  # characters: `break` and `count = 0` are in somebody's given code, and tell nothing


def leaks(folder, sources):
    """Return the lines of solutions, hidden tests and mark schemes that are on the exercises' pages."""
    pages = [path for path in Path(folder).glob("**/exercises/**/*") if path.suffix in (".html", ".ipynb")]
    shown = {line.strip("# ") for path in pages for line in shown_text(path).splitlines()}
    secret = {line for line in shown if line.startswith(("BEGIN SOLUTION", "BEGIN HIDDEN", "BEGIN MARK"))}
    for source in sources:
        open_lines = {line.strip("# ") for line in SECRETS.sub("", source).splitlines()}
        blocks = "\n".join(block for _, block in SECRETS.findall(source))
        secret |= {line.strip("# ") for line in blocks.splitlines()} - open_lines
    return sorted(line for line in secret & shown if len(line) >= TELLING)


def needless_scripts(folder):
    """Return the pages of a book that load the sliders' script though they have no slider."""
    pages = {path: path.read_text("utf-8") for path in Path(folder).glob("**/*.html")}
    return [
        path.name for path, text in pages.items() if "html-manager/embed.js" in text and "widget-view" not in text
    ]


def test_builds_without_a_warning(html_build):
    assert html_build.returncode == 0, html_build.stdout[-5000:]


def test_has_every_page(html):
    assert [page for page in ("index", *book_pages()) if not (html / f"{page}.html").is_file()] == []


def test_shows_nothing_of_a_solution(html):
    sources = [path.read_text("utf-8") for path in sorted(ROOT.glob("solutions/*/*.py"))]
    assert sources
    assert leaks(html, sources) == []


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("page.html", "<pre>  <b>return</b> value &lt; 3</pre>"),
        ("page.ipynb", '{"cells": [{"source": ["def f(value):\\n", "    return value < 3"]}]}'),
        ("page.html", "<h1>BEGIN MARK SCHEME</h1>"),
    ],
)
def test_leak_is_reported(tmp_path, name, page):
    path = tmp_path / "exercises" / "area" / name
    path.parent.mkdir(parents=True)
    path.write_text(page)
    assert leaks(tmp_path, ["def f(value):\n    ### BEGIN SOLUTION\n    return value < 3\n    ### END SOLUTION\n"])


def test_what_every_code_has_is_no_leak(tmp_path):
    path = tmp_path / "exercises" / "area" / "page.html"
    path.parent.mkdir(parents=True)
    path.write_text("<pre>count = 0\nbreak</pre>")
    assert not leaks(tmp_path, ["### BEGIN SOLUTION\ncount = 0\nbreak\n### END SOLUTION\n"])


def test_loads_scripts_only_where_they_work(html):
    assert needless_scripts(html) == []


def test_needless_script_is_reported(tmp_path):
    (tmp_path / "page.html").write_text('<script src="vendor/html-manager/embed.js"></script>')
    assert needless_scripts(tmp_path) == ["page.html"]


def test_expanders_of_the_sidebar_have_names(html):
    pages = {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in html.glob("book/*/*.html")}
    found = [
        summary.get("aria-label") for soup in pages.values() for summary in soup.select(".bd-sidenav summary")
    ]
    assert len(found) > len(pages)
    assert all(found)
    assert "Pages below Locality" in found


def test_a_slider_is_there_without_scripts(html):
    soup = BeautifulSoup((html / "book/memory/locality.html").read_text("utf-8"), "html.parser")
    panels = [len(one.select("svg")) for one in soup.select("noscript:has(svg)")]
    assert panels
    assert all(1 < count <= figures.MAX_STILLS for count in panels)


def test_the_first_page_says_what_is_written(html):
    soup = BeautifulSoup((html / "book/index.html").read_text("utf-8"), "html.parser")
    topics = [name for name in curriculum.topics(ROOT / "book/curriculum.yml") if name.split("/")[0] in AREAS]
    written = [name for name in topics if (ROOT / "book" / f"{name}.md").is_file()]
    exercises = sorted(ROOT.glob("solutions/*/*.py"))
    said = soup.select_one(".status").get_text()
    assert f"{len(written)} of its {len(topics)} topics have their chapter" in said
    assert f"with {len(exercises)} exercises" in said
    assert len(soup.select(".topics a")) == len(written)


def test_defects_fail_the_build(tiny_book):
    build = tiny_book(HEADER + "\n\n".join(text for text, _ in BROKEN.values()))
    assert build.returncode != 0
    unreported = [name for name, (_, message) in BROKEN.items() if message not in build.stdout]
    assert unreported == [], build.stdout


def test_sound_page_builds(tiny_book):
    build = tiny_book(HEADER + "```{point} memory/locality/prefetching-strategies\n:by: ahead\n```\n")
    assert build.returncode == 0, build.stdout


@pytest.mark.parametrize("changed", ["module.py", "part/module.py", "requirements.txt"])
def test_execution_cache_follows_the_code(tmp_path, changed):
    for name in ("requirements.txt", "module.py", "part/module.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")

    def key():
        return code_key((tmp_path / "requirements.txt").read_bytes(), package=tmp_path)

    before = key()
    assert key() == before
    (tmp_path / changed).write_text("after")
    assert key() != before


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_missing_program_is_named(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match=r"no nowhere-to-be-found: apt-get install .* its-package"):
        require(["nowhere-to-be-found", "sh"], "its-package")
