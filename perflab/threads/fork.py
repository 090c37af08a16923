"""Threads in a fork of this process: compiled code that hangs or crashes can be survived in no other way."""

import faulthandler
import os
import pickle
import select
import signal
import time
import warnings
from typing import NoReturn

from perflab.threads.team import Failure, Team, work

SIZE = 1 << 16  # bytes read at once
SPARE = 1.0  # seconds after which the fork ends by itself, should this process be gone


def run_in_fork(team: Team, names: list[str], seconds: float, duration: float) -> tuple:
    """Return the results of a team's threads; see `perflab.threads.run` for what it raises."""
    if not hasattr(os, "fork"):
        raise RuntimeError("threads.run needs fork, which this operating system does not have; use Linux or WSL")
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forks beside threads; this one starts its own, and is killed if it cannot.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _work_and_exit(team, write, seconds, duration)
    os.close(write)
    data = None
    try:
        data = _received(read, seconds)
    finally:
        os.close(read)
        if data is None:
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    return _outcome(data, status, team, names, seconds)


def _received(read: int, seconds: float) -> bytes | None:
    """Return what came until the other end was closed; None if it still is open after `seconds`."""
    data, limit = b"", time.monotonic() + seconds
    while select.select([read], [], [], max(0.0, limit - time.monotonic()))[0]:
        part = os.read(read, SIZE)
        if not part:
            return data
        data += part
    return None


def _outcome(data: bytes | None, status: int, team: Team, names: list[str], seconds: float) -> tuple:
    threads = [f"thread {i} ({name})" for i, name in enumerate(names)]
    running = ", ".join(thread for thread, times in zip(threads, team.times, strict=True) if not times[1].any())
    if data is None:
        raise TimeoutError(
            f"{running or 'the threads'} did not return within {seconds:g} s; end each loop that waits, "
            "for instance while threads.go_on(clock), or allow more seconds"
        )
    if not data:
        how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit code {status >> 8}"
        raise RuntimeError(
            f"{running or 'the threads'}: crashed ({how}); an index out of range? try @njit(boundscheck=True)"
        )
    found = pickle.loads(data)
    if isinstance(found, Failure):
        kind = type(found.error).__name__
        raise RuntimeError(f"{threads[found.thread]}: it raised {kind}: {found.error}") from found.error
    return found


def _work_and_exit(team: Team, write: int, seconds: float, duration: float) -> NoReturn:
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + SPARE)
        faulthandler.disable()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        data = memoryview(_pickled(work(team, duration)))
        while data:
            data = data[os.write(write, data) :]
    finally:
        os._exit(0)


def _pickled(found: tuple | Failure) -> bytes:
    try:
        data = pickle.dumps(found)
        pickle.loads(data)  # an exception may be written and yet not be read
        return data
    except Exception as error:
        thread = found.thread if isinstance(found, Failure) else 0
        said = found.error if isinstance(found, Failure) else error
        return pickle.dumps(Failure(thread, RuntimeError(f"{type(said).__name__}: {said}")))
