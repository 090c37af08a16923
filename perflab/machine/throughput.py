"""How long a megabyte takes: through memory, files and the loopback device. Seconds, the best of a few tries."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from perflab.machine.kernels import read
from perflab.machine.latencies import connected
from perflab.machine.rates import CLOCK

MEGABYTE = 10**6
FILE = 64  # megabytes
CHUNK = 1 << 20  # bytes of one call
TRIES = 3
# The other side of a connection: it reads until the end and answers with one byte for each 64 megabytes.
SINK = f"""import os
left = {FILE * MEGABYTE}
while (data := os.read({{0}}, {CHUNK})):
    left -= len(data)
    if left <= 0:
        os.write({{1}}, b"x")
        left += {FILE * MEGABYTE}"""


def memory() -> float:
    """Return the seconds to read a megabyte from memory, one after the other."""
    block = np.ones(256 * MEGABYTE // 8)
    read(block)

    def once() -> float:
        start = CLOCK()
        read(block)
        return CLOCK() - start

    return min(once() for _ in range(TRIES)) / 256


def file_write() -> float:
    """Return the seconds to write a megabyte to a file, which the system will put on the disk later."""
    data = bytes(CHUNK)

    def once() -> float:
        with tempfile.TemporaryFile(buffering=0) as file:
            start = time.perf_counter()
            for _ in range(FILE * MEGABYTE // CHUNK):
                file.write(data)
            return time.perf_counter() - start

    return min(once() for _ in range(TRIES)) / FILE


def file_read() -> float:
    """Return the seconds to read a megabyte from a file that the system still holds in memory."""
    with _file() as file:
        return min(_sweep(file) for _ in range(TRIES)) / FILE


def cold_read() -> float:
    """Return the seconds to read a megabyte from a file that the system has just been asked to forget.

    The host of a virtual machine may still hold it in its own memory.
    """
    if not hasattr(os, "posix_fadvise"):
        raise OSError("this system cannot be asked to forget a file; Linux can")
    with _file() as file:
        os.fsync(file)

        def once() -> float:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            return _sweep(file)

        return min(once() for _ in range(TRIES)) / FILE


def loopback_send() -> float:
    """Return the seconds to send a megabyte through a TCP connection within this machine."""
    data = memoryview(bytes(CHUNK))
    with connected(SINK) as connection:

        def once() -> float:
            start = time.perf_counter()
            _send(connection, data)
            return time.perf_counter() - start

        return min(once() for _ in range(TRIES)) / FILE


def _send(connection: socket.socket, data: memoryview) -> None:
    left = FILE * MEGABYTE
    while left:
        part = data[: min(left, len(data))]
        connection.sendall(part)
        left -= len(part)
    connection.recv(1)


@contextmanager
def _file() -> Iterator[int]:
    """Make a file of `FILE` megabytes."""
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(FILE * MEGABYTE // CHUNK + 1):
            file.write(bytes(CHUNK))
        yield file.fileno()


def _sweep(file: int) -> float:
    room = bytearray(CHUNK)
    start = time.perf_counter()
    for place in range(0, FILE * MEGABYTE, CHUNK):
        os.preadv(file, [room], place)
    return time.perf_counter() - start
