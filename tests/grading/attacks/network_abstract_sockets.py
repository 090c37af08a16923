"""Looks for sockets of other programs of the host."""

SECTION = "network"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import socket
from pathlib import Path

found = Path("/proc/net/unix").read_text().count("@")
if found:
    raise SystemExit("sockets of the host")
"""
)
