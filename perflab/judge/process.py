"""A sandbox made of processes: stopped and clocked from outside, spoken to through a socket and shared memory."""

import contextlib
import fcntl
import mmap
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from perflab.check.files import File
from perflab.counters.syscalls import traced
from perflab.guest import channel
from perflab.judge import outside, processes, scratch
from perflab.judge.helper import ending
from perflab.judge.limits import Cgroup, Limits, Watchdog
from perflab.judge.sandbox import DiedError, SandboxError

START = 60.0  # seconds until a sandbox must have answered
# The memory for arguments may grow, never shrink: this process would be killed where it looks behind the end.
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL if hasattr(fcntl, "F_SEAL_SHRINK") else 0
# How many times its CPU time a call may last until processes are suspected that came and went. What they hide
# below this is less than any exercise rewards.
SUSPECT = 1.3


class ProcessSandbox:
    """See `perflab.judge.sandbox.Sandbox`.

    Parameters
    ----------
    limits : Limits
    command : callable
        ``command(link, inbox, outbox)`` returns the command that leads to `perflab.guest.worker.main`, given the
        numbers of the descriptors of the socket and of the memories, and the descriptors that it is to inherit.
    roots_of : callable
        ``roots_of(process, link, inbox, outbox, groups)`` returns the numbers of the processes that all others of
        the sandbox descend from; the first one ends last. It may bring them to life only now, given the
        descriptors and the folders of the control groups.
    in_force : dict
        What isolates, in words.
    folder : Path
        A folder on a disk that the sandbox writes to; removed in the end.
    place : str, optional
        Where that folder lies in the sandbox; by default where it lies here.
    user : int, optional
        Who the processes of the sandbox are on this machine; by default who runs this.
    code_of : callable, optional
        ``code_of(process, roots)`` returns the exit code of what serves the judge; by default the command's.
    bury : callable, optional
        ``bury(roots)`` is called when all of them have been killed.

    Raises
    ------
    SandboxError
        If it does not start.
    """

    def __init__(
        self,
        limits: Limits,
        command: Callable[[int, int, int], tuple[list[str], tuple[int, ...]]],
        roots_of: Callable[..., list[int]],
        in_force: dict[str, str],
        folder: Path,
        place: str | None = None,
        user: int | None = None,
        code_of: Callable[[subprocess.Popen, list[int]], int | None] = lambda process, _: process.wait(timeout=1),
        bury: Callable[[list[int]], None] = lambda _: None,
    ) -> None:
        self._limits, self._roots_of, self._code_of, self._bury = limits, roots_of, code_of, bury
        self._folder, self._place = folder, place or str(folder)
        self._began = time.time()
        self._left = limits.wall
        self._cgroup = Cgroup(limits)
        self._link, self._theirs = socket.socketpair()
        self._inbox = os.memfd_create("arguments", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(self._inbox, fcntl.F_ADD_SEALS, SEALS)
        self._outbox = os.memfd_create("results")
        self._arguments: mmap.mmap | None = None
        self._stopped: list[int] = []
        self.last: dict[str, Any] = {}
        self._watchdog: Watchdog | None = None
        self._roots: list[int] = []
        self.in_force = {
            **in_force,
            "memory": self._cgroup.holds.get("memory", "watchdog"),
            "processes": self._cgroup.holds.get("pids", "watchdog"),
            "file size": "rlimit",
            "files": "watchdog",
            "cpu": "rlimit",
            "cpu time": self._cgroup.holds.get("cpuacct", "clocks of processes"),
            "wall": "judge",
        }
        user = None if "pids" in self._cgroup.holds else os.geteuid() if user is None else user
        words, kept = command(*self._fds())
        try:
            self._process = subprocess.Popen(
                [*self._cgroup.enter(), *limits.prlimit(user), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=kept,
                start_new_session=True,
            )
        except OSError as error:
            self._forget()
            raise SandboxError(f"the sandbox does not start: {error}") from error

    @property
    def alive(self) -> bool:
        """See `Sandbox`."""
        return self._link.fileno() >= 0

    def ready(self) -> None:
        """See `Sandbox.ready`.

        Neither the start nor this belong into a thread that ends early: the sandbox dies with it.
        """
        if self._stopped:
            return
        try:
            self._roots = self._roots_of(self._process, *self._fds(), self._cgroup.folders)
            self._theirs.close()
            self._link.settimeout(START)
            channel.receive(self._link)
            # From here on it is the student's: its words on stderr are of no interest.
            self._stopped = processes.stop(*self._roots)
        except (ValueError, KeyError, OSError, channel.ChannelError) as error:
            processes.kill(*self._roots)
            self._process.kill()
            said = self._process.communicate()[1].decode(errors="replace").strip()
            self._forget()
            raise SandboxError(f"the sandbox does not start: {said[-500:] or error}") from error
        own = {(seen.st_dev, seen.st_ino) for seen in map(os.fstat, (self._inbox, self._outbox))}
        self._watchdog = Watchdog(self._roots, self._limits, self._cgroup.holds, self._folder, own)

    def ask(
        self, message: dict[str, Any], oracle: Callable[[dict], dict] | None = None
    ) -> tuple[dict[str, Any], float, float]:
        """See `Sandbox.ask`."""
        if not self.alive:
            raise DiedError("its process has ended before")
        before, newest = self._stopped, processes.newest()
        whole, clocked = self._cgroup.cpu_seconds(), processes.cpu_seconds(before)
        begun = time.monotonic()
        deadline = begun + min(self._limits.call, self._left)
        try:
            processes.resume(before)
            start = time.perf_counter()
            self._send(message, deadline)
            while "ask" in (answer := self._receive(deadline)) and oracle:
                self._send(oracle(answer), deadline)
            wall = time.perf_counter() - start
            self._stopped = processes.stop(*self._roots)
        except (channel.ChannelError, TimeoutError) as error:
            why = self._why(error, time.monotonic() >= deadline)
            self.close()
            raise DiedError(why) from error
        self._left -= time.monotonic() - begun
        self.last = answer
        if whole is not None:
            return answer, self._cgroup.cpu_seconds() - whole, wall
        cpu = processes.cpu_seconds(self._stopped) - clocked
        # Where processes came or went, their clocks tell too little. Others on this machine start processes too;
        # so one that cannot be seen any more is suspected only if the call waited for something.
        hidden = processes.newest() != newest and wall > SUSPECT * cpu
        return answer, max(cpu, wall) if hidden or set(before) != set(self._stopped) else cpu, wall

    def count(self, message: dict[str, Any], metric: str) -> tuple[dict[str, Any], float]:
        """See `Sandbox.count`."""
        before = list(self._stopped)
        if outside.by_strace(metric):
            maps = outside.mapped(before, self._began, os.fstat(self._inbox).st_dev)
            with traced(before, maps) as calls:
                answer, _, _ = self.ask(message)
            count = calls.of_metric(metric)
        else:
            old = outside.snapshot(before)
            answer, _, _ = self.ask(message)
            count = (outside.snapshot(self._stopped) - old)[metric]
        if set(before) != set(self._stopped):
            raise outside.UncountedError("it leaves processes behind")
        return answer, float(count)

    def write(self, arrays: list[tuple[int, np.ndarray]], size: int) -> None:
        """See `Sandbox.write`."""
        if not self.alive:
            raise DiedError("its process has ended before")
        if self._arguments is None or size > len(self._arguments):
            room = 1 << max(16, (size - 1).bit_length())
            os.ftruncate(self._inbox, room)
            self._arguments = mmap.mmap(self._inbox, room, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
            self.ask({"do": "map", "size": room})
        for offset, array in arrays:
            data = array.T if array.flags.f_contiguous and not array.flags.c_contiguous else array
            if array.size:
                flat = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
                np.frombuffer(self._arguments, np.uint8, flat.size, offset)[:] = flat

    def read(self, outbox: bool, offset: int, into: memoryview) -> None:
        """See `Sandbox.read`."""
        if not outbox:
            # The judge's own memory, mapped: to copy it through the kernel takes twice as long.
            into[:] = memoryview(self._arguments or b"")[offset : offset + len(into)]
            return
        while into:
            count = os.preadv(self._outbox, [into], offset)
            if not count:
                raise DiedError("an array that it did not write")
            into, offset = into[count:], offset + count

    def put(self, file: File) -> Path:
        """See `Sandbox.put`."""
        path = self._folder / secrets.token_hex(8)  # a name that nobody can have taken
        try:
            file.put(path)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise SandboxError(f"a file for the sandbox cannot be made: {error}") from error
        path.chmod(0o666)
        return path

    def inside(self, path: Path) -> str:
        """See `Sandbox.inside`."""
        return str(Path(self._place, path.name))

    def processes(self) -> list[int]:
        """See `Sandbox.processes`."""
        return list(self._stopped)

    def pin(self, cores: set[int]) -> None:
        """See `Sandbox.pin`."""
        for pid in self._stopped:
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(task), cores)

    def close(self) -> None:
        """See `Sandbox.close`."""
        if not self.alive:
            return
        if self._watchdog:
            self._watchdog.end()
        processes.kill(*self._roots)
        self._process.kill()
        self._process.wait()
        self._forget()

    def _fds(self) -> tuple[int, int, int]:
        """Return what the other side gets: the numbers of its end of the socket, and of the two memories."""
        return self._theirs.fileno(), self._inbox, self._outbox

    def _send(self, message: dict, deadline: float) -> None:
        self._link.settimeout(max(deadline - time.monotonic(), 1e-3))
        channel.send(self._link, message)

    def _receive(self, deadline: float) -> dict:
        # The limit holds for the whole message, byte by byte as it may come.
        return channel.receive(self._link, deadline)

    def _why(self, error: Exception, late: bool) -> str:
        if self._watchdog and self._watchdog.killed:
            return self._watchdog.killed
        if not late:
            return self._death(error)
        if self._left < self._limits.call:
            return f"it lasted more than {self._limits.wall:g} s in all"
        return f"it did not end within {self._limits.call:g} s"

    def _death(self, error: Exception) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if (code := self._code_of(self._process, self._roots)) is not None:
                # bubblewrap says a signal as shells do.
                signalled = code - 128 in signal.valid_signals()
                return f"it ended the process ({ending(128 - code if signalled else code)})"
        return f"it broke the connection ({error})"

    def _forget(self) -> None:
        if (stderr := getattr(self, "_process", None) and self._process.stderr) is not None:
            stderr.close()
        self._link.close()
        self._theirs.close()
        os.close(self._inbox)
        os.close(self._outbox)
        if self._roots:
            self._bury(self._roots)
            processes.gone(self._roots[0])
        self._cgroup.remove()
        scratch.remove(self._folder)
