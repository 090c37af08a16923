"""Every point of a topic that has a chapter is covered there, in its kind."""

import re
from pathlib import Path

import pytest

from perflab.course.coverage import coverage
from perflab.course.source import AREAS, read_all

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(p for area in AREAS for p in (ROOT / "book" / area).glob("*.md"))

PAGES = {page: topic for topic in coverage(ROOT) for page in topic.pages}


def topic_of(chapter: Path) -> str:
    return f"{chapter.parent.name}/{chapter.stem}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=topic_of)
def test_a_chapter_covers_its_topic(chapter):
    """That the report sees what is not covered, tests/unit/test_coverage_report.py tells."""
    assert chapter in PAGES, "a page is named after a topic of book/curriculum.yml, or labels points of one"
    assert [*map(str, PAGES[chapter].problems)] == []


@pytest.mark.parametrize("exercise", read_all(ROOT / "solutions"), ids=lambda e: e.name)
def test_an_exercise_is_on_its_chapters_page_and_in_the_table_of_contents(exercise):
    chapter = ROOT / "book" / f"{exercise.header.chapter}.md"
    assert f"{{exercise-card}} {exercise.name}" in chapter.read_text()
    assert f"file: exercises/{exercise.name}" in (ROOT / "_toc.yml").read_text()


def lost(text: str) -> list[str]:
    """Return the lines of prose that MyST takes for comments, and titles of boxes that print cannot wrap."""
    prose = re.sub(r"^(`{3,})\{code-cell\}.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    comments = [line for line in prose.splitlines() if line.startswith("%")]
    return comments + [line for line in prose.splitlines() if re.match(r"`{3,}\{admonition\} .{60}", line)]


@pytest.mark.parametrize("chapter", [*CHAPTERS, ROOT / "book" / "index.md"], ids=topic_of)
def test_nothing_of_a_chapter_is_lost(chapter):
    assert lost(chapter.read_text()) == []


def test_a_lost_line_is_seen():
    code = "```{code-cell}\n%matplotlib inline\n```\n"
    assert lost(f"{code}% of the time\n```{{admonition}} {'long ' * 20}\n```\n") != []
    assert lost(code) == []
