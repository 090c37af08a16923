"""The HTML book builds without a warning, and the rules that this rests on report what they should."""

import html as html_module
import re
from pathlib import Path

import pytest
from builds import ROOT, book_pages

from perflab.sphinxext.execution import code_key

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


def leaks(folder, sources):
    """Return the lines of solutions, hidden tests and mark schemes that are on the exercises' pages."""
    pages = ""
    for path in sorted(Path(folder).glob("**/exercises/**/*")):
        if path.is_file():
            # Tags split a highlighted line; JSON splits none.
            pages += html_module.unescape(re.sub(r"<[^>]*>", "", path.read_text("utf-8"))).replace('\\"', '"')
    secrets = {line for _, block in SECRETS.findall("".join(sources)) for line in block.splitlines()}
    open_lines = {line.strip() for source in sources for line in SECRETS.sub("", source).splitlines()}
    lines = {line.strip("# \t") for line in secrets if line.strip() not in open_lines}
    found = [line for line in lines if len(line) > 12 and line in pages]
    return sorted(found + re.findall(r"BEGIN (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)", pages))


def needless_scripts(folder):
    """Return the pages of a book that load the sliders' script though they have no slider."""
    pages = {path: path.read_text("utf-8") for path in Path(folder).glob("**/*.html")}
    return [
        path.name for path, text in pages.items() if "html-manager/embed.js" in text and "widget-view" not in text
    ]


def test_builds_without_a_warning(html_build):
    assert html_build.returncode == 0, html_build.stdout[-5000:]


def test_has_every_page(html):
    assert [page for page in book_pages() if not (html / f"{page}.html").is_file()] == []


def test_shows_nothing_of_a_solution(html):
    sources = [path.read_text("utf-8") for path in sorted(ROOT.glob("solutions/*/*.py"))]
    assert sources
    assert leaks(html, sources) == []


@pytest.mark.parametrize(
    "page", ["<b>return</b> value + value", '{"source": "return value + value"}', "### BEGIN HIDDEN TESTS"]
)
def test_leak_is_reported(tmp_path, page):
    (tmp_path / "exercises" / "area").mkdir(parents=True)
    (tmp_path / "exercises" / "area" / "page.html").write_text(page)
    source = "def f(value):\n    ### BEGIN SOLUTION\n    return value + value\n    ### END SOLUTION\n"
    assert leaks(tmp_path, [source])


def test_loads_scripts_only_where_they_work(html):
    assert needless_scripts(html) == []


def test_needless_script_is_reported(tmp_path):
    (tmp_path / "page.html").write_text('<script src="vendor/html-manager/embed.js"></script>')
    assert needless_scripts(tmp_path) == ["page.html"]


def test_defects_fail_the_build(tiny_book):
    build = tiny_book(HEADER + "\n\n".join(text for text, _ in BROKEN.values()))
    assert build.returncode != 0
    unreported = [name for name, (_, message) in BROKEN.items() if message not in build.stdout]
    assert unreported == [], build.stdout


def test_sound_page_builds(tiny_book):
    build = tiny_book(HEADER + "```{point} memory/locality/prefetching-strategies\n```\n")
    assert build.returncode == 0, build.stdout


@pytest.mark.parametrize("changed", ["module.py", "part/module.py", "requirements.txt"])
def test_execution_cache_follows_the_code(tmp_path, changed):
    requirements = tmp_path / "requirements.txt"
    for name in ("requirements.txt", "module.py", "part/module.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("before")
    before = code_key(tmp_path, requirements)
    assert code_key(tmp_path, requirements) == before
    (tmp_path / changed).write_text("after")
    assert code_key(tmp_path, requirements) != before
