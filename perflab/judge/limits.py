"""What a sandbox may use, and which of these limits this machine can enforce.

Control groups hold where they can be had: they count a sandbox as a whole. Elsewhere rlimits hold for each of its
processes, and a watchdog adds them up. A verdict records which it was.
"""

import contextlib
import os
import resource
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from perflab.judge import processes, scratch

CGROUPS = Path("/sys/fs/cgroup")
WATCH = 0.25  # seconds between two looks of the watchdog
GONE = 2.0  # seconds until the kernel has let go of killed processes
GROUP = scratch.NAME  # before the number of the grader, as folders have it
BRAKE = 1000  # processes and threads of other sandboxes that may start later
RESERVE = 1 << 30  # bytes of a disk that no sandbox may use up


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
        Bytes of one file, and of all files in one of its folders.
    cpu : int
        Seconds of CPU time of one process.
    call : float
        Seconds that one cell or one call may last.
    wall : float
        Seconds that it may run in all; it does not while the judge has stopped it.
    """

    memory: int = 4 << 30
    processes: int = 64
    file: int = 512 << 20
    cpu: int = 300
    call: float = 20.0
    wall: float = 240.0

    def prlimit(self, user: int | None) -> list[str]:
        """Return the command that sets the limits of one process and starts what follows.

        Parameters
        ----------
        user : int, optional
            Whose processes the kernel is to count; by default nobody's, where a control group does.
        """
        address_space = 4 * self.memory  # Numba and OpenBLAS reserve much that they never touch
        words = ["prlimit", f"--as={address_space}", f"--cpu={self.cpu}", f"--fsize={self.file}", "--core=0"]
        # The judge's own work has a limit that is not that of a sandbox.
        words.append(f"--data={_most(resource.RLIMIT_DATA)}")
        if user is not None:
            # It counts all that a user has, other sandboxes too: a brake, until the watchdog comes.
            words.append(f"--nproc={self.processes + processes.tasks_of(user) + BRAKE}")
        return [*words, "--nofile=256", "--"]


class Cgroup:
    """The control groups of one sandbox; falsy where none can be had.

    Parameters
    ----------
    limits : Limits

    Attributes
    ----------
    folders : list of Path
        One for each hierarchy.
    holds : dict
        What is limited or counted by them.
    """

    def __init__(self, limits: Limits) -> None:
        self.folders: list[Path] = []
        self._clock: int | None = None
        self._name = f"{GROUP}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self.holds: dict[str, str] = {}
        # CPU time is counted, not limited.
        for controller, value in (("memory", limits.memory), ("pids", limits.processes), ("cpuacct", None)):
            with contextlib.suppress(OSError):
                self._make(controller, value)
                self.holds[controller] = "cgroup"

    def _make(self, controller: str, value: int | None) -> None:
        second = _second_version()
        parent = second if second else CGROUPS / controller
        if parent is None or not os.access(parent, os.W_OK):
            raise OSError("no control groups")
        names = {"memory": "memory.max" if second else "memory.limit_in_bytes", "pids": "pids.max"}
        self._usage = "cpu.stat" if second else "cpuacct.usage"
        for left in filter(scratch.abandoned, parent.glob(f"{GROUP}*")):
            with contextlib.suppress(OSError):
                left.rmdir()
        folder = parent / self._name
        folder.mkdir(exist_ok=True)
        if folder not in self.folders:
            self.folders.append(folder)
        if value is not None:
            (folder / names[controller]).write_text(str(value))
        if controller == "memory" and second:
            with contextlib.suppress(OSError):
                (folder / "memory.swap.max").write_text("0")

    def cpu_seconds(self) -> float | None:
        """Return the CPU time of all that ever ran in the group, or None where that is not counted."""
        if "cpuacct" not in self.holds:
            return None
        if self._clock is None:
            # It stays open: it is read around each call.
            self._clock = os.open(self.folders[-1] / self._usage, os.O_RDONLY | os.O_CLOEXEC)
        words = os.pread(self._clock, 4096, 0).split()
        return int(words[1]) * 1e-6 if len(words) > 1 else int(words[0]) * 1e-9

    def enter(self) -> list[str]:
        """Return the command that joins the groups and starts what follows."""
        if not self.folders:
            return []
        files = " ".join(str(folder / "cgroup.procs") for folder in self.folders)
        return ["/bin/sh", "-c", f'for f in {files}; do echo $$ > "$f" || exit 97; done; exec "$@"', "sandbox"]

    def remove(self) -> None:
        """Remove the groups; their processes are gone, or about to be."""
        if self._clock is not None:
            os.close(self._clock)
            self._clock = None
        _remove(self.folders)


def remove_of(process: int) -> None:
    """Remove the control groups that a grader's process has left that is gone."""
    second = _second_version()
    parents = [second] if second else [CGROUPS / name for name in ("memory", "pids", "cpuacct")]
    _remove([left for parent in parents for left in parent.glob(f"{GROUP}{process}-*")])


