"""A sandbox by Podman, for machines where bubblewrap may not make namespaces. Not tried yet: see the book."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from perflab.judge import scratch
from perflab.judge.library import GUEST, WORKER, boot, library
from perflab.judge.limits import Limits
from perflab.judge.process import ProcessSandbox
from perflab.judge.sandbox import NoSandboxError, Sandbox, Shell

IMAGE = "perflab-sandbox"  # Python with the packages of requirements.txt
FIRST = 3  # podman hands down descriptors from here on


def missing() -> str | None:
    """Say what stands in the way of this sandbox, or return None."""
    if shutil.which("podman") is None:
        return "no podman here; on Debian and Ubuntu: apt-get install podman"
    if subprocess.run(["podman", "image", "exists", IMAGE], check=False, capture_output=True).returncode:
        return f"podman has no image {IMAGE}; build one with Python and the packages of requirements.txt"
    return None


def start(limits: Limits, shell: Shell, forbids: tuple[str, ...] = ()) -> Sandbox:
    """Start a sandbox by Podman.

    Raises
    ------
    NoSandboxError
        If there is no podman, or no image.
    SandboxError
        If it does not start.
    """
    if why := missing():
        raise NoSandboxError(f"no sandbox: {why}")
    files = scratch.make()
    told = Path(tempfile.mkdtemp(prefix="perflab-"), "pid")

    def command(*fds: int) -> tuple[list[str], tuple[int, ...]]:
        numbers = tuple(range(FIRST, FIRST + len(fds)))
        inner = ["python", *boot(GUEST, WORKER, *numbers, shell)[1:]]
        # The shell moves the descriptors to where podman expects them.
        moves = " ".join(f"{number}<&{fd}" for number, fd in zip(numbers, fds, strict=True))
        words = [*_podman(limits, library(forbids), files, told, len(fds)), *inner]
        return ["/bin/sh", "-c", f'exec "$@" {moves}', "podman", *words], fds

    def roots_of(process: subprocess.Popen, *_: object) -> list[int]:
        while process.poll() is None:
            if told.exists() and (text := told.read_text()):
                return [int(text)]
        raise ValueError("podman ended")

    in_force = {"sandbox": "podman", "user": "user namespace", "system calls": "seccomp", "network": "none"}
    return ProcessSandbox(limits, command, roots_of, in_force, files, scratch.PLACE)


def _podman(limits: Limits, copy: Path, files: Path, told: Path, fds: int) -> list[str]:
    """Return podman's command up to the program."""
    return [
        *("podman", "run", "--rm", "--network=none", "--read-only", "--cap-drop=all"),
        *("--security-opt=no-new-privileges", "--userns=keep-id", f"--user={os.getuid()}"),
        *(f"--pids-limit={limits.processes}", f"--memory={limits.memory}", f"--memory-swap={limits.memory}"),
        *(f"--tmpfs=/tmp:rw,size={limits.file},mode=1777", f"--volume={copy}:{GUEST}:ro"),
        *(f"--volume={files}:{scratch.PLACE}", f"--env=TMPDIR={scratch.PLACE}"),
        *("--env=HOME=/tmp", "--env=OMP_NUM_THREADS=1", "--workdir=/tmp"),
        *(f"--preserve-fds={fds}", f"--pidfile={told}", IMAGE),
    ]
