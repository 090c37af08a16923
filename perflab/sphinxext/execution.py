"""The cache of executed pages, keyed by the code behind them.

jupyter-cache runs a page again when its cells change, but is blind to the modules that they import. So each
state of `perflab` and of the pinned requirements has a cache folder of its own.
"""

from hashlib import sha256
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

PACKAGE = Path(__file__).parents[1]


def setup(app: Sphinx) -> None:
    """Choose the folder before myst-nb reads its configuration."""
    app.connect("config-inited", choose_cache)


def choose_cache(app: Sphinx, config: Config) -> None:
    """Set the folder of the execution cache; HTML and PDF share it."""
    source = Path(app.srcdir)
    key = code_key(PACKAGE, source / "requirements.txt")
    config.nb_execution_cache_path = str(source / "_build" / ".jupyter_cache" / key)


def code_key(package: Path, requirements: Path) -> str:
    """Return a short hash of a package's modules, names and contents, and of the requirements.

    Parameters
    ----------
    package : pathlib.Path
        The folder of the package.
    requirements : pathlib.Path
        The file that pins everything else.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = sha256(requirements.read_bytes())
    for module in sorted(package.rglob("*.py")):
        digest.update(str(module.relative_to(package)).encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()[:16]
