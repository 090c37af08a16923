"""The scripts that set a machine up: what is missing is a sentence that says what to do."""

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from tempo import NET

ROOT = Path(__file__).parents[2]


def program(folder: Path, name: str, body: str) -> None:
    """Write a stand-in for a program."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run(script: str, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess:
    path = f"{cwd / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / ".ci" / script, *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, **env},
        capture_output=True,
        text=True,
        timeout=NET,
    )


@pytest.mark.parametrize("version", ["3.10", "3.9", "2.7"])
def test_an_older_python_is_refused(tmp_path, version):
    program(tmp_path / "bin", "python3", f"echo {version}")
    done = run("venv", cwd=tmp_path, PYTHON="python3")
    assert done.returncode == 1
    assert f"Python {version}; the course needs 3.11 or newer. Install one" in done.stderr
    assert not (tmp_path / ".venv").exists()


def installs(tmp_path, version: str) -> subprocess.CompletedProcess:
    """Run .ci/venv where Python is a stand-in of that version, and whatever it installs is there."""
    fake = f"case $1 in -c) echo {version};; esac"
    program(tmp_path / "bin", "python3", fake)
    (tmp_path / ".venv").mkdir()
    program(tmp_path / ".venv" / "bin", "python", fake)
    done = run("venv", cwd=tmp_path, PYTHON="python3")
    assert done.returncode == 0
    assert (tmp_path / ".venv" / ".installed").exists()
    return done


@pytest.mark.parametrize("version", ["3.15", "3.20", "4.0"])
def test_a_python_that_nobody_tried_is_a_warning(tmp_path, version):
    assert f"Python {version}; the course was tried with 3.11 to 3.14" in installs(tmp_path, version).stderr


def test_each_python_that_was_tried_is_silent(tmp_path):
    for version in tried():
        (tmp_path / version).mkdir()
        assert "tried" not in installs(tmp_path / version, version).stderr


def tried() -> list[str]:
    """Return the versions of Python that pyproject.toml names."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    prefix = "Programming Language :: Python :: "
    return [one.removeprefix(prefix) for one in classifiers if one.startswith(prefix)]


def test_all_places_name_the_same_pythons():
    oldest, *_, newest = tried()
    assert tried() == [f"3.{minor}" for minor in range(int(oldest[2:]), int(newest[2:]) + 1)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"oldest={oldest} newest={newest} " in (ROOT / ".ci" / "venv").read_text()
    assert f"with python3 ({oldest} to {newest}), " in (ROOT / "README.md").read_text()
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    assert f"`requirements.txt` is the lock for Python {oldest} to {newest}." in contributing
    (command,) = re.findall(r"^    (uv pip compile .*)$", contributing, re.MULTILINE)
    assert f"--python-version {oldest} " in command
    assert command in (ROOT / "requirements.txt").read_text()


def test_no_python_is_a_sentence(tmp_path):
    done = run("venv", cwd=tmp_path, PYTHON="no-such-python")
    assert done.returncode == 1
    assert "Install Python 3.11 to 3.14" in done.stderr


def test_a_failing_venv_leaves_nothing(tmp_path):
    program(tmp_path / "bin", "python3", "case $1 in -c) echo 3.11;; *) mkdir -p .venv; exit 1;; esac")
    done = run("venv", cwd=tmp_path, PYTHON="python3")
    assert done.returncode == 1
    assert "python3.11-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_no_network_is_a_sentence_and_not_installed(tmp_path):
    fake = 'case $1 in -c) echo 3.11;; *) echo "no route to host" >&2; exit 1;; esac'
    program(tmp_path / "bin", "python3", fake)
    (tmp_path / ".venv").mkdir()
    program(tmp_path / ".venv" / "bin", "python", fake)
    done = run("venv", cwd=tmp_path, PYTHON="python3")
    assert done.returncode == 1
    assert "is there a network" in done.stderr
    assert not (tmp_path / ".venv" / ".installed").exists()


def debian(tmp_path, user: int, sudo: int) -> subprocess.CompletedProcess:
    """Run .ci/debian where nothing is installed, as `user`, with a sudo that exits with `sudo`."""
    folder = tmp_path / "bin"
    program(folder, "dpkg-query", "exit 1")
    program(folder, "id", f"echo {user}")
    program(folder, "sudo", f'[ {sudo} = 0 ] || exit {sudo}; shift; "$@"')
    program(folder, "apt-get", 'echo "apt-get $*"')
    return run("debian", "the browser tests", "chromium", cwd=tmp_path)


def test_debian_packages_are_named_where_they_may_not_be_installed(tmp_path):
    done = debian(tmp_path, user=1000, sudo=1)
    assert done.returncode == 0
    assert "the browser tests are skipped" in done.stderr
    assert "sudo apt-get install --no-install-recommends chromium" in done.stderr
    assert "apt-get install" not in done.stdout


@pytest.mark.parametrize(("user", "sudo"), [(0, 1), (1000, 0)])
def test_debian_packages_are_installed_where_they_may(tmp_path, user, sudo):
    done = debian(tmp_path, user, sudo)
    assert "install -y -q --no-install-recommends chromium" in done.stdout


def test_the_readme_names_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|^    make ([a-z]+)$", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {a or b for a, b in named} <= targets
    assert named
