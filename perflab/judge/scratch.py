"""The folder on a disk where code in a sandbox reads and writes files, and what it takes there.

An unprivileged grader can set no quota, so a watchdog measures. It counts what the folder shows, and files that no
folder shows any more but that a process still holds: they take room until they are closed.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from pathlib import Path

PLACES = ("/var/tmp", tempfile.gettempdir())  # the first is on a disk by custom, the second may be in memory
PLACE = "/scratch"  # where a sandbox finds it
MOST_FILES = 20_000
MOST_LEVELS = 32
BLOCK = 512  # bytes, of st_blocks
NAME = "perflab-scratch-"  # then the grader's process
ABANDONED = 3600.0  # seconds


class OverfullError(Exception):
    """There are more files than allowed, or such as cannot be counted; the text says which."""


def make(owner: int | None = None) -> Path:
    """Make an empty folder on a disk, in one that other users of this machine cannot enter.

    Parameters
    ----------
    owner : int, optional
        User and group id to give it to; root only.
    """
    place = next(place for place in PLACES if os.access(place, os.W_OK | os.X_OK))
    for left in Path(place).glob(f"{NAME}*"):
        if abandoned(left):
            remove(left / "files")
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-", dir=place), "files")
    folder.mkdir(mode=0o755)
    if owner is not None:
        os.chown(folder, owner, owner)
    return folder


def remove_of(process: int) -> None:
    """Remove what a grader's process has left that is gone."""
    for place in PLACES:
        for left in Path(place).glob(f"{NAME}{process}-*"):
            remove(left / "files")


def abandoned(folder: Path) -> bool:
    """Tell whether a folder that has a grader's process in its name is what a killed one left behind."""
    process = folder.name.removeprefix(NAME).partition("-")[0]
    try:
        seen = folder.lstat()
    except OSError:
        return False
    old = time.time() - seen.st_mtime > ABANDONED
    return old and seen.st_uid == os.geteuid() and process.isdecimal() and not Path("/proc", process).exists()


def taken(folder: Path, pids: list[int], known: set[tuple[int, int]]) -> int:
    """Return the bytes of a folder's files, and of files without a name that processes hold open.

    Parameters
    ----------
    folder : Path
    pids : list of int
    known : set of (int, int)
        Device and inode of files that do not count.

    Raises
    ------
    OverfullError
        If there are more than `MOST_FILES` or `MOST_LEVELS`, or a folder cannot be looked into.
    """
    return _named(folder) + _nameless(pids, known)


def _named(folder: Path) -> int:
    total = files = 0
    queue = [(str(folder), 0)]
    while queue:
        path, level = queue.pop()
        if level > MOST_LEVELS:
            raise OverfullError(f"more than {MOST_LEVELS} levels of folders")
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    files += 1
                    if files > MOST_FILES:
                        raise OverfullError(f"more than {MOST_FILES:,} files")
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                        if entry.is_dir(follow_symlinks=False):
                            queue.append((entry.path, level + 1))
        except FileNotFoundError:
            continue  # gone meanwhile
        except PermissionError as error:
            raise OverfullError("a folder that nobody may look into") from error
    return total


def _nameless(pids: list[int], known: set[tuple[int, int]]) -> int:
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    seen = entry.stat()
                    if seen.st_nlink == 0:
                        sizes[seen.st_dev, seen.st_ino] = seen.st_blocks * BLOCK
    return sum(size for which, size in sizes.items() if which not in known)


def remove(folder: Path) -> None:
    """Remove what `make` made, whatever has become of it."""
    try:
        folder.rmdir()  # most are empty
    except OSError:
        # Deep folders and odd permissions are a matter of course for these, and not for shutil.
        for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            words = [*command, "--", str(folder)]
            subprocess.run(words, check=False, capture_output=True, env={"PATH": os.defpath})
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
