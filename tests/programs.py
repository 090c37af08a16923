"""Programs of the operating system that tests need."""

import os
import shutil

import pytest

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nobody else to ask
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


def require(programs, packages):
    """Skip, or fail on the build server, where a program of the operating system is missing."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        reason = f"no {', '.join(missing)}: apt-get install --no-install-recommends {packages}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
