"""Results of measurements on disk, so that they need not be made anew in each process."""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from numba.core import config

from perflab.machine.description import Machine

Result = TypeVar("Result")


def remembered(
    name: str,
    machine: Machine,
    sources: list[str],
    measure: Callable[[], Result],
    read: Callable[[Any], Result],
    fresh: bool,
) -> Result:
    """Return what was measured before for this machine, these versions and these sources, or measure it.

    Parameters
    ----------
    name : str
        Of the file in ``$XDG_CACHE_HOME/perflab`` (by default ``~/.cache/perflab``).
    machine : Machine
    sources : list of str
        Paths of the modules that measure: a change of them measures again.
    measure : callable
        Returns a dataclass.
    read : callable
        Makes the dataclass from what JSON kept of it.
    fresh : bool
        Measure in any case.
    """
    if not fresh:
        # Whatever is wrong with the file, measuring again repairs it.
        with suppress(OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError):
            return read(json.loads(_file(name, machine, sources).read_text()))
    measured = measure()
    with suppress(OSError, RuntimeError):  # a disk that cannot be written costs the next call a second, no more
        _write(_file(name, machine, sources), json.dumps(asdict(measured), indent=1))
    return measured


def _file(name: str, machine: Machine, sources: list[str]) -> Path:
    # The node's name tells apart machines that share a home; the CPU name is what Numba compiles for.
    texts = [Path(source).read_text() for source in sources]
    parts = (repr(machine), platform.node(), repr(config.CPU_NAME), *texts)
    fingerprint = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return home / "perflab" / f"{name}-{fingerprint}.json"


def _write(path: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
