"""The cache of executed pages, keyed by the code behind them.

jupyter-cache runs a page again when its cells change, but is blind to the modules that they import. So each
state of `perflab` and of the pinned requirements has a cache folder of its own.
"""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

from perflab.course.fingerprint import code_key


def setup(app: Sphinx) -> None:
    """Choose the folder before myst-nb reads its configuration."""
    app.connect("config-inited", choose_cache)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Set the folder of the execution cache; HTML and PDF share it."""
    source = Path(app.srcdir)
    key = code_key((source / "requirements.txt").read_bytes())
    config.nb_execution_cache_path = str(source / "_build" / ".jupyter_cache" / key)
