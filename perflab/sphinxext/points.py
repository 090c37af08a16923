"""The directive ``point``: the place in a chapter that covers a point of the curriculum.

    ```{point} memory/locality/hot-cold-data-separation
    ```

It prints a small tag and makes the id a label, to which any page may link:
``{ref}`memory/locality/hot-cold-data-separation` ``. Where no tool of the course measures or models the point, but
a function of the page does, the option ``:by: function`` names it for ``perflab coverage``.
"""

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_id

from perflab.course import curriculum
from perflab.course.curriculum import CURRICULUM


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("point", Point)


class Point(SphinxDirective):
    """Label the place that covers one point of the curriculum."""

    required_arguments = 1
    option_spec: ClassVar = {"by": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the label and its tag; warn if the id is unknown or labelled already."""
        name = self.arguments[0]
        path = Path(self.env.srcdir, CURRICULUM)
        self.env.note_dependency(str(path))
        point = curriculum.points(path).get(name)
        if point is None:
            return [self.warning(f"{name} is no point of {CURRICULUM}; copy the id from there")]
        standard = self.env.get_domain("std")
        if name in standard.labels:
            return [self.warning(f"{name} has a place already, in {standard.labels[name][0]}; link to that one")]

        target = make_id(self.env, self.state.document, "point", name)
        standard.note_hyperlink_target(name, self.env.docname, target, point.text)
        tag = nodes.container("", nodes.paragraph("", f"Covers: {point.text}"), classes=["point"], ids=[target])
        self.state.document.note_explicit_target(tag)
        self.set_source_info(tag)
        # HTML finds the container's id, LaTeX the target's.
        return [nodes.target("", "", refid=target), tag]

    def warning(self, message: str) -> nodes.system_message:
        """Return a warning at the directive's line, which fails a build under -W."""
        return self.state.document.reporter.warning(f"point: {message}", line=self.lineno)
