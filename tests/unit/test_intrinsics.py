"""What the primitives stand on: no stale machine code, known processors, and literals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import perflab
from perflab.intrinsics import stamp, targets

USER = """
from numba import njit
import numpy as np
from perflab import atomics

@njit(cache=True)
def inner(a):
    return atomics.fetch_add(a, 0, 1)

@njit(cache=True)
def outer(a):
    inner(a)
    return a[0]

if __name__ == "__main__":
    print(outer(np.zeros(1, np.int64)), len(outer.stats.cache_hits))
"""


@pytest.fixture
def copied(tmp_path):
    """Return a folder with a copy of the library, and what runs a cached program beside it."""
    for room in stamp.ROOMS:
        shutil.copytree(
            Path(perflab.__file__).parent / room,
            tmp_path / "perflab" / room,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    (tmp_path / "perflab" / "__init__.py").write_text("")
    (tmp_path / "user.py").write_text(USER)

    def run():
        path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        program = [sys.executable, "-P", "-c", "import runpy; runpy.run_module('user', run_name='__main__')"]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        value, hits = done.stdout.split()
        return int(value), int(hits) > 0

    return tmp_path, run


def test_machine_code_is_as_fresh_as_the_library(copied):
    folder, run = copied
    assert run() == (1, False)
    assert run() == (1, True)
    words = folder / "perflab" / "atomics" / "words.py"
    source = words.read_text()
    edited = source.replace('_define_update(fetch_add, "add")', '_define_update(fetch_add, "sub")')
    assert edited != source
    words.write_text(edited)
    assert run() == (-1, False)
    assert run() == (-1, True)
    words.write_text(source)
    assert run() == (1, True)


def test_the_stamp_changes_with_every_source_and_name(tmp_path):
    first = tmp_path / "hints" / "one.py"
    first.parent.mkdir()
    first.write_text("a")
    seen = {stamp.digest(tmp_path)}
    first.write_text("b")
    seen.add(stamp.digest(tmp_path))
    first.rename(first.with_name("two.py"))
    seen.add(stamp.digest(tmp_path))
    (tmp_path / "figures.py").write_text("another room")
    assert len(seen) == 3
    assert stamp.digest(tmp_path) in seen


def test_every_room_that_is_compiled_into_others_is_stamped():
    assert {path.name for path in stamp.PACKAGE.iterdir()} >= set(stamp.ROOMS)


@pytest.mark.parametrize("machine", ["riscv64", "ppc64le", ""])
def test_other_processors_are_refused_by_name(machine):
    with pytest.raises(ImportError, match=f"x86-64, arm64, and this machine is {machine or 'unknown'}"):
        targets.require(machine)


@pytest.mark.parametrize("machine", ["x86_64", "AMD64", "aarch64", "arm64"])
def test_known_processors_are_not(machine):
    targets.require(machine)
    assert targets.architecture(f"{machine}-unknown-linux-gnu") in ("x86-64", "arm64")


def test_the_import_fails_there(tmp_path):
    program = "import platform; platform.machine = lambda: 'riscv64'; import perflab.atomics"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "ImportError: atomics, hints, simd and threads are written for x86-64, arm64" in done.stderr
