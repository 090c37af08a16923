"""A limit in time for Python code: an alarm that raises in the main thread."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN = 1.0  # seconds until the alarm rings once more, where the code at hand swallowed it


class OutOfTimeError(BaseException):
    """Time is up. No Exception, so that the code it interrupts does not take it for one of its own."""


def can_interrupt() -> bool:
    """Tell whether `deadline` has an alarm here: only the main thread of a Unix process does."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `OutOfTimeError` in the block after so many seconds.

    It interrupts Python code, sleeping and waiting. Compiled code it cannot interrupt: there it raises when the
    call returns. Where there is no alarm, see `can_interrupt`, the block runs without a limit.

    Parameters
    ----------
    seconds : float
        Above 0. Another alarm that is due earlier goes first; a later one is put back when the block has ended.
    """
    if not can_interrupt():
        yield
        return
    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _ring)
    due, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    if 0 < due < seconds:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, due, interval)
        yield
        return
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if due:
            left = due - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), interval)


def _ring(*_: object) -> None:
    raise OutOfTimeError
