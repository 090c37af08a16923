"""What a sandbox may use, and which of these limits this machine can enforce.

Control groups hold where they can be had: they count a sandbox as a whole. Elsewhere rlimits hold for each of its
processes, and a watchdog adds them up. A verdict records which it was.
"""

import contextlib
import os
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

from perflab.judge import processes

CGROUPS = Path("/sys/fs/cgroup")
WATCH = 0.25  # seconds between two looks of the watchdog


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use.

    Attributes
    ----------
    memory : int
        Bytes, of all its processes.
    processes : int
        Processes and threads at once.
    file : int
        Bytes of one file, and of its folder in all.
    cpu : int
        Seconds of CPU time of one process.
    call : float
        Seconds that one cell or one call may last.
    wall : float
        Seconds that everything may last.
    """

    memory: int = 4 << 30
    processes: int = 64
    file: int = 512 << 20
    cpu: int = 300
    call: float = 20.0
    wall: float = 240.0

    def prlimit(self) -> list[str]:
        """Return the command that sets the limits of one process and starts what follows."""
        address_space = 4 * self.memory  # Numba and OpenBLAS reserve much that they never touch
        return [
            "prlimit",
            f"--as={address_space}",
            f"--cpu={self.cpu}",
            f"--fsize={self.file}",
            f"--nproc={self.processes}",
            "--core=0",
            "--nofile=256",
            "--",
        ]


class Cgroup:
    """The control groups of one sandbox; falsy where none can be had.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._folders: list[Path] = []
        self._name = f"perflab-{uuid.uuid4().hex[:12]}"
        wanted = {"memory": ("memory", limits.memory), "pids": ("pids", limits.processes)}
        self.holds: dict[str, str] = {}
        for what, (controller, value) in wanted.items():
            with contextlib.suppress(OSError):
                self._make(controller, value)
                self.holds[what] = "cgroup"

    def _make(self, controller: str, value: int) -> None:
        second = _second_version()
        parent = second if second else CGROUPS / controller
        if parent is None or not os.access(parent, os.W_OK):
            raise OSError("no control groups")
        names = {"memory": "memory.max" if second else "memory.limit_in_bytes", "pids": "pids.max"}
        folder = parent / self._name
        folder.mkdir(exist_ok=True)
        if folder not in self._folders:
            self._folders.append(folder)
        (folder / names[controller]).write_text(str(value))
        if controller == "memory" and second:
            with contextlib.suppress(OSError):
                (folder / "memory.swap.max").write_text("0")

    def enter(self) -> list[str]:
        """Return the command that joins the groups and starts what follows."""
        if not self._folders:
            return []
        files = " ".join(str(folder / "cgroup.procs") for folder in self._folders)
        return ["/bin/sh", "-c", f'for f in {files}; do echo $$ > "$f" || exit 97; done; exec "$@"', "sandbox"]

    def remove(self) -> None:
        """Remove the groups; their processes are gone."""
        for folder in self._folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _second_version() -> Path | None:
    """Return this process's own group, if it is of version 2 and passes memory and pids on to its children."""
    with contextlib.suppress(OSError):
        own = next(
            line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")
        )
        folder = CGROUPS / own.strip("/")
        if {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
            return folder
    return None


class Watchdog:
    """Kills a sandbox that lasts too long, or takes too much memory where no control group counts it."""

    def __init__(self, pid: int, limits: Limits, count_memory: bool) -> None:
        self._pid, self._limits, self._count_memory = pid, limits, count_memory
        self._done = threading.Event()
        self.killed = ""  # why, in words
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        left = self._limits.wall
        while not self._done.wait(WATCH):
            left -= WATCH
            if left < 0:
                self.killed = f"it lasted more than {self._limits.wall:g} s in all"
            elif self._count_memory and _resident(processes.tree(self._pid)) > self._limits.memory:
                self.killed = f"it took more than {self._limits.memory >> 20} MiB of memory"
            if self.killed:
                processes.kill(self._pid)
                return

    def end(self) -> None:
        """Stop watching."""
        self._done.set()


def _resident(pids: list[int]) -> int:
    """Return the bytes of memory that processes hold."""
    pages = 0
    for one in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
