"""The directive ``status``: what of the course is written, and how long it takes.

Nothing of it is typed: it counts the chapters that there are against the curriculum, and adds up their minutes.
"""

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
    """Register the directive."""
    app.add_directive("status", Status)


class Status(SphinxDirective):
    """A sentence and a table."""

    def run(self) -> list[nodes.Node]:
        """Return them."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / CURRICULUM))
        # Other pages decide what stands here, so that it is made again in each build.
        self.env.note_reread()
        made = nodes.container(classes=["status"])
        self.state.nested_parse(StringList(told(root).splitlines()), self.content_offset, made)
        self.set_source_info(made)
        return [made]


def told(root: Path) -> str:
    """Return what is written of the course at `root`, and what is to come, as Markdown."""
    topics = [topic for topic in curriculum.topics(root / CURRICULUM).values() if _area(topic) in source.AREAS]
    written = [topic for topic in topics if _page(root, topic).is_file()]
    exercises = source.read_all(root / "solutions")
    pages = [path for area in source.AREAS for path in sorted(root.glob(f"book/{area}/*.md"))]
    reading = sum(prose.minutes(chapter.read(page)) for page in pages)
    practice = sum(exercise.header.minutes for exercise in exercises)
    first = (
        f"This book is being written: {len(written)} of its {len(topics)} topics have their chapter, "
        f"{_hours(reading)} of reading, with {words.counted(len(exercises), 'exercise')}, "
        f"{_hours(practice)} of practice."
    )
    rows = []
    for area in source.AREAS:
        here = [topic for topic in topics if _area(topic) == area]
        there = ", ".join(f"{{doc}}`{topic.title} </book/{topic.id}>`" for topic in here if topic in written)
        coming = ", ".join(topic.title for topic in here if topic not in written)
        rows.append(f"| {NAMES.get(area, area.title())} | {there or '-'} | {coming or '-'} |")
    return "\n".join((first, "", "| area | written | to come |", "| --- | --- | --- |", *rows))


def _area(topic: Topic) -> str:
    return topic.id.split("/")[0]


def _page(root: Path, topic: Topic) -> Path:
    return root / "book" / f"{topic.id}.md"


def _hours(minutes: int) -> str:
    return words.counted(max(1, round(minutes / 60)), "hour")
