"""A Sphinx extension with what the book's build needs.

`cards` adds the directive ``exercise-card``, `points` ``point``, `reading` ``before-you-read``, and `status` both
``status`` and ``topics``; `sidebar` names what the theme leaves without a name; `execution` keys the cache of
executed pages by the code that they import, and `notes` lists the claims that a build was too noisy to decide.
"""

from sphinx.application import Sphinx

from perflab.sphinxext import cards, execution, notes, points, reading, sidebar, status


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the hooks with Sphinx."""
    for part in (cards, points, reading, status, sidebar, execution, notes):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
