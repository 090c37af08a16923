"""The directives ``status`` and ``topics``: what of the course is written, how long it takes, what is to come.

Nothing of it is typed: they count the chapters that there are against the curriculum, and add up their minutes.
"""

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from perflab import words
from perflab.course import chapter, curriculum, prose, source
from perflab.course.curriculum import CURRICULUM, Topic

NAMES = {"cpu": "CPU", "io": "I/O"}  # of areas whose id is no word


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("status", Status)
    app.add_directive("topics", Topics)


class Status(SphinxDirective):
    """A sentence: how much there is."""

    def run(self) -> list[nodes.Node]:
        """Return it."""
        return self.made(sentence(Path(self.env.srcdir)))

    def made(self, text: str) -> list[nodes.Node]:
        """Return what Markdown says; as other pages decide it, this page is read again in each build."""
        self.env.note_reread()
        made = nodes.container(classes=[self.name])
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, made)
        self.set_source_info(made)
        return [made]


class Topics(Status):
    """What is written and what is to come, by area: a table of links, and in print a list."""

    def run(self) -> list[nodes.Node]:
        """Return it."""
        told = printed if self.env.app.builder.format == "latex" else table
        return self.made(told(Path(self.env.srcdir)))


def sentence(root: Path) -> str:
    """Return how much of the course at `root` is written."""
    topics = _topics(root)
    written = [topic for topic in topics if _page(root, topic).is_file()]
    pages = [path for area in source.AREAS for path in sorted(root.glob(f"book/{area}/*.md"))]
    exercises = source.read_all(root / "solutions")
    reading = sum(prose.minutes(chapter.read(page)) for page in pages)
    practice = sum(exercise.header.minutes for exercise in exercises)
    return (
        f"This book is being written: {len(written)} of its {len(topics)} topics have their chapter, "
        f"{_hours(reading)} of reading, with {words.counted(len(exercises), 'exercise')}, "
        f"{_hours(practice)} of practice."
    )


def table(root: Path) -> str:
    """Return what is written of each area and what is to come, as a table in Markdown."""
    rows = ["| area | written | to come |", "| --- | --- | --- |"]
    for area, written, coming in _by_area(root):
        there = ", ".join(f"{{doc}}`{topic.title} </book/{topic.id}>`" for topic in written)
        rows.append(f"| {area} | {there or '-'} | {_titles(coming) or '-'} |")
    return "\n".join(rows)


def printed(root: Path) -> str:
    """Return the same as a list: three columns are too narrow for paper."""
    return "\n".join(
        f"- **{area}.** Written: {_titles(written) or 'nothing yet'}. To come: {_titles(coming) or 'nothing'}."
        for area, written, coming in _by_area(root)
    )


def _by_area(root: Path) -> Iterator[tuple[str, list[Topic], list[Topic]]]:
    """Yield each area, its topics that are written, and those that are to come."""
    for area in source.AREAS:
        here = [topic for topic in _topics(root) if _area(topic) == area]
        written = [topic for topic in here if _page(root, topic).is_file()]
        yield NAMES.get(area, area.title()), written, [topic for topic in here if topic not in written]


def _titles(topics: list[Topic]) -> str:
    return ", ".join(topic.title for topic in topics)


def _topics(root: Path) -> list[Topic]:
    """Return those that get a chapter of their own."""
    return [topic for topic in curriculum.topics(root / CURRICULUM).values() if _area(topic) in source.AREAS]


def _area(topic: Topic) -> str:
    return topic.id.split("/")[0]


def _page(root: Path, topic: Topic) -> Path:
    return root / "book" / f"{topic.id}.md"


def _hours(minutes: int) -> str:
    return words.counted(max(1, round(minutes / 60)), "hour")
