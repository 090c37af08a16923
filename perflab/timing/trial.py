"""A first call in a fork, with a time limit: compiled code that never ends can be stopped in no other way."""

import contextlib
import faulthandler
import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numba
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
LOOK_EVERY = 1.0  # seconds between two looks at the fork's CPU time
AT_WORK = 0.02  # of that time: a fork that gets less is not computing, it waits

Outcome = Literal["ended", "late", "waiting", "killed", "crashed"]


def trial(fn: Callable[..., Any], args: tuple, seconds: float) -> Outcome:
    """Tell how ``fn(*args)`` goes, by calling it in a fork of this process for at most `seconds`.

    Nothing of the call remains here but compiled code. Where a fork cannot be had, or cannot run this function,
    the answer is "ended": a trial only ever finds what hangs and what crashes.

    Returns
    -------
    {"ended", "late", "waiting", "killed", "crashed"}
        "late" computes when the time is over. "waiting" does not compute: it sleeps, or waits for something that
        a fork may lack, such as the threads of a pool; that may be found out long before the time is over.
        "killed" is what Linux does to a process that takes too much memory.
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
    # Compiled code that sleeps for ever must not pass for Python code that waits: no alarm would end it.
    may_wait = not isinstance(fn, Dispatcher) or bool(fn.targetoptions.get("parallel"))
    how: Outcome = "late"
    try:
        how = _watched(pid, read, seconds, may_wait)
    finally:
        os.close(read)
        if how != "ended":
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    return how if how != "ended" else _ending(status)


def _watched(pid: int, read: int, seconds: float, may_wait: bool) -> Outcome:
    """Wait until the fork ends, does nothing any more, or runs out of time."""
    end = time.monotonic() + seconds
    since, computed = time.monotonic(), 0.0
    while (left := end - time.monotonic()) > 0:
        # The pipe closes when the fork ends, however it does.
        if select.select([read], [], [], min(left, LOOK_EVERY))[0]:
            return "ended"
        now = time.monotonic()
        if now - since < min(LOOK_EVERY, seconds):
            continue  # too short a while to judge by
        before, computed = computed, _cpu_seconds(pid)
        if may_wait and computed - before < AT_WORK * (now - since):
            return "waiting"
        since = now
    return "late"


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of another process; infinite, which is never waiting, where that cannot be read."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # the clock that Linux keeps for it; see clock_getcpuclockid(3)
    except (OSError, AttributeError):
        return float("inf")


def _ending(status: int) -> Outcome:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGKILL:
        return "killed"
    if number == signal.SIGABRT and _aborts_in_forks():
        return "ended"
    return "crashed" if number in CRASHES else "ended"


def _aborts_in_forks() -> bool:
    """Tell whether Numba's threads are those of OpenMP, which abort in every fork: that says nothing."""
    try:
        return numba.threading_layer() == "omp"
    except ValueError:  # no threads yet
        return False


def _compile(fn: Callable[..., Any], args: tuple) -> None:
    """Compile before the fork, so that it need not be done twice; errors come out at the call itself."""
    if isinstance(fn, Dispatcher):
        with contextlib.suppress(NumbaError, TypeError, ValueError):
            fn.compile(tuple(fn.typeof_pyval(arg) for arg in args))


def _run_and_exit(fn: Callable[..., Any], args: tuple, write: int) -> None:
    try:
        faulthandler.disable()  # a crash is found out here; nobody has to read of it
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        fn(*args)
    finally:
        # Exceptions are for the call in the parent to raise.
        os.close(write)
        os._exit(0)
