"""A first call in a fork, with a time limit: compiled code that never ends can be stopped in no other way."""

import contextlib
import os
import select
import signal
import warnings
from collections.abc import Callable
from typing import Any, Literal

from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

# How compiled code dies of a wild access. (OpenMP aborts in any fork: that says nothing.)
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)

Outcome = Literal["ended", "late", "crashed"]


def trial(fn: Callable[..., Any], args: tuple, seconds: float) -> Outcome:
    """Tell how ``fn(*args)`` goes, by calling it in a fork of this process for at most `seconds`.

    Nothing of the call remains here but compiled code. Where a fork cannot be had, or cannot run this function,
    the answer is "ended": a trial only ever finds what hangs and what crashes.
    """
    if not hasattr(os, "fork"):
        return "ended"
    _compile(fn, args)
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forks beside threads; this one computes, and is killed if it cannot.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _run_and_exit(fn, args, write)
    os.close(write)
    in_time = False
    try:
        # The pipe closes when the fork ends, however it does.
        in_time = bool(select.select([read], [], [], seconds)[0])
    finally:
        os.close(read)
        if not in_time:
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    if not in_time:
        return "late"
    return "crashed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) in CRASHES else "ended"


def _compile(fn: Callable[..., Any], args: tuple) -> None:
    """Compile before the fork, so that it need not be done twice; errors come out at the call itself."""
    if isinstance(fn, Dispatcher):
        with contextlib.suppress(NumbaError, TypeError, ValueError):
            fn.compile(tuple(fn.typeof_pyval(arg) for arg in args))


def _run_and_exit(fn: Callable[..., Any], args: tuple, write: int) -> None:
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        fn(*args)
    finally:
        # Exceptions are for the call in the parent to raise.
        os.close(write)
        os._exit(0)
