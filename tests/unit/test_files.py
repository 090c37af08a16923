"""Files as arguments: private copies, compared by what they hold."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from checking import report

from perflab import check
from perflab.check import values
from perflab.check.bench import LocalBench


def make(rng):
    return check.file(b"old"), [b"line %d\n" % i for i in range(int(rng.integers(50, 60)))]


def slow_append(log, lines):
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    for line in lines:
        os.write(file, line)
    os.close(file)


def append(log, lines):
    with open(log, "ab") as file:
        file.write(b"".join(lines))


def overwrite(log, lines):
    with open(log, "wb") as file:
        file.write(b"".join(lines))


def test_equal_files_are_correct():
    assert check.correct(append, against=slow_append, on=[make], returns=0, points=2) == 2.0


def test_another_content_is_told():
    found = report(check.correct, overwrite, against=slow_append, on=[make], returns=0, points=2)
    assert re.search(r"from byte 0 on it holds b'line 0.*expected b'oldline 0", found.sentence)


def test_short_files_are_shown_whole():
    assert values.difference(b"ab", b"abc") == "the result is b'ab'; expected b'abc'"


def test_missing_bytes_are_told():
    text = values.difference(bytes(100), bytes(120))
    assert text == "the result has 100 bytes where 120 belong; from byte 100 on it holds b'', expected " + repr(
        bytes(16)
    )


def test_write_calls_are_counted():
    assert check.correct(append, against=slow_append, on=[make], returns=0, points=1)
    assert check.counts(append, "writes", on=make, zero=50, full=1, points=2) == 2.0
    assert check.correct(slow_append, against=append, on=[make], returns=0, points=1)
    assert check.counts(slow_append, "writes", on=make, zero=50, full=1, points=2) == 0


def test_each_run_has_a_file_of_its_own():
    first, second = values.copy(check.file(b"x")), values.copy(check.file(b"x"))
    assert first.path != second.path
    with open(first, "wb") as file:
        file.write(b"y")
    assert (first.content(), second.content()) == (b"y", b"x")


def test_a_copy_goes_with_its_last_user():
    copy = values.copy(check.file(b"x"))
    path = copy.path
    assert path.exists()
    del copy
    assert not path.exists()


def test_a_removed_file_holds_nothing():
    bench = LocalBench(lambda file: os.remove(file))
    staged = bench.stage((check.file(b"x"),))
    bench.run(staged, "cpu")
    assert bench.collect(staged) == (None, (b"",))


@pytest.mark.parametrize("become", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/passwd", path)])
def test_what_is_no_file_any_more_is_refused(become):
    def replace(file):
        os.remove(file)
        become(os.fspath(file))

    options = {"against": lambda file: None, "on": [lambda rng: (check.file(),)], "returns": 0}
    assert "no plain file" in report(check.correct, replace, **options, points=1).sentence


def test_text_is_refused():
    with pytest.raises(TypeError, match="encode"):
        check.file("text")


def test_a_file_that_was_not_laid_out_has_no_path():
    with pytest.raises(TypeError, match="pass it to a check"):
        os.fspath(check.file(b"x"))


def test_a_file_is_a_path_wherever_one_is_taken():
    laid = values.copy(check.file(b"12345678"))
    numbers = np.memmap(laid, np.uint8, "r")
    assert numbers.tobytes() == np.fromfile(laid, np.uint8).tobytes() == b"12345678"
    assert Path(laid) == laid.path == Path(str(laid)) == laid.resolve()
    assert (laid.stat().st_size, laid.name, f"{laid}") == (8, "file", str(laid.path))
    assert laid.read_bytes() == b"12345678"
    with laid.open("ab") as file:
        file.write(b"9")
    assert shutil.copyfile(laid, f"{laid}.twin")
    assert laid.content() == b"123456789"


@pytest.mark.parametrize("name", ["resolve", "_secret", "__array__"])
def test_a_file_that_lies_nowhere_has_nothing_of_a_path(name):
    assert not hasattr(check.file(b"x"), name)
    assert "<file of 1 bytes>" in str(check.file(b"x"))


def drain(stream, n):
    end = os.open(stream, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(end, n)
    finally:
        os.close(end)


@pytest.mark.parametrize("size", [0, 1, 100_000, 1 << 20])
def test_a_pipe_holds_what_waits_in_it_and_gives_it_once(size):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    laid = values.copy(check.pipe(content))
    assert laid.path.is_fifo()
    with open(os.open(laid, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as end:
        assert b"".join(iter(lambda: end.read(1 << 20), None)) == content  # None: there is nothing, and no end


def test_nothing_reads_a_pipe_at_a_place():
    laid = values.copy(check.pipe(bytes(100)))
    end = os.open(laid, os.O_RDONLY)
    for call in (os.pread, lambda *args: os.copy_file_range(end, end, *args[1:])):
        with pytest.raises(OSError, match=r"seek|Invalid"):
            call(end, 10, 0)
    os.close(end)


def test_each_run_has_a_pipe_of_its_own_and_it_goes_with_its_last_user():
    first, second = (values.copy(check.pipe(b"xy")) for _ in range(2))
    path = first.path
    assert drain(first, 2) == drain(second, 2) == b"xy"
    del first
    assert not path.exists()


def test_a_function_that_empties_a_pipe_is_checked():
    def store(stream, target):
        with open(target, "wb") as file:
            file.write(drain(stream, 5))

    def make(rng):
        return check.pipe(rng.bytes(5)), check.file()

    def lose(stream, target):
        drain(stream, 5)

    options = {"against": store, "on": [make], "returns": 1, "points": 1}
    assert check.correct(store, **options) == 1
    assert check.correct(lose, **options) == 0


def test_what_is_no_content_of_a_pipe_is_refused():
    with pytest.raises(TypeError, match="encode"):
        check.pipe("text")
    with pytest.raises(ValueError, match="at most"):
        check.pipe(bytes((1 << 20) + 1))
    assert repr(check.pipe(bytes(1_000))) == "<pipe with 1,000 bytes>"
