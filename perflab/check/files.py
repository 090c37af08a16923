"""Files and pipes as arguments: each run gets a private one, and what a file holds afterwards is compared."""

import fcntl
import os
import shutil
import stat
import tempfile
import weakref
from pathlib import Path
from typing import Any

MOST_BYTES = 256 << 20  # of one file: what a run leaves behind is read into memory
MOST_WAITING = 1 << 20  # bytes in a pipe: Linux gives no more to a user, unless its administrator says so


class File:
    """A file as an argument of a function under test, which gets its path.

    Made by `file`. What a maker returns has a content and no path yet; what a function gets lies on a disk, and
    does what a `pathlib.Path` does: ``open(file)``, ``os.open(file, flags)``, ``np.memmap(file)``.

    Attributes
    ----------
    path : Path or None
        Where it lies.
    """

    __slots__ = ("__weakref__", "_content", "path")

    def __init__(self, content: bytes, path: Path | None = None) -> None:
        self._content, self.path = content, path

    def __fspath__(self) -> str:
        if self.path is None:
            raise TypeError("this file has not been laid out yet: pass it to a check")
        return str(self.path)

    def __str__(self) -> str:
        return repr(self) if self.path is None else str(self.path)

    def __getattr__(self, name: str) -> Any:
        # Whoever takes a path may ask it more than where it lies: NumPy resolves it, a learner asks for its size.
        if name.startswith("_") or self.path is None:
            raise AttributeError(f"a file has no {name!r}")
        return getattr(self.path, name)

    def __repr__(self) -> str:
        return f"<file of {len(self.content()):,} bytes>"

    def content(self) -> bytes:
        """Return what it holds now; a file that was removed holds nothing.

        Raises
        ------
        TypeError
            If there is no plain file at its path any more, or one of more than 256 MiB.
        """
        return self._content if self.path is None else read(self.path)

    def put(self, path: Path) -> None:
        """Make a new file of what this one was made with."""
        with open(path, "xb") as file:
            file.write(self._content)

    def lay_out(self) -> "File":
        """Return a private copy where temporary files go; it goes when nobody holds it any more."""
        path = Path(tempfile.mkdtemp(prefix="perflab-"), "file")
        twin = type(self)(self.content(), path)
        weakref.finalize(twin, shutil.rmtree, path.parent, ignore_errors=True)
        twin.put(path)
        return twin


class Pipe(File):
    """A named pipe as an argument of a function under test, which gets its path.

    Made by `pipe`. All its bytes wait in it from the start. What was taken out is gone, so none of the calls that
    say where to read work on it: a function that copies has to go through it in order.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<pipe with {len(self._content):,} bytes>"

    def content(self) -> bytes:
        """Return what waited in it; nobody can look at what still does without taking it."""
        return self._content

    def put(self, path: Path) -> None:
        """Make a new pipe in which the bytes wait for as long as this object lives.

        Raises
        ------
        OSError
            If the system lets so many bytes wait in no pipe.
        """
        os.mkfifo(path)
        held = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # what waits in a pipe that nobody holds is lost
        weakref.finalize(self, os.close, held)
        size = len(self._content)
        if size > fcntl.fcntl(held, fcntl.F_GETPIPE_SZ):
            fcntl.fcntl(held, fcntl.F_SETPIPE_SZ, size)
        if size and os.write(held, self._content) < size:
            raise OSError(f"{size:,} bytes do not fit into a pipe of this system")


def file(content: bytes = b"") -> File:
    """Return a file that a maker can give to a function under test.

    Parameters
    ----------
    content : bytes
        What it holds when the function is called.

    Raises
    ------
    TypeError
        If the content is no bytes.
    """
    if not isinstance(content, bytes):
        raise TypeError(f"file: expected bytes, got a {type(content).__name__}; encode text, e.g. by .encode()")
    return File(content)


def pipe(content: bytes) -> Pipe:
    """Return a pipe that a maker can give to a function under test.

    Parameters
    ----------
    content : bytes
        What waits in it when the function is called, 1 MiB at most. Whoever reads on waits forever, or is told so
        (``os.O_NONBLOCK``): there is no end of the file.

    Raises
    ------
    TypeError
        If the content is no bytes.
    ValueError
        If it is more than fits.
    """
    if not isinstance(content, bytes):
        raise TypeError(f"pipe: expected bytes, got a {type(content).__name__}; encode text, e.g. by .encode()")
    if len(content) > MOST_WAITING:
        raise ValueError(f"pipe: at most {MOST_WAITING:,} bytes wait in one, got {len(content):,}")
    return Pipe(content)


def read(path: Path) -> bytes:
    """Return the bytes of a plain file that somebody else may have changed into anything."""
    flags = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
    try:
        number = os.open(path, flags)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise TypeError(f"no plain file any more ({error.strerror}); write to the file that is there") from error
    try:
        about = os.fstat(number)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise TypeError(f"no plain file of at most {MOST_BYTES >> 20} MiB any more")
        with open(number, "rb", closefd=False) as opened:
            return opened.read(MOST_BYTES)
    finally:
        os.close(number)
