"""A helper process for the judge's own work on what students hand in: whatever that does costs one request only.

Decoding, comparing and reading what may be hostile can loop, fill the memory, or end the process that does it. So
it happens in a fork, within limits. Who asks keeps nothing but the question and the answer, and makes a new fork
when one is lost. A fork stays for the next request: in the normal case it costs a message.
"""

import contextlib
import json
import math
import os
import resource
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

MOST_ANSWER = 64 << 20  # bytes
IDLE = 30.0  # seconds without a request until a helper lets go of what it keeps for the next one
LAST = 10.0  # seconds until one must have ended that is told to
STATUS = Path("/proc/self/status")


class HelperError(Exception):
    """There is no answer; the text says why. Another try may give one."""


class SpentError(HelperError):
    """The request took more than it may; another try would, too."""


@dataclass(frozen=True)
class Allowance:
    """What one request may take, of the helper alone: what runs in sandboxes has limits of its own.

    Attributes
    ----------
    cpu : int
        Seconds of CPU time.
    memory : int
        Bytes that the helper may hold beyond what it had in the beginning.
    """

    cpu: int
    memory: int


class Helper:
    """A process that answers requests, one after the other.

    Parameters
    ----------
    tasks : dict of callable
        By name; each takes and returns what JSON can hold.
    allowance : Allowance
    close : callable, optional
        Lets go, in the helper, of what it keeps from one request to the next.
    bury : callable, optional
        ``bury(pid)`` removes, out here, what a helper of that number may have left.
    """

    def __init__(
        self,
        tasks: dict[str, Callable[..., Any]],
        allowance: Allowance,
        close: Callable[[], None] = lambda: None,
        bury: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._tasks, self._allowance, self._close, self._bury = tasks, allowance, close, bury
        self._link: Connection | None = None
        self._pid = self._owner = 0
        self._turn = threading.Lock()

    def ask(self, task: str, wall: float, **given: Any) -> Any:
        """Return what a task returns.

        Parameters
        ----------
        task : str
        wall : float
            Seconds until there must be an answer.
        **given
            What the task is given.

        Raises
        ------
        SpentError
            If it took more time or memory than it may.
        HelperError
            If it failed, or the helper was lost.
        """
        with self._turn:
            return self._ask(task, wall, given)

    def _ask(self, task: str, wall: float, given: dict[str, Any]) -> Any:
        self._let_go()
        if self._link is None:
            self._begin()
        assert self._link is not None
        try:
            self._link.send_bytes(json.dumps([task, given]).encode())
            if not self._link.poll(wall):
                raise SpentError(f"took more than {wall:g} s")
            kind, said = json.loads(self._link.recv_bytes(MOST_ANSWER))
        except (OSError, EOFError, ValueError) as error:
            raise self._lost() from error
        except BaseException:
            self._kill()
            raise
        if kind == "answer":
            return said
        self.end()  # what it keeps may be damaged
        raise (SpentError if kind == "spent" else HelperError)(said)

    def end(self) -> None:
        """Let the helper end, and what it keeps; without one do nothing."""
        self._let_go()
        if self._link is not None:
            self._link.close()
            self._wait(LAST)
            self._kill()

    def _let_go(self) -> None:
        """Leave the helper alone if it is that of a process which this one is a fork of."""
        if self._link is not None and self._owner != os.getpid():
            self._link.close()
            self._link = None

    def _wait(self, seconds: float) -> None:
        """Give the helper time to end by itself."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(ChildProcessError):
            while os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.002)

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._link, theirs = Pipe()
        with warnings.catch_warnings(action="ignore"):  # of other threads: the fork uses nothing of theirs
            self._pid = os.fork()
        if self._pid == 0:
            try:
                _be_alone(theirs)
                limit(self._allowance.memory)
                _serve(theirs, self._tasks, self._allowance.cpu, self._close)
                os._exit(0)
            finally:
                os._exit(1)
        theirs.close()

    def _lost(self) -> HelperError:
        self._wait(1.0)  # its end of the connection is closed a moment before
        code = self._kill()
        if code == -signal.SIGXCPU:
            return SpentError(f"took more than {self._allowance.cpu} s of CPU time")
        return HelperError(f"its helper was lost ({ending(code)})")

    def _kill(self) -> int:
        """End the helper whatever it does; return its exit code, or minus the signal that ended it."""
        assert self._link is not None
        self._link.close()
        self._link = None
        try:
            os.kill(self._pid, signal.SIGKILL)
            _, status = os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):  # somebody else has waited for it
            status = 0
        self._bury(self._pid)
        return os.waitstatus_to_exitcode(status)


def ending(code: int) -> str:
    """Say how a process ended: its exit code, or minus the number of the signal that killed it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def limit(memory: int) -> None:
    """Let this process hold no more than some bytes beyond what it holds now, also when it crashes."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if STATUS.exists():
        now = int(STATUS.read_text().partition("\nVmData:")[2].split()[0]) << 10
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (now + memory, most))


def _be_alone(link: Connection) -> None:
    """Share nothing with the process that this is a fork of, but one connection and stderr."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for one in map(int, os.listdir("/proc/self/fd")):
        if one not in (2, link.fileno(), nothing):
            # Not closed: somebody may still write to that number, and another file would have it.
            with contextlib.suppress(OSError):
                os.dup2(nothing, one, inheritable=one < 3)
    threading.Thread(target=_end_with, args=(link.fileno(),), daemon=True).start()


def _end_with(link: int) -> None:
    """Wait until nobody is at the other end; let the main thread tidy up then, for a while."""
    gone = select.poll()
    gone.register(link, 0)
    gone.poll()
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(LAST / 2)
    os._exit(1)


def _serve(link: Connection, tasks: dict[str, Callable[..., Any]], cpu: int, close: Callable[[], None]) -> None:
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            if not link.poll(IDLE):
                close()
            task, given = json.loads(link.recv_bytes())
            _, most = resource.getrlimit(resource.RLIMIT_CPU)
            # The kernel ends it with a signal: a loop in C would see no other.
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + cpu, most))
            link.send_bytes(_answer(tasks[task], given).encode())
    # Who asks is gone, or does not wait any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    close()


def _answer(task: Callable[..., Any], given: dict[str, Any]) -> str:
    try:
        return json.dumps(["answer", task(**given)])
    except MemoryError:
        return json.dumps(["spent", "took more memory than it may"])
    except Exception as error:  # of any kind: it costs one answer
        return json.dumps(["failed", f"{type(error).__name__}: {error}"[:500]])
