"""The lane of a machine: timed sections take turns in it, whatever process they belong to."""

import ast
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lane() -> Iterator[int]:
    """Wait for the lane of this machine; yield the core that timed code is kept to."""
    path = Path(tempfile.gettempdir(), f"perflab-lane-{os.getuid()}")
    # Only its owner can hold it up; a link that somebody else put there is not followed.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield max(os.sched_getaffinity(0))
    finally:
        os.close(file)


def is_timed(source: str) -> bool:
    """Tell whether a tests cell measures time: its last expression is ``check.faster(...)``."""
    body = ast.parse(source).body
    call = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "faster"
