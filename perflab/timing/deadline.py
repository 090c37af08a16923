"""A limit in time for Python code: an alarm that raises in the main thread."""

import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

AGAIN = 1.0  # seconds until the alarm rings once more, where the code at hand swallowed it

Result = TypeVar("Result")


class OutOfTimeError(BaseException):
    """Time is up. No Exception, so that the code it interrupts does not take it for one of its own."""


def can_interrupt() -> bool:
    """Tell whether `within` has an alarm here: only the main thread of a Unix process does."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Call a function, and interrupt it after so many seconds.

    The alarm interrupts Python code, sleeping and waiting. Compiled code it cannot interrupt: there it raises when
    the call returns. Where there is no alarm, see `can_interrupt`, the call has no limit.

    Parameters
    ----------
    seconds : float
        Above 0. Another alarm that is due earlier goes first; a later one is put back.
    call : callable
        Called without arguments. (A function, not a context manager: that could be left by the alarm before its
        block has begun, and nobody would turn the alarm off.)

    Returns
    -------
    object
        What the call returned.

    Raises
    ------
    OutOfTimeError
        When the time is over.
    """
    if not can_interrupt():
        return call()
    ringing = True

    def ring(*_: object) -> None:
        if ringing:
            raise OutOfTimeError

    due, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < due < seconds:
        return call()
    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        return call()
    finally:
        ringing = False  # first: an alarm that rings from here on finds nothing to interrupt
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if due:
            left = due - (time.monotonic() - start)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), interval)
