"""The judge's side of `perflab.guest.zygote`: a process whose forks are the sandboxes of one submission."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

from perflab.guest.zygote import MOST
from perflab.judge.library import boot
from perflab.judge.limits import Limits

ANSWER = 30.0  # seconds that a fork may take
ENDED = 1.0  # seconds until it must be known how one ended
PAUSE = 0.005
LAST = 19  # the nice value of whoever comes last
CAP_SYS_NICE = 23  # of linux/capability.h


@cache
def may_hurry() -> bool:
    """Tell whether this process may let one go on that it has made wait; in some containers root may not."""
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_SYS_NICE & 1)


class ZygoteError(Exception):
    """No fork becomes a sandbox here; the text says why."""


class Zygote:
    """A process that has imported what sandboxes need.

    Parameters
    ----------
    limits : Limits
        Of its forks.
    library : Path
        Where perflab lies for it, and has to lie for its forks.
    environment : dict
        Of its forks.
    nobody : int
        Whom its forks become.
    """

    def __init__(self, limits: Limits, library: Path, environment: dict[str, str], nobody: int) -> None:
        self.library, self._nobody = library, nobody
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(ANSWER)
        with theirs:
            self._process = subprocess.Popen(
                [
                    *limits.prlimit(nobody),
                    *boot(str(library), "perflab.guest.zygote", theirs.fileno()),
                ],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def fork(self, target: int, groups: Sequence[Path], folder: str, shell: str, fds: Sequence[int]) -> int:
        """Make a fork a process of the sandbox of another process; return its number.

        Parameters
        ----------
        target : int
            A process of the sandbox.
        groups : sequence of Path
            The control groups to join.
        folder : str
            Where to stand, as the sandbox sees it.
        shell : str
        fds : sequence of int
            Socket, memory for arguments, memory for results, filter of system calls.

        Raises
        ------
        ZygoteError
            If that does not work.
        """
        message = {
            "groups": [str(group / "cgroup.procs") for group in groups],
            "nobody": self._nobody,
            "folder": folder,
            "shell": shell,
        }
        *served, filter_ = fds
        process = os.pidfd_open(target)
        try:
            answer = self._ask(message, [*served, process, filter_])
        finally:
            os.close(process)
        if "error" in answer:
            raise ZygoteError(answer["error"])
        return answer["pid"]

    @property
    def alive(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Let it start in time that nobody else wants; only where this process may take that back."""
        self._schedule(os.SCHED_IDLE, LAST)

    def hurry(self) -> None:
        """Let it go on as this process does, and where this one does."""
        self._schedule(os.SCHED_OTHER, 0)
        os.sched_setaffinity(self._process.pid, os.sched_getaffinity(0))

    def _schedule(self, policy: int, nice: int) -> None:
        os.sched_setscheduler(self._process.pid, policy, os.sched_param(0))
        # Where the kernel shares out time among sessions first, a policy counts inside of its own session only.
        with suppress(OSError):
            Path(f"/proc/{self._process.pid}/autogroup").write_text(str(nice))

    def end(self) -> None:
        """End it; its forks have ended before."""
        self._link.close()
        self._process.kill()
        self._process.wait()

    def code(self, pid: int) -> int | None:
        """Return the exit code of a fork, minus the signal that killed it; None if it goes on, or nobody knows."""
        deadline = time.monotonic() + ENDED
        with suppress(ZygoteError):
            while (code := self._ask({"ended": pid}, [])["code"]) is None and time.monotonic() < deadline:
                time.sleep(PAUSE)
            return code
        return None

    def bury(self, pid: int) -> None:
        """Let go of a fork that was killed: what it lived in does not end before."""
        with suppress(ZygoteError):
            self._ask({"bury": pid}, [])

    def _ask(self, message: dict, fds: list[int]) -> dict:
        try:
            socket.send_fds(self._link, [json.dumps(message).encode()], fds)
            return json.loads(self._link.recv(MOST))
        except (OSError, ValueError) as error:
            raise ZygoteError(f"it does not answer ({error})") from error

    def __enter__(self) -> "Zygote":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """See `end`."""
        self.end()
