"""Unpack an archive that strangers have filled: what is not a plain file of a sensible size stays in it."""

import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

ZIP, XZ = (".zip",), (".tar.xz", ".txz")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", *XZ)
CLOSED = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst", ".tar.zst", ".lz", ".z", ".cab", ".arj", ".iso", ".dmg")
DRIVE = re.compile(r"[A-Za-z]:")
ENTRIES = 100_000  # of one archive; a class of 10,000 has no more
CHUNK = 1 << 20
MOST = 8 << 30  # bytes of a tar archive: what is skipped has to be unpacked too
MOST_DICTIONARY = 256 << 20  # bytes of memory to unpack .xz; what `xz -9` has packed takes 65 MiB


@dataclass(frozen=True)
class Bounds:
    """What one student may fill.

    Attributes
    ----------
    file, total : int
        Bytes of a file, and of all.
    files : int
    ratio : int
        Unpacked bytes for each packed one, of a file beyond a mebibyte: text reaches 20, a bomb 1000.
    """

    file: int = 20 << 20
    total: int = 100 << 20
    files: int = 200
    ratio: int = 200


@dataclass
class Unpacked:
    """What came out of an archive.

    Attributes
    ----------
    files : list of Path
    came : dict of datetime
        When the entry of the outermost archive was written, by file. A file's own time says when it was changed.
    refused : list of str
        A sentence for each entry that stayed inside.
    """

    files: list[Path] = field(default_factory=list)
    came: dict[Path, datetime] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Entry:
    """One member: its name, what is wrong with its kind, its sizes, when it was changed, how to read it."""

    name: str
    objection: str
    size: int
    packed: int
    changed: datetime
    read: Callable[[], IO[bytes]]


class _RefusedError(Exception):
    """An entry that must stay inside; the text says why."""


def is_archive(name: str) -> bool:
    """Tell whether a file of that name is unpacked."""
    return name.lower().endswith((*ZIP, *TAR))


def is_closed(name: str) -> bool:
    """Tell whether a file of that name is an archive of a kind that is not unpacked."""
    return name.lower().endswith(CLOSED) and not is_archive(name)


def stem(name: str) -> str:
    """Return the name of an archive without what says its kind."""
    ending = max((e for e in (*ZIP, *TAR) if name.lower().endswith(e)), key=len, default="")
    return name.removesuffix(name[len(name) - len(ending) :]) if ending else name


def unpack(archive: Path, folder: Path, owner: Callable[[str], str], bounds: Bounds | None = None) -> Unpacked:
    """Unpack an archive into a folder; an archive in it, too, once.

    Parameters
    ----------
    archive : Path
    folder : Path
        Made if needed; nothing in it is overwritten.
    owner : callable
        ``owner(name)`` returns whose entry that is: bounds hold for each of them alone.
    bounds : Bounds, optional

    Returns
    -------
    Unpacked
        Nothing is raised: a file that is no archive is refused as a whole, in a sentence.
    """
    done = Unpacked()
    _Unpacking(folder, owner, bounds or Bounds(), done).run(archive, archive.name, PurePosixPath(), None, "")
    return done


class _Unpacking:
    """The state of one call."""

    def __init__(self, folder: Path, owner: Callable[[str], str], bounds: Bounds, done: Unpacked) -> None:
        self._folder, self._owner, self._bounds, self._done = folder, owner, bounds, done
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def run(self, archive: Path, called: str, where: PurePosixPath, when: datetime | None, whose: str) -> None:
        """Unpack one archive; of one in an archive, the time and the owner are those of its entry."""
        try:
            with closing(_Reader(archive)) as reader:
                for number, entry in enumerate(reader.entries()):
                    if number >= ENTRIES:
                        raise _RefusedError(f"it has more than {ENTRIES:,} entries")
                    self._one(entry, called, where, when, whose)
        except _RefusedError as why:
            self._refuse(called, "", str(why))
        except Exception as error:  # whatever a damaged archive makes its reader raise
            self._refuse(called, "", f"it cannot be read ({type(error).__name__}: {error})")

    def _one(self, entry: _Entry, called: str, where: PurePosixPath, when: datetime | None, whose: str) -> None:
        try:
            path = where / _plain(entry)
            who = whose or self._owner(str(path))
            target = self._folder / path
            self._write(entry, target, who)
        except _RefusedError as why:
            self._refuse(called, entry.name, str(why))
            return
        except FileExistsError:
            self._refuse(called, entry.name, "a file of that name is there already")
            return
        except Exception as error:  # e.g. a wrong checksum, an unknown compression, a name too long
            self._refuse(called, entry.name, f"it cannot be read ({type(error).__name__}: {error})")
            return
        os.utime(target, (entry.changed.timestamp(), entry.changed.timestamp()))
        came = when or entry.changed
        if not is_archive(target.name):
            self._done.files.append(target)
            self._done.came[target] = came
        elif not whose:
            self.run(target, f"{called}: {entry.name}", path.parent / stem(target.name), came, who)
            target.unlink()
        else:
            target.unlink()
            self._refuse(called, entry.name, "it is an archive in an archive in an archive")

    def _write(self, entry: _Entry, target: Path, who: str) -> None:
        bounds = self._bounds
        if self._files[who] >= bounds.files:
            raise _RefusedError(f"{who} has more than {bounds.files} files")
        if entry.size > bounds.file:
            raise _RefusedError(f"it is larger than {bounds.file >> 20} MiB")
        if entry.size > max(CHUNK, bounds.ratio * entry.packed):
            raise _RefusedError(f"it grows more than {bounds.ratio} times when it is unpacked")
        left = min(bounds.file, bounds.total - self._bytes[who])
        target.parent.mkdir(parents=True, exist_ok=True)
        # Nothing that is there is followed or overwritten.
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        try:
            with os.fdopen(file, "wb") as out, entry.read() as source:
                while chunk := source.read(CHUNK):
                    # What a header says of the size need not be true.
                    left -= len(chunk)
                    self._bytes[who] += len(chunk)
                    if left < 0:
                        raise _RefusedError(f"with it {who} has more than is allowed: {bounds.total >> 20} MiB")
                    out.write(chunk)
        except BaseException:
            target.unlink()
            raise
        self._files[who] += 1

    def _refuse(self, called: str, name: str, why: str) -> None:
        inside = f", {name!r}" if name else ""
        self._done.refused.append(f"{called}{inside} was left in its archive: {why}.")


