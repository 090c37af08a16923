"""What a student gets back runs nothing that a student wrote, and shows no hidden test."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from hostile import MARKUP, hostile
from nbgrader.apps import NbGraderAPI
from quick import ASSIGNMENT, NAME, Class, write


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
