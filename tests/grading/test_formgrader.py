"""The formgrader in JupyterLab, in a real browser: a submission is autograded by its button."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect
from throwaway import ASSIGNMENT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(course):
    """JupyterLab as an instructor starts it: in the course's folder."""
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
    log = course.root / "lab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, cwd=course.root, stdout=stream, stderr=stream)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{url}/api/status", timeout=1)
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")
        yield url
    finally:
        server.terminate()
        server.wait(30)


def test_autograde_by_the_formgraders_button(course, notebooks, lab, browser):
    course.submit("formgraded", notebooks["solved"])
    page = browser.new_page()
    page.goto(f"{lab}/formgrader/manage_submissions/{ASSIGNMENT}")
    row = page.locator("tr", has_text="formgraded")
    expect(row).to_contain_text("needs autograding", timeout=30_000)
    row.locator("td.autograde a, td.autograde button").first.click()
    # A dialog says how it went, with nbgrader's log.
    expect(page.locator(".modal-dialog")).to_contain_text("Successfully", timeout=120_000)
    page.close()
    scores = course.scores("formgraded")
    full = {cell.grade_id: cell.points for cell in course.exercise.of_role("tests")}
    assert {name: scores[name] for name in full} == full
