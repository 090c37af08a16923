"""The same points by perflab grade, by nbgrader autograde, and by the formgrader's button in a real browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from hostile import hostile
from nbgrader.api import Gradebook
from playwright.sync_api import expect
from quick import ANSWERS, ASSIGNMENT, POINTS, Class
from tempo import NET, patience
from throwaway import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The class, not graded yet."""
    return handed_in(tmp_path_factory.mktemp("formgrader"))


@pytest.fixture(scope="module")
def lab(here):
    """JupyterLab as an instructor starts it: in the course's folder."""
    root = here.root.parent
    port = free_port()
    command = [
        Path(sys.executable).with_name("jupyter"),
        "lab",
        "--no-browser",
        f"--port={port}",
        "--ip=127.0.0.1",
    ]
    command += ["--IdentityProvider.token=", "--ServerApp.password="]
    if os.geteuid() == 0:
        command.append("--allow-root")
    log = root / "lab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, cwd=root, stdout=stream, stderr=stream)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + NET
        while True:
            try:
                urllib.request.urlopen(f"{url}/api/status", timeout=NET)
                break
            except OSError:
                assert time.monotonic() < deadline, f"JupyterLab did not start:\n{log.read_text()}"
                time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(NET)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded by perflab grade."""
    found = handed_in(tmp_path_factory.mktemp("perflab"))
    found.grade("--jobs", "2")
    return found


def handed_in(folder):
    found = Class(folder)
    shutil.copyfile(ROOT / "nbgrader_config.py", folder / "nbgrader_config.py")
    for who, answer in ANSWERS.items():
        found.submit(who, answer)
    found.submit("zoe", b"no notebook")
    return found


def test_nbgraders_command_gives_the_same_points(graded, tmp_path):
    here = handed_in(tmp_path)
    done = subprocess.run(
        [Path(sys.executable).with_name("nbgrader"), "autograde", ASSIGNMENT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=NET,
    )
    assert done.returncode == 0, done.stderr
    assert here.rows() == graded.rows()
    assert here.points() == {**POINTS, "zoe": 0.0}


def test_the_formgraders_button_gives_the_same_points(graded, here, lab, browser):
    page = browser.new_page()
    page.goto(f"{lab}/formgrader/manage_submissions/{ASSIGNMENT}")
    for who in (*ANSWERS, "zoe"):
        row = page.locator("tr", has_text=who)
        expect(row).to_contain_text("needs autograding", timeout=1000 * patience(30))
        row.locator("td.autograde a, td.autograde button").first.click()
        # A dialog says how it went, with nbgrader's log.
        dialog = page.locator(".modal-dialog")
        expect(dialog).to_contain_text("Successfully", timeout=1000 * NET)
        dialog.get_by_role("button", name="OK").click()
        expect(dialog).to_be_hidden(timeout=1000 * patience(10))
    page.close()
    assert here.rows() == graded.rows()


def test_nothing_of_a_student_runs_in_the_instructors_browser(here, lab, browser):
    path = here.submit("eve", b"")
    path.write_bytes(nbformat.writes(hostile()).encode())
    here.grade()
    with Gradebook(here.url) as gradebook:
        number = gradebook.find_submission_notebook("small", ASSIGNMENT, "eve").id
    page = browser.new_page()
    page.goto(f"{lab}/formgrader/submissions/{number}/?index=0")
    expect(page.locator("body")).to_contain_text("Find the first", timeout=1000 * patience(30))
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    for link in page.locator("a").all():
        assert "hacked" not in (link.get_attribute("href") or "")
    page.close()
