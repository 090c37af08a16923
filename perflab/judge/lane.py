"""Who runs where: each grader on a core of its own, and timed sections in turns in the one lane of a machine."""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_held = threading.local()


@contextmanager
def lane() -> Iterator[int]:
    """Wait for the lane of this machine; yield the core that timed code is kept to.

    Who holds it may ask for it again.
    """
    if (core := getattr(_held, "core", None)) is not None:
        yield core
        return
    file = _open("lane")
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        _held.core = max(os.sched_getaffinity(0))
        yield _held.core
    finally:
        _held.core = None
        os.close(file)


@contextmanager
def seat() -> Iterator[set[int]]:
    """Keep this thread, and what it starts, to a core where no other grader has a seat; yield all cores it had.

    Where none is free it stays where it is. A process that wakes up on the core of a timed section holds that up,
    and is held up; the kernel takes any core that is idle at the moment, and the lane is idle many times a call.
    """
    cores = os.sched_getaffinity(0)
    for core in sorted(cores):
        file = _open(f"core-{core}")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        try:
            os.sched_setaffinity(0, {core})
            yield cores
        finally:
            with suppress(OSError):
                os.sched_setaffinity(0, cores)
            os.close(file)
        return
    yield cores


def _open(what: str) -> int:
    path = Path(tempfile.gettempdir(), f"perflab-{what}-{os.getuid()}")
    # Only its owner can hold it up; a link that somebody else put there is not followed.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
