"""Every point of a topic that has a chapter has a labelled place in it."""

import re
from pathlib import Path

import pytest

from perflab.course import curriculum
from perflab.course.source import AREAS, read_all

ROOT = Path(__file__).parents[2]
TOPICS = curriculum.topics(ROOT / "book" / "curriculum.yml")
CHAPTERS = sorted(p for area in AREAS for p in (ROOT / "book" / area).glob("*.md"))


def topic_of(chapter: Path) -> str:
    return f"{chapter.parent.name}/{chapter.stem}"


def missing(text: str, topic: curriculum.Topic) -> set[str]:
    """Return the points of `topic` that `text` has no labelled place for; a `see` belongs to another chapter."""
    labelled = set(re.findall(r"^`{3,}\{point\} +(\S+)", text, re.MULTILINE))
    return {point.id for point in topic.points if point.see is None} - labelled


@pytest.mark.parametrize("chapter", CHAPTERS, ids=topic_of)
def test_a_chapter_covers_its_topic(chapter):
    assert topic_of(chapter) in TOPICS, "a chapter is named after a topic of book/curriculum.yml"
    assert missing(chapter.read_text(), TOPICS[topic_of(chapter)]) == set()


def test_a_point_without_a_place_is_seen():
    topic = TOPICS["memory/locality"]
    text = "".join(f"```{{point}} {point.id}\n```\n" for point in topic.points[1:])
    assert missing(text, topic) == {topic.points[0].id}


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
