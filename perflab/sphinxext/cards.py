"""The directive ``exercise-card``: what a chapter says about one of its exercises.

    ```{exercise-card} memory/soa_vs_aos
    ```

Everything on the card comes from the header and the points of the exercise's source. The lever stays unsaid: who
reads a chapter has not made the guess yet.
"""

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from perflab import course
from perflab.course import notebook


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("exercise-card", ExerciseCard)


class ExerciseCard(SphinxDirective):
    """A card with the title, difficulty, duration and points of an exercise, and a link to its page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the card; an exercise that does not exist, or cannot be read, is an error at this line."""
        name = self.arguments[0]
        source = Path(self.env.srcdir, "solutions", f"{name}.py")
        if not source.is_file():
            raise self.error(f"exercise-card: there is no solutions/{name}.py; write <area>/<exercise>")
        self.env.note_dependency(str(source))
        try:
            exercise = course.read(source)
        except course.CourseError as error:
            raise self.error(f"exercise-card: {error}") from error

        card = nodes.admonition("", classes=["exercise-card"])
        card += nodes.title("", f"Exercise: {exercise.header.title}")
        card += nodes.paragraph("", notebook.facts(exercise))
        card += nodes.paragraph("", "", self.link(f"/exercises/{name}"))
        self.set_source_info(card)
        return [card]

    def link(self, document: str) -> nodes.Node:
        """Return a reference to a page, which Sphinx resolves and checks."""
        text = nodes.inline("", "Open the exercise")
        target = {"refdomain": "std", "reftype": "doc", "reftarget": document, "refdoc": self.env.docname}
        reference = pending_xref("", text, refexplicit=True, refwarn=True, **target)
        self.set_source_info(reference)
        return reference
