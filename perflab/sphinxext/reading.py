"""The directive ``before-you-read``: how long a chapter takes, and what it builds on.

    ```{before-you-read}
    You need NumPy arrays and {doc}`Measure first <../workflow/measure>`.
    ```

The minutes are computed: to read, from the words and the visible lines of code that stand before the questions; to
work on it, from its cells and its questions too.
"""

from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from perflab import words
from perflab.course import chapter, prose


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("before-you-read", BeforeYouRead)


class BeforeYouRead(SphinxDirective):
    """A line below the title of a chapter."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the paragraph; the chapter's own source says how long it is."""
        path = Path(self.env.doc2path(self.env.docname))
        takes = taken(chapter.read(path))
        line = nodes.container(classes=["before-you-read"])
        text = StringList([f"{takes} {self.content[0]}", *self.content[1:]] if self.content else [takes])
        self.state.nested_parse(text, self.content_offset, line)
        self.set_source_info(line)
        return [line]


def taken(page: chapter.Chapter) -> str:
    """Return a sentence about how long a chapter takes."""
    reading = words.counted(prose.minutes(page), "minute")
    return f"{reading} to read, about {prose.minutes_of_work(page)} with its code run and its questions answered."
