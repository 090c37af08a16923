"""A process that has imported what a sandbox needs, and becomes one by a fork as often as its judge asks.

To start Python and import Numba takes longer than most of what is examined. All sandboxes of one submission are
forks of one such process. It runs outside of them, and nothing of a student's ever comes here: a fork joins the
namespaces of a sandbox that stands empty, gives up all rights for good, and only then serves the judge.

Only root's forks do that. What a fork executes lies in the mounts outside, where the sandbox's read-only ones do
not protect it: the user that it becomes must be another than the one who owns these files.
"""

import contextlib
import ctypes
import errno
import gc
import json
import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from perflab.guest import filtering, shells, worker

MOST = 1 << 16  # bytes of a message
DESCRIPTORS = 5  # of a sandbox to be: socket, two memories, the process whose namespaces it joins, the filter
# From linux/prctl.h, linux/sched.h and linux/capability.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 36, 47, 4
NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # all but that of users
CAPABILITIES, CAPABILITY_VERSION = 64, 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def main(link: str) -> None:
    """Serve the judge on the descriptor of a socket until it is closed.

    A message is a JSON dictionary. ``{"ended": N}`` asks for the exit code of a fork, which is None if it goes on;
    its number stays its own, so that nobody takes another process for it, until ``{"bury": N}``. All others ask
    for a fork, see `_enter`; the answer is its number here, or an error.
    """
    _call(_libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL)
    # A fork's own parent ends at once, and with it whoever else could see how the fork ends.
    _call(_libc.prctl, PR_SET_CHILD_SUBREAPER, 1)
    shells.warm()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(link)) as connection:
        while True:
            data, descriptors, _, _ = socket.recv_fds(connection, MOST, DESCRIPTORS)
            if not data:
                return
            message = json.loads(data)
            if "ended" in message:
                answer = {"code": _code(message["ended"])}
            elif "bury" in message:
                os.waitpid(message["bury"], 0)
                answer = {}
            else:
                answer = _fork(message, descriptors)
            for one in descriptors:
                os.close(one)
            connection.send(json.dumps(answer).encode())


def _code(pid: int) -> int | None:
    """Return how a fork ended: its exit code, or minus the signal that killed it."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _fork(message: dict, descriptors: list[int]) -> dict:
    """Make a fork that becomes a sandbox's process; return its number."""
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        # The namespace of processes is that of the next fork.
        os.close(ours)
        _last_words(theirs, lambda: _enter(message, descriptors, theirs))
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        # Open until the fork has become what it is to be: both it and its parent may have said something.
        answers = [json.loads(line) for line in said]
    os.waitpid(pid, 0)
    failed = [one for one in answers if "error" in one]
    return (failed or answers or [{"error": "a fork ended early"}])[0]


def _enter(message: dict, descriptors: list[int], answer: int) -> None:
    """Join the control groups and namespaces of an empty sandbox; fork once more in there.

    Parameters
    ----------
    message : dict
        "groups": files of control groups to write to; "nobody": the user to become; "folder": where to stand;
        "shell": see `perflab.guest.worker.main`.
    descriptors : list of int
    answer : int
        Where to say the number of the fork.
    """
    link, inbox, outbox, target, filter_ = descriptors
    for file in message["groups"]:
        Path(file).write_text("0")
    _call(_libc.setns, target, NAMESPACES)
    if (pid := os.fork()) == 0:
        program = os.pread(filter_, MOST, 0)
        _last_words(answer, lambda: _become(message, program, {link, inbox, outbox, answer}))
        os.close(answer)
        worker.main(*map(str, (link, inbox, outbox)), message["shell"])
        os._exit(0)
    _say(answer, {"pid": pid})
    os._exit(0)


def _become(message: dict, program: bytes, kept: set[int]) -> None:
    """Be nobody: no rights, no way back, no descriptors but those of the judge, and the filter over all of it."""
    os.setsid()
    os.chdir(message["folder"])
    for one in range(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0]):
        if one not in kept:
            with contextlib.suppress(OSError):
                os.close(one)
    _call(_libc.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for one in range(CAPABILITIES):
        if _libc.prctl(PR_CAPBSET_DROP, one, 0, 0, 0) and ctypes.get_errno() != errno.EINVAL:  # there are no more
            raise OSError(ctypes.get_errno(), "a capability stays")
    os.setgroups([])
    os.setresgid(*[message["nobody"]] * 3)
    os.setresuid(*[message["nobody"]] * 3)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _call(_libc.capset, ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
    # It may look at itself in /proc, as after an execve.
    _call(_libc.prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
    filtering.load(program)


def _last_words(answer: int, do: Callable[[], None]) -> None:
    """Do something in a fork; if that fails say why, and end: a fork with rights must not go on."""
    try:
        do()
    except BaseException as error:
        _say(answer, {"error": f"{type(error).__name__}: {error}"})
        os._exit(1)


def _say(answer: int, what: dict) -> None:
    os.write(answer, json.dumps(what).encode() + b"\n")


def _call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")
