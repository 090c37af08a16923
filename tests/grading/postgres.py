"""A PostgreSQL server on loopback, in a folder of its own, for as long as a test needs it."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from programs import require
from tempo import NET

PASSWORD = "not-to-be-shown"


def require_postgres() -> Path:
    """Return the folder of the server's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    require(["initdb", "postgres"], "postgresql")
    return Path(shutil.which("initdb")).resolve().parent


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a server; yield the URL of an empty database."""
    programs = require_postgres()
    # It refuses to run as root; pytest's own folders are closed to everybody else.
    folder = Path(tempfile.mkdtemp(prefix="perflab-postgres-"))
    user = ordinary_user()
    as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    if user:
        os.chown(folder, user, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, log = folder / "data", folder / "log"
    server = None
    try:
        init = [programs / "initdb", "-D", data, "-U", "perflab", "-A", "scram-sha-256"]
        init += ["--pwfile", folder / "password", "--no-sync", "-E", "UTF8", "--locale=C"]
        done = subprocess.run([*as_user, *init], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = [
            "-p",
            port,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off",
        ]
        with log.open("w") as stream:
            server = subprocess.Popen(
                [*as_user, programs / "postgres", "-D", data, *map(str, options)],
                cwd=folder,
                stdout=stream,
                stderr=stream,
            )
        wait_for(port, server, log)
        yield f"postgresql+psycopg://perflab:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # at once: SIGTERM would wait for who is still connected
            server.wait(NET)
        shutil.rmtree(folder, ignore_errors=True)


def ordinary_user() -> int | None:
    """Return who is to run the server, or None: this user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    return 65534


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + NET
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            if "ready to accept connections" in log.read_text():
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
