"""Generated files are written all together or not at all, and only where something changed."""

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perflab.cli.course import app
from perflab.course import CourseError, publish
from perflab.course.publish import generate, replace_all
from perflab.course.source import SourceError


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def two(course, add_source):
    """Return the root of a course with two exercises."""
    add_source("cpu/other")
    return course


def test_all_exercises_are_written(two):
    assert generate(two) == [two / "exercises/cpu/other.ipynb", two / "exercises/memory/tiny.ipynb"]
    assert set(tree(two / "exercises")) == {"cpu/other.ipynb", "memory/tiny.ipynb"}


def test_a_second_run_changes_nothing(two):
    generate(two)
    times = {path: path.stat().st_mtime_ns for path in (two / "exercises").rglob("*")}
    assert generate(two) == []
    assert {path: path.stat().st_mtime_ns for path in (two / "exercises").rglob("*")} == times


def test_only_what_changed_is_written(two, add_source, tiny):
    generate(two)
    other = two / "exercises/cpu/other.ipynb"
    before = other.stat()
    add_source("memory/tiny", tiny.replace("takes time", "takes long"))
    assert generate(two) == [two / "exercises/memory/tiny.ipynb"]
    assert (other.stat().st_mtime_ns, other.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("broken", ["no header", None], ids=["no header", "a broken rule"])
def test_one_broken_source_among_good_ones_writes_nothing(two, add_source, tiny, broken):
    path = add_source("memory/zzz", broken or tiny.replace("stars: 1", "stars: 9"))
    with pytest.raises(SourceError) as caught:
        generate(two)
    assert {problem.path for problem in caught.value.problems} == {path}
    assert not (two / "exercises").exists()


def test_one_source_that_broke_leaves_everything_as_it_was(two, add_source, tiny):
    generate(two)
    before = tree(two / "exercises")
    add_source("cpu/other", tiny.replace("takes time", "takes long"))  # its chapter is in another area
    add_source("memory/tiny", tiny.replace("takes time", "takes long"))
    with pytest.raises(SourceError):
        generate(two)
    assert tree(two / "exercises") == before


def test_every_broken_rule_of_every_file_is_listed(two, add_source, tiny):
    add_source("memory/tiny", tiny.replace("stars: 1", "stars: 9"))
    add_source("memory/more", tiny.replace("minutes: 10", "minutes: 0"))
    with pytest.raises(SourceError, match=r"more\.py:1: .*minutes.*\n.*tiny\.py:1: .*stars"):
        publish.sources(two)


@pytest.fixture
def full_disk(monkeypatch):
    """Let the second file that is written find no room, after half of it is on the disk."""
    write, written = Path.write_bytes, []

    def until_full(path, data):
        written.append(path)
        if len(written) == 2:
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", until_full)


def test_a_full_disk_replaces_nothing_and_leaves_nothing_behind(tmp_path, full_disk):
    old = {Path("a/one"): b"1", Path("b/two"): b"2", Path("b/three"): b"3"}
    for path, data in old.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        with open(tmp_path / path, "wb") as file:
            file.write(data)
    before = tree(tmp_path)
    with pytest.raises(CourseError, match=r"nothing was written: .*No space left on device.*Make room"):
        replace_all(tmp_path, {path: b"new" + data for path, data in old.items()}, stale="*/*")
    assert tree(tmp_path) == before


def test_a_full_disk_keeps_stale_files_too(tmp_path, full_disk):
    (tmp_path / "b").mkdir()
    with open(tmp_path / "b" / "stale", "wb") as file:
        file.write(b"old")
    with pytest.raises(CourseError):
        replace_all(tmp_path, {Path("a/one"): b"1", Path("a/two"): b"2"}, stale="*/*")
    assert tree(tmp_path) == {"b/stale": b"old"}


def test_a_full_disk_on_the_way_to_exercises_is_a_sentence(two, full_disk):
    with pytest.raises(CourseError, match="nothing was written"):
        generate(two)
    assert tree(two / "exercises") == {}


def test_a_file_in_the_place_of_a_folder_is_a_sentence(two):
    (two / "exercises").write_text("I am no folder")
    with pytest.raises(CourseError, match="nothing was written"):
        generate(two)
    assert (two / "exercises").read_text() == "I am no folder"


def test_a_folder_in_the_place_of_a_file_is_a_sentence_and_replaces_nothing(two):
    generate(two)
    (two / "exercises/memory/tiny.ipynb").unlink()
    (two / "exercises/memory/tiny.ipynb").mkdir()
    (two / "exercises/cpu/other.ipynb").write_bytes(b"old")
    with pytest.raises(CourseError, match="exercises"):
        generate(two)
    assert tree(two / "exercises") == {"cpu/other.ipynb": b"old"}


def test_stale_files_are_removed_and_others_stay(two):
    generate(two)
    (two / "exercises/cpu/notes.md").write_text("mine")
    (two / "solutions/cpu/other.py").unlink()
    assert generate(two) == [two / "exercises/cpu/other.ipynb"]
    assert set(tree(two / "exercises")) == {"cpu/notes.md", "memory/tiny.ipynb"}


def test_without_any_source_nothing_is_stale(two):
    """Whoever stands in the wrong folder, or lost solutions/, must not lose exercises/ too."""
    generate(two)
    before = tree(two / "exercises")
    (two / "solutions").rename(two / "moved")
    with pytest.raises(CourseError, match="no exercise source"):
        generate(two)
    assert tree(two / "exercises") == before


# --- perflab exercises


def run(root, *more):
    return CliRunner().invoke(app, ["exercises", "--root", str(root), *more])


def drift(root):
    result = run(root, "--check")
    assert isinstance(result.exception, CourseError)
    return str(result.exception)


def test_the_command_says_what_it_wrote_and_removed(two):
    assert run(two).stdout.split() == [
        *("wrote", str(two / "exercises/cpu/other.ipynb")),
        *("wrote", str(two / "exercises/memory/tiny.ipynb")),
    ]
    (two / "solutions/cpu/other.py").unlink()
    assert run(two).stdout.split() == ["removed", str(two / "exercises/cpu/other.ipynb")]
    assert run(two).stdout == ""


def test_the_check_is_silent_where_all_is_well(two):
    generate(two)
    result = run(two, "--check")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("change", ["edited", "deleted", "stale", "source"])
def test_the_check_fails_on_drift_and_writes_nothing(two, add_source, tiny, change):
    generate(two)
    notebook = two / "exercises/memory/tiny.ipynb"
    name = "memory/tiny.ipynb"
    if change == "edited":
        notebook.write_bytes(notebook.read_bytes().replace(b"takes time", b"takes long"))
    elif change == "deleted":
        notebook.unlink()
    elif change == "stale":
        name = "memory/gone.ipynb"
        (two / "exercises" / name).write_bytes(notebook.read_bytes())
    else:
        add_source("memory/tiny", tiny.replace("takes time", "takes long"))
    before = tree(two / "exercises")
    assert f"does not match solutions/: {name}. Run `make exercises`" in drift(two)
    assert tree(two / "exercises") == before


def test_the_check_fails_on_a_broken_source(two, add_source, tiny):
    add_source("memory/tiny", tiny.replace("stars: 1", "stars: 9"))
    assert "stars is 1, 2 or 3" in drift(two)
