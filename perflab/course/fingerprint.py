"""A key of the code behind results: what was executed or graded with the same key need not be done again."""

from hashlib import sha256
from pathlib import Path

import perflab

PACKAGE = Path(perflab.__file__).parent


def code_key(*others: bytes, package: Path = PACKAGE) -> str:
    """Return a short hash of a package's modules, names and contents, and of whatever else matters.

    Parameters
    ----------
    *others : bytes
        E.g. the content of the file that pins all other packages.
    package : pathlib.Path
        The folder of the package; perflab by default.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = sha256()
    for module in sorted(package.rglob("*.py")):
        digest.update(str(module.relative_to(package)).encode() + b"\0" + module.read_bytes())
    for other in others:
        digest.update(sha256(other).digest())
    return digest.hexdigest()[:16]