class _Reader:
    """The entries of a zip or tar archive."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._tar: tarfile.TarFile | None = None
        self._file: IO[bytes] | None = None
        if path.name.lower().endswith(ZIP):
            self._zip = zipfile.ZipFile(path)
        else:
            self._file = _tar_file(path)
            # Read once, from front to back, by whatever compression its first bytes name.
            self._tar = tarfile.open(fileobj=self._file, mode="r|*")  # noqa: SIM115  closed below
            self._packed = path.stat().st_size

    def entries(self) -> Iterator[_Entry]:
        """Yield all but folders."""
        if self._zip is not None:
            for one in self._zip.infolist():
                if not one.filename.endswith(("/", "\\")):
                    yield self._of_zip(self._zip, one)
        if self._tar is not None:
            left = MOST
            for member in self._tar:
                left -= member.size
                if left < 0:
                    raise _RefusedError(f"it holds more than {MOST >> 30} GiB")
                if not member.isdir():
                    yield self._of_tar(self._tar, member)

    def close(self) -> None:
        """Close the file."""
        for one in (self._zip, self._tar, self._file):
            if one is not None:
                one.close()

    def _of_zip(self, archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> _Entry:
        kind = stat.S_IFMT(one.external_attr >> 16)
        objection = "" if kind in (0, stat.S_IFREG) else "it is a link, a device or the like"
        if one.flag_bits & 1:
            objection = "it is encrypted"
        return _Entry(
            one.filename,
            objection,
            one.file_size,
            one.compress_size,
            _of_dos(one.date_time),
            lambda: archive.open(one),
        )

    def _of_tar(self, archive: tarfile.TarFile, one: tarfile.TarInfo) -> _Entry:
        objection = "" if one.isreg() else "it is a link, a device or the like"

        def read() -> IO[bytes]:
            found = archive.extractfile(one)
            assert found is not None
            return found

        changed = datetime.fromtimestamp(min(max(one.mtime, 0), 2**32), UTC)
        return _Entry(one.name, objection, one.size, self._packed, changed, read)


class _Xz(io.RawIOBase):
    """The plain bytes of an .xz or .lzma file; unlike those of `lzma.open`, within a limit of memory."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._unpack = _unpacker()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill some of a buffer; return how much of it, 0 at the end."""
        while True:
            chunk = b""
            if self._unpack.eof:
                chunk = self._unpack.unused_data or self._packed.read(CHUNK)
                if not chunk.strip(b"\0"):  # the end, or padding before it
                    return 0
                self._unpack = _unpacker()
            elif self._unpack.needs_input and not (chunk := self._packed.read(CHUNK)):
                raise EOFError("it ends in the middle")
            if data := self._unpack.decompress(chunk, len(buffer)):
                buffer[: len(data)] = data
                return len(data)

    def close(self) -> None:
        """Close the file too."""
        self._packed.close()
        super().close()


def _unpacker() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=MOST_DICTIONARY)


def _tar_file(path: Path) -> IO[bytes]:
    """Open a tar archive; one that lzma has compressed as what it unpacks to, whatever its name says."""
    file = open(path, "rb")  # noqa: SIM115  closed by who asked for it
    start = file.read(6)
    file.seek(0)
    return io.BufferedReader(_Xz(file), CHUNK) if start.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")) else file


def _of_dos(when: tuple[int, int, int, int, int, int]) -> datetime:
    """Return the time that a zip has of an entry, which names no zone: that of this machine."""
    try:
        return datetime(*when).astimezone()
    except ValueError:
        return datetime.now(UTC)


def _plain(entry: _Entry) -> PurePosixPath:
    """Return the path of an entry that stays below a folder."""
    if entry.objection:
        raise _RefusedError(entry.objection)
    # Windows' own archiver writes backslashes between folders.
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if any(ord(letter) < 32 for letter in entry.name):
        raise _RefusedError("its name has letters that cannot be printed")
    if path.is_absolute() or ".." in path.parts or not path.parts or DRIVE.match(path.parts[0]):
        raise _RefusedError("its name leads out of the folder")
    if len(path.parts) > 12 or max(len(part.encode()) for part in path.parts) > 200:
        raise _RefusedError("its name is too long")
    return path
