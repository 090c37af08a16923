"""The default sandbox: bubblewrap with no network, a read-only system and an unprivileged user."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import perflab
from perflab.judge import scratch, seccomp
from perflab.judge.library import GUEST, WORKER, boot, library
from perflab.judge.limits import Limits
from perflab.judge.process import ProcessSandbox
from perflab.judge.sandbox import NoSandboxError, Sandbox, Shell, Start
from perflab.judge.zygote import Zygote, ZygoteError, may_hurry

NOBODY = 65534
KEEPER = 65533  # who keeps a sandbox open: another than who lives in it, and may neither look at it nor end it
ENVIRONMENT = {
    **{"PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": scratch.PLACE, "LANG": "C.UTF-8"},
    "OMP_NUM_THREADS": "1",
    # Numba counts the cores of its process when it is imported, and a grader keeps to one.
    "NUMBA_NUM_THREADS": str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "1",
}
# What keeps a sandbox open until a fork has come to live in it.
READY = b"ready"
EMPTY = ["/bin/sh", "-c", f"echo {READY.decode()} >&2; exec sleep infinity 2>/dev/null"]

# One at most, for the submission that comes next: by its limits, and by what it is to lack.
_ahead: dict[tuple[Limits, tuple[str, ...]], Zygote] = {}
_cold: list[str] = []  # why forks cannot enter sandboxes on this machine, once that is known


@cache
def missing() -> str | None:
    """Say what stands in the way of this sandbox, or return None."""
    if sys.platform != "linux":
        return "bubblewrap needs Linux; grade on a Linux machine or in a virtual one"
    absent = [name for name in ("bwrap", "prlimit", "setpriv") if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)} here; on Debian and Ubuntu: apt-get install bubblewrap util-linux"
    user = [] if os.geteuid() == 0 else ["--unshare-user", "--disable-userns"]
    trial = ["bwrap", *user, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
    tried = subprocess.run(trial, check=False, capture_output=True, text=True)
    if tried.returncode:
        return f"bubblewrap may not make namespaces here ({tried.stderr.strip()}); allow them, or use podman"
    return None


def start(
    limits: Limits, shell: Shell, forbids: tuple[str, ...] = (), zygote: Zygote | None = None
) -> ProcessSandbox:
    """Start a sandbox by bubblewrap.

    Parameters
    ----------
    limits : Limits
    shell : {"notebook", "plain"}
    forbids : tuple of str
        Modules that it lacks.
    zygote : Zygote, optional
        Whose fork serves the judge in there; by default a Python of its own.

    Raises
    ------
    NoSandboxError
        If there is no bubblewrap.
    SandboxError
        If it does not start.
    """
    if why := missing():
        raise NoSandboxError(f"no sandbox: {why}")
    root = os.geteuid() == 0
    owner = NOBODY if root else None
    info, told = os.pipe()
    files = scratch.make(owner)
    where = str(zygote.library) if zygote else GUEST
    # A fork loads the filter long after this.
    filter_ = seccomp.program()

    def command(*fds: int) -> tuple[list[str], tuple[int, ...]]:
        who = KEEPER if zygote else NOBODY
        words = _bwrap(limits, library(forbids), where, files, filter_.fileno(), told, who)
        if zygote:
            return [*words, *EMPTY], (filter_.fileno(), told)
        return [*words, *boot(GUEST, WORKER, *fds, shell)], (*fds, filter_.fileno(), told)

    def roots_of(process: subprocess.Popen, *rest: Any) -> list[int]:
        with filter_, os.fdopen(info) as said:
            first = json.loads(said.read())["child-pid"]
            if zygote is None:
                return [first]
            assert process.stderr is not None
            *fds, groups = rest
            if not process.stderr.readline().startswith(READY):
                raise ValueError("it was not made")
            try:
                fork = zygote.fork(first, groups, scratch.PLACE, shell, (*fds, filter_.fileno()))
            except ZygoteError as error:
                _cold.append(str(error))  # the next try starts a Python of its own
                raise ValueError(f"no fork enters it: {error}") from error
            return [first, fork]

    def code_of(process: subprocess.Popen, roots: list[int]) -> int | None:
        return zygote.code(roots[-1]) if zygote else process.wait(timeout=1)

    def bury(roots: list[int]) -> None:
        if zygote:
            zygote.bury(roots[-1])

    user = f"uid {NOBODY}" if root else "user namespace"
    in_force = {"sandbox": "bubblewrap", "user": user, "system calls": "seccomp", "network": "none"}
    in_force["process"] = "a fork of this submission's own" if zygote else "its own"
    try:
        return ProcessSandbox(limits, command, roots_of, in_force, files, scratch.PLACE, owner, code_of, bury)
    finally:
        os.close(told)


@contextmanager
def kin(limits: Limits, forbids: tuple[str, ...], more: bool = False) -> Iterator[Start]:
    """Yield what starts the sandboxes of one submission: for root, forks of a process of its own if that works.

    Parameters
    ----------
    limits : Limits
    forbids : tuple of str
        Modules that most of them lack.
    more : bool
        Whether another submission follows. Its process starts meanwhile, in time that this one leaves.
    """
    if _cold or os.geteuid() != 0:
        end_ahead()
        yield partial(start, limits)
        return
    with _zygote(limits, forbids) as zygote:
        if more and may_hurry():
            _ahead[limits, forbids] = Zygote(limits, library(forbids), ENVIRONMENT, NOBODY)
            _ahead[limits, forbids].wait()

        def warm(shell: Shell, forbids: tuple[str, ...]) -> Sandbox:
            return start(limits, shell, forbids, zygote)

        yield warm


def _zygote(limits: Limits, forbids: tuple[str, ...]) -> Zygote:
    """Return a process for a submission: the one that was started ahead, if it is of the right kind."""
    kind = limits, forbids
    if kind in _ahead and _ahead[kind].alive:
        zygote = _ahead.pop(kind)
        zygote.hurry()
        return zygote
    end_ahead()
    return Zygote(limits, library(forbids), ENVIRONMENT, NOBODY)


def end_ahead() -> None:
    """End what was started for a submission that did not come."""
    while _ahead:
        _ahead.popitem()[1].end()


def _bwrap(
    limits: Limits, copy: Path, where: str, files: Path, filter_: int, info: int, who: int = NOBODY
) -> list[str]:
    """Return bubblewrap's command up to the program, which root starts as `who`."""
    root = os.geteuid() == 0
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if root:
        # No user namespace: the program becomes nobody for good, on the host too.
        command += ["--cap-drop", "ALL"]
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            command += ["--cap-add", capability]
    else:
        command += ["--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    command += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    memory = ["--perms", "1777", "--size", str(limits.file), "--tmpfs"]
    command += [*memory, "/tmp", *_system()]
    for parent in reversed(Path(where).parents[:-1]):
        command += ["--perms", "0755", "--dir", str(parent)]
    command += ["--ro-bind", str(copy), where]
    command += ["--proc", "/proc", "--dev", "/dev", *memory, "/dev/shm", "--bind", str(files), scratch.PLACE]
    # The first process is bubblewrap, of the same user where root does not grade. Its words name folders outside.
    command += ["--size", "4096", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"]
    # What is left of both belongs to the sandbox's user, without a bound on its size.
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", scratch.PLACE]
    command += ["--seccomp", str(filter_), "--info-fd", str(info)]
    if root:
        command += ["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups"]
        command += ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    return command


def _system() -> list[str]:
    """Return what shows the system's programs and this Python, read-only."""
    words: list[str] = []
    made: set[Path] = set()
    folders = list(dict.fromkeys(Path(place).resolve() for place in ("/usr", sys.base_prefix, sys.prefix)))
    for folder in folders:
        if folder != folders[0] and folder.is_relative_to(folders[0]):
            continue
        for parent in reversed(folder.parents):
            if parent not in made and str(parent) not in ("/", "/tmp"):
                made.add(parent)
                words += ["--perms", "0755", "--dir", str(parent)]
        words += ["--ro-bind", str(folder), str(folder)]
    package = Path(perflab.__file__).resolve().parent
    if any(package.is_relative_to(folder) for folder in folders):
        # Installed among the other packages it would be there with all that grades.
        words += ["--perms", "0755", "--size", "4096", "--tmpfs", str(package), "--remount-ro", str(package)]
    for name in ("lib", "lib64", "lib32", "bin", "sbin"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    words += ["--perms", "0755", "--dir", "/etc", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    return words
