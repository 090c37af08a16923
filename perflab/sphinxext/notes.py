"""List what the chapters claim and this build was too noisy to say.

Such a note stands in a hidden cell. A reader need not see it; who builds the book should.
"""

from collections.abc import Iterator
from pathlib import Path

from jupyter_cache import get_cache
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.util import logging

from perflab.claims import TOO_NOISY

logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> None:
    """List the notes after the build."""
    app.connect("build-finished", list_notes)


def list_notes(app: Sphinx, failure: Exception | None) -> None:
    """Log each note with the page that it is on."""
    cache = get_cache(app.config.nb_execution_cache_path)
    newest = {}
    for record in sorted(cache.list_cache_records(), key=lambda record: record.created):
        newest[record.uri] = record
    for uri, record in sorted(newest.items()):
        for note in notes(cache.get_cache_bundle(record.pk).nb):
            logger.info("%s: %s", Path(uri).name, note)


def notes(notebook: NotebookNode) -> Iterator[str]:
    """Return the notes in the outputs of an executed notebook."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield from (line for line in output.get("text", "").splitlines() if line.startswith(TOO_NOISY))