def _remove(folders: list[Path]) -> None:
    deadline = time.monotonic() + GONE
    for folder in folders:
        while folder.exists() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.002)


def _most(which: int) -> str:
    """Return the hard limit of this process as prlimit takes it."""
    _, most = resource.getrlimit(which)
    return "unlimited" if most == resource.RLIM_INFINITY else str(most)


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
    """Kills a sandbox that takes too much of a disk, or of what no control group counts.

    Parameters
    ----------
    roots : list of int
        Processes from which all others descend.
    limits : Limits
    counted : dict
        What control groups hold: "memory", "pids".
    folder : Path or None
        Its folder on a disk.
    known : set of (int, int)
        Device and inode of files that are the judge's own.

    Attributes
    ----------
    killed : str
        Why, in words; empty as long as it is not.
    """

    def __init__(
        self,
        roots: list[int],
        limits: Limits,
        counted: dict[str, str],
        folder: Path | None,
        known: set[tuple[int, int]],
    ) -> None:
        self._roots, self._limits, self._counted = roots, limits, counted
        self._folder, self._known = folder, known
        self._done = threading.Event()
        self.killed = ""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._done.wait(WATCH):
            self.killed = self._excess(processes.tree(*self._roots))
            if self.killed:
                processes.kill(*self._roots)
                return

    def _excess(self, pids: list[int]) -> str:
        """Say what is too much, or nothing."""
        if "memory" not in self._counted and _exceeds(pids, self._limits.memory):
            return f"it took more than {self._limits.memory >> 20} MiB of memory"
        if "pids" not in self._counted and processes.tasks(pids) > self._limits.processes:
            return f"it started more than {self._limits.processes} processes and threads"
        if self._folder is None:
            return ""
        try:
            if scratch.taken(self._folder, pids, self._known) > self._limits.file:
                return f"its files took more than {self._limits.file >> 20} MiB"
            # Files can hide from a count. Who fills the disk with them stops before it is full.
            disk = os.statvfs(self._folder)
        except scratch.OverfullError as error:
            return f"it made {error}"
        except OSError:
            return ""
        if disk.f_bavail * disk.f_frsize < RESERVE and _written(pids) > self._limits.file:
            return "it filled the disk"
        return ""

    def end(self) -> None:
        """Stop watching."""
        self._done.set()


def _exceeds(pids: list[int], limit: int) -> bool:
    """Tell whether processes hold more memory than `limit` bytes."""
    pages = 0
    for one in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    if pages * os.sysconf("SC_PAGE_SIZE") <= limit:
        return False
    # That counted what they share many times. To count it once takes a millisecond for each.
    shares = 0
    for one in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            shares += int(Path(f"/proc/{one}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
    return shares << 10 > limit


def _written(pids: list[int]) -> int:
    """Return the bytes that processes have written to disks so far."""
    total = 0
    for one in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{one}/io").read_text().partition("\nwrite_bytes:")[2].split()[0])
    return total
