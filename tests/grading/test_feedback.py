"""What a student gets back runs nothing that a student wrote, and shows no hidden test."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from hostile import MARKUP, hostile
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from quick import ASSIGNMENT, NAME, SLOW, Class, write
from throwaway import ROOT
from written import WrittenClass


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The feedback page of a hostile submission."""
    small = Class(tmp_path_factory.mktemp("feedback"))
    path = small.root / "submitted" / "eve" / ASSIGNMENT / NAME
    write(path, nbformat.writes(hostile()).encode())
    small.grade()
    reply = NbGraderAPI(config=small.config).generate_feedback(ASSIGNMENT, "eve")
    assert reply["success"], reply
    return small.root / "feedback" / "eve" / ASSIGNMENT / NAME.replace(".ipynb", ".html")


class Live(HTMLParser):
    """Collects what a browser would run."""

    def __init__(self):
        super().__init__()
        self.found, self._script = [], False

    def handle_starttag(self, tag, attributes):
        self._script = tag == "script"
        for name, value in attributes:
            if name.startswith("on") or re.match(r"\s*(javascript|data:text)", (value or "").lower()):
                self.found.append((tag, name, value))
        if tag in ("iframe", "object", "embed", "svg", "base", "form"):
            self.found.append((tag,))

    def handle_endtag(self, tag):
        self._script = False

    def handle_data(self, data):
        if self._script and "hacked" in data:
            self.found.append(("script", data))


def test_nothing_of_a_student_is_live(page):
    live = Live()
    live.feed(page.read_text())
    assert live.found == []
    # They are there to be read, all the same.
    assert "&lt;script&gt;" in page.read_text()


def test_the_parser_sees_what_is_live():
    for text in (MARKUP[0], MARKUP[1], MARKUP[3], MARKUP[9]):
        live = Live()
        live.feed(text)
        assert live.found


def test_formulas_cannot_link(page):
    assert "\\href" not in re.sub(r"<(code|pre)\b.*?</\1>", "", page.read_text(), flags=re.DOTALL)


def test_nothing_runs_in_a_browser(page, browser):
    opened = browser.new_page()
    try:
        opened.goto(page.as_uri())
        opened.wait_for_timeout(500)
        assert opened.evaluate("window.hacked") is None
        for link in opened.locator("a").all():
            assert not (link.get_attribute("href") or "").lower().strip().startswith("javascript")
    finally:
        opened.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The class of an honest student with a written answer, and a function that makes the page."""
    written = WrittenClass(tmp_path_factory.mktemp("own"))
    written.hand_in("ada", SLOW, r"It takes $\log_2 n$ questions: $$\frac{n}{2^k} = 1$$ and $\unknown{x}$")
    written.grade()
    shutil.copyfile(ROOT / "nbgrader_config.py", written.root.parent / "nbgrader_config.py")

    def make():
        nbgrader = Path(sys.executable).with_name("nbgrader")
        command = [nbgrader, "generate_feedback", ASSIGNMENT]
        done = subprocess.run(command, cwd=written.root.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return (written.root / "feedback" / "ada" / ASSIGNMENT / NAME.replace(".ipynb", ".html")).read_text()

    return written, make


def test_what_nobody_has_graded_yet_is_no_zero_until_somebody_does(own):
    """Nobody has to ask for a page that is new."""
    written, make = own
    page = make()
    assert page.count("Not graded yet, of 2.0") == 2
    assert "Score: 0.0 / 2.0" in page  # of the tests cell that fails
    assert "nan" not in re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    with Gradebook(written.url) as gradebook:
        grade = gradebook.find_grade("small_explain", "small", ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.find_comment("small_explain", "small", ASSIGNMENT, "ada").manual_comment = "Say why."
        gradebook.db.commit()
    page = make()
    assert "Not graded yet" not in page
    assert "Score: 1.5 / 2.0" in page
    assert "Say why." in page


def test_no_advice_for_another_try(own):
    page = own[1]()
    assert "find: " in page
    assert "Stuck?" not in page


class Loads(HTMLParser):
    """Collects what a browser would fetch, and whether it runs anything."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.found += [said["src"]] if "src" in said else []
        self.found += [said["href"]] if tag == "link" and "href" in said else []
        self.found += [tag] if tag == "script" else []


def test_a_page_needs_nothing_from_elsewhere(own):
    text = own[1]()
    loads = Loads()
    loads.feed(text)
    assert loads.found == []
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", text)


def test_formulas_are_in_the_page(own):
    text = own[1]()
    assert re.search(r"<msub>\s*<mi>log</mi>\s*<mn>2</mn>", text)
    assert "<mfrac>" in text
    assert "<code>\\unknown{x}</code>" in text


def test_the_parser_sees_what_is_fetched():
    loads = Loads()
    loads.feed('<script src="https://x.org/a.js"></script><link href="a.css"><img src="b.png">')
    assert len(loads.found) == 4
