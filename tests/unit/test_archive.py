"""Archives that strangers have filled: what is not a plain file of a sensible size stays in them."""

import io
import lzma
import os
import stat
import tarfile
import time
import zipfile

import pytest

from perflab.lms.archive import Bounds, unpack
from perflab.lms.collect import owner

TEXT = b"honest work"
WHEN = (2026, 11, 20, 12, 30, 0)
SMALL = Bounds(file=2 << 20, total=3 << 20, files=3)


def entry(name, mode=stat.S_IFREG | 0o644):
    info = zipfile.ZipInfo(name, WHEN)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def packed(path, *entries):
    """Write a zip of (entry or name, data)."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries:
            archive.writestr(entry(name) if isinstance(name, str) else name, data)
    return path


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_plain_files_come_out_with_their_times(tmp_path):
    path = packed(tmp_path / "a.zip", ("eve_1_2_x.ipynb", TEXT), ("sub/y.ipynb", TEXT))
    done = unpack(path, tmp_path / "out", owner)
    assert contents(tmp_path / "out") == {"eve_1_2_x.ipynb": TEXT, "sub/y.ipynb": TEXT}
    assert done.refused == []
    assert {time.localtime(p.stat().st_mtime)[:6] for p in done.files} == {WHEN}
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o644 for p in done.files)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        (entry("link", stat.S_IFLNK | 0o777), b"/etc/passwd", "link"),
        (entry("pipe", stat.S_IFIFO | 0o644), b"", "device"),
        (entry("disk", stat.S_IFBLK | 0o644), b"", "device"),
        ("../out.ipynb", TEXT, "leads out"),
        ("a/../../out.ipynb", TEXT, "leads out"),
        ("/tmp/out.ipynb", TEXT, "leads out"),
        ("a\\..\\out.ipynb", TEXT, "leads out"),
        ("\\\\server\\share\\out.ipynb", TEXT, "leads out"),
        ("C:\\out.ipynb", TEXT, "leads out"),
        ("c:out.ipynb", TEXT, "leads out"),
        ("a\nb.ipynb", TEXT, "cannot be printed"),
        ("/".join("a" * 20), TEXT, "too long"),
        ("a" * 250, TEXT, "too long"),
        ("zeros.ipynb", b"\0" * (2 << 20), "grows more than 200 times"),
        ("large.ipynb", os.urandom((2 << 20) + 1), "larger than 2 MiB"),
    ],
    ids=str,
)
def test_what_could_do_harm_stays_inside_and_the_rest_goes_on(tmp_path, name, data, why):
    path = packed(tmp_path / "a.zip", ("first.ipynb", TEXT), (name, data), ("last.ipynb", TEXT))
    before = path.read_bytes()
    done = unpack(path, tmp_path / "out", owner, SMALL)
    assert contents(tmp_path / "out") == {"first.ipynb": TEXT, "last.ipynb": TEXT}
    (sentence,) = done.refused
    assert why in sentence
    assert sentence.startswith("a.zip, ")
    assert path.read_bytes() == before
    assert {p.name for p in tmp_path.iterdir()} == {"a.zip", "out"}


def test_one_student_can_fill_only_so_much(tmp_path):
    noise = os.urandom(1 << 20)
    mine = [(f"eve_6_{i}_x.ipynb", noise) for i in range(5)]
    many = [(f"Max Many_7_assignsubmission_file_/{i}.txt", TEXT) for i in range(5)]
    done = unpack(
        packed(tmp_path / "a.zip", *mine, *many, ("ada_8_1_x.ipynb", TEXT)), tmp_path / "out", owner, SMALL
    )
    found = contents(tmp_path / "out")
    assert sum(name.startswith("eve") for name in found) == 3
    assert sum(name.startswith("Max") for name in found) == 3
    assert found["ada_8_1_x.ipynb"] == TEXT
    assert len(done.refused) == 4
    assert "7 has more than 3 files" in done.refused[-1]


def test_a_size_that_lies(tmp_path):
    """What the directory says of a bomb need not be true: bytes are counted as they come."""
    path = packed(tmp_path / "a.zip", ("x.ipynb", os.urandom(3 << 20)))
    data = path.read_bytes()
    size = (3 << 20).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (100).to_bytes(4, "little")))
    done = unpack(path, tmp_path / "out", owner, SMALL)
    assert contents(tmp_path / "out") == {}
    assert len(done.refused) == 1


def test_what_a_student_packed_comes_out_once(tmp_path):
    inner = packed(tmp_path / "inner.zip", ("hw/x.ipynb", TEXT), ("../../escape.ipynb", TEXT)).read_bytes()
    deeper = packed(tmp_path / "deeper.zip", ("inner.zip", inner)).read_bytes()
    path = packed(tmp_path / "a.zip", ("Ada_1_assignsubmission_file_/my.zip", inner), ("Eve_2_3_b.zip", deeper))
    done = unpack(path, tmp_path / "out", owner)
    assert contents(tmp_path / "out") == {"Ada_1_assignsubmission_file_/my/hw/x.ipynb": TEXT}
    assert len(done.refused) == 2
    assert "leads out" in done.refused[0]
    assert "archive in an archive" in done.refused[1]


def test_tar_archives(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("disk", tarfile.BLKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../out", "x.ipynb"):
            info = tarfile.TarInfo(name)
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
    done = unpack(path, tmp_path / "out", owner)
    assert contents(tmp_path / "out") == {"x.ipynb": TEXT}
    assert len(done.refused) == 4


def test_a_file_in_an_archive_has_its_own_time_and_that_of_its_entry(tmp_path):
    info = zipfile.ZipInfo("x.ipynb", (2025, 1, 2, 3, 4, 6))
    inner = packed(tmp_path / "inner.zip", (info, TEXT)).read_bytes()
    done = unpack(packed(tmp_path / "a.zip", ("eve_1_2_my.zip", inner)), tmp_path / "out", owner)
    (path,) = done.files
    assert time.localtime(path.stat().st_mtime)[:6] == (2025, 1, 2, 3, 4, 6)
    assert done.came[path].timetuple()[:6] == WHEN


def tar_of(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("x.ipynb")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("name", ["a.tar.xz", "a.txz", "a.tar", "a.tar.gz", "a.tbz2"])
@pytest.mark.parametrize("kind", [lzma.FORMAT_XZ, lzma.FORMAT_ALONE])
def test_what_lzma_packed_comes_out_whatever_it_is_called(tmp_path, name, kind):
    data = tar_of(os.urandom(3 << 20))
    half = len(data) // 2
    path = tmp_path / name
    parts = [data[:half], data[half:]] if kind == lzma.FORMAT_XZ else [data]
    path.write_bytes(b"".join(lzma.compress(part, kind) for part in parts))
    done = unpack(path, tmp_path / "out", owner)
    assert done.refused == []
    assert contents(tmp_path / "out")["x.ipynb"] == data[512 : 512 + (3 << 20)]


def test_what_would_take_too_much_memory_stays_inside(tmp_path):
    path = tmp_path / "a.tar.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    path.write_bytes(lzma.compress(tar_of(TEXT)) + lzma.compress(b"x", filters=filters))
    done = unpack(path, tmp_path / "out", owner)
    assert "emory" in "".join(done.refused)


def test_a_cut_archive_is_said_to_be_cut(tmp_path):
    path = tmp_path / "a.tar.xz"
    whole = lzma.compress(tar_of(os.urandom(1 << 20)))
    path.write_bytes(whole[: len(whole) // 2])
    done = unpack(path, tmp_path / "out", owner)
    assert done.refused
    assert contents(tmp_path / "out") == {}


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_what_is_no_archive(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    done = unpack(path, tmp_path / "out", owner)
    (sentence,) = done.refused
    assert sentence.startswith(f"{name} was left in its archive: it cannot be read")


def test_damaged_and_doubled_entries_cost_only_themselves(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed(tmp_path / "a.zip", ("x", TEXT), ("x", b"other"), ("y", os.urandom(2000)), ("z", TEXT))
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("y").header_offset
    data[place + 500] ^= 255
    path.write_bytes(data)
    done = unpack(path, tmp_path / "out", owner)
    assert contents(tmp_path / "out") == {"x": TEXT, "z": TEXT}
    assert "there already" in done.refused[0]
    assert "cannot be read" in done.refused[1]
