"""How long single things take: a load from each cache, a system call, a page fault, a switch, a round trip.

Each function returns seconds, the best of a few tries, since noise only ever adds. What cannot be had raises
OSError, with the reason.
"""

import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numba import njit, types

from perflab.machine.description import Machine, describe, usable_cpus
from perflab.machine.kernels import chase, cycle
from perflab.machine.rates import CLOCK

SMALLEST, LARGEST = 8 << 10, 256 << 20  # bytes of working sets
HOPS, TRIES = 100_000, 3
ROUND_TRIPS = 2_000
PAGES = 2_000
WAIT = 30.0  # seconds until another process must have answered, on a machine with much else to do
# The other side of a pipe or a connection: it sends back each byte that it gets.
ECHO = "import os\nwhile (data := os.read({0}, 1)): os.write({1}, data)"

getppid = types.ExternalFunction("getppid", types.int32())


def latency_curve(machine: Machine | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Measure how long a load takes that waits for the one before it, for growing working sets.

    Each load goes to another line of 64 bytes, in random order, so that no prefetcher guesses it. The pages are
    those of the system's default size.

    Returns
    -------
    sizes : array of int64
        Bytes, from 8 KB to four times the largest cache, at most 256 MB.
    seconds : array of float64
        For one load.
    """
    machine = machine or describe()
    largest = max((cache.bytes for cache in machine.caches), default=32 << 20)
    limit = min(4 * largest, LARGEST, (machine.memory or LARGEST) // 8)
    sizes = [SMALLEST]
    while sizes[-1] * 2 <= limit:
        sizes.append(sizes[-1] * 2)
    return np.array(sizes), np.array([load(size) for size in sizes])


def load(size: int) -> float:
    """Return the seconds of a dependent load from a working set of `size` bytes."""
    following = cycle(size, np.random.default_rng(size))
    at = chase(
        following, 0, max(following.size // 8, HOPS // 10)
    )  # once around: into the caches, as far as it fits

    def hop() -> None:
        nonlocal at
        at = chase(following, at, HOPS)

    return _best(hop, CLOCK) / HOPS


@njit
def _calls(n):
    total = 0
    for _ in range(n):
        total += getppid()
    return total


def system_call() -> float:
    """Return the seconds of a system call that does nothing."""
    _calls(1)
    return _best(lambda: _calls(20_000), CLOCK) / 20_000


@njit
def _touch(pages, step):
    for i in range(0, pages.size, step):
        pages[i] = 1


def page_fault() -> float:
    """Return the seconds of the first write to a page of memory."""

    def once() -> float:
        with mmap.mmap(-1, PAGES * mmap.PAGESIZE) as room:
            if hasattr(mmap, "MADV_NOHUGEPAGE"):
                room.madvise(mmap.MADV_NOHUGEPAGE)
            pages = np.frombuffer(room, np.uint8)
            start = CLOCK()
            _touch(pages, mmap.PAGESIZE)
            seconds = CLOCK() - start
            del pages
        return seconds

    once()
    return min(once() for _ in range(TRIES)) / PAGES


def switch() -> float:
    """Return the seconds of a switch to another process on the same core, through a pipe."""
    cpu = usable_cpus()[0]
    return _ping_pong(cpu, cpu) / 2


def wake_up() -> float:
    """Return the seconds until a process that waits on another core runs."""
    cpus = usable_cpus()
    if len(cpus) < 2:
        raise OSError("this process may use one core only")
    return _ping_pong(cpus[0], cpus[-1]) / 2


def thread() -> float:
    """Return the seconds to start a thread from Python and wait for its end."""

    def once() -> None:
        one = threading.Thread(target=int)
        one.start()
        one.join()

    return min(_best(once, time.perf_counter) for _ in range(30))


def process() -> float:
    """Return the seconds to start the smallest program and wait for its end."""
    return _best(lambda: subprocess.run(["true"], check=True, timeout=WAIT), time.perf_counter)


def small_file() -> float:
    """Return the seconds to open, read and close a small file that was used just before."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 1000)
        file.flush()

        def once() -> None:
            opened = os.open(file.name, os.O_RDONLY)
            os.read(opened, 4096)
            os.close(opened)

        return min(_best(once, time.perf_counter) for _ in range(100))


def file_sync() -> float:
    """Return the seconds until a small write is said to be safe on the disk."""
    with tempfile.TemporaryFile(buffering=0) as file:

        def once() -> None:
            file.write(b"x")
            os.fsync(file.fileno())

        return _best(once, time.perf_counter)


def loopback() -> float:
    """Return the seconds of a round trip of one byte through a TCP connection within this machine."""
    with connected(ECHO) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def once() -> None:
            for _ in range(100):
                connection.sendall(b"x")
                connection.recv(1)

        return _best(once, time.perf_counter) / 100


@contextmanager
def connected(code: str) -> Iterator[socket.socket]:
    """Connect to a Python process over TCP on the loopback device; `code` has {0} and {1} for its descriptor."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT)
        host, port = server.getsockname()
        head = f"import socket; s = socket.create_connection(({host!r}, {port})); f = s.fileno()\n"
        head += "s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        other = subprocess.Popen([sys.executable, "-ISc", head + code.format("f", "f")])
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(WAIT)
                yield connection
        finally:
            other.kill()
            other.wait()


def _ping_pong(own: int, others: int) -> float:
    """Return the seconds of a round trip between this thread and a process, each bound to a core."""
    if not hasattr(os, "sched_setaffinity"):
        raise OSError("this system does not bind programs to cores; Linux does")
    (from_other, to_own), (from_own, to_other) = os.pipe(), os.pipe()
    before = os.sched_getaffinity(0)
    head = f"import os; os.sched_setaffinity(0, [{others}])\n"
    code = head + ECHO.format(from_own, to_own)
    other = subprocess.Popen([sys.executable, "-ISc", code], pass_fds=(from_own, to_own))
    # A process that died then ends the waiting.
    os.close(from_own)
    os.close(to_own)
    try:
        os.sched_setaffinity(0, [own])

        def trips(n: int) -> None:
            for _ in range(n):
                os.write(to_other, b"x")
                if not os.read(from_other, 1):
                    raise OSError("the other process died")

        trips(10)
        return _best(lambda: trips(ROUND_TRIPS), time.perf_counter) / ROUND_TRIPS
    finally:
        os.sched_setaffinity(0, before)
        other.kill()
        other.wait()
        os.close(from_other)
        os.close(to_other)


def _best(run: Callable[[], object], clock: Callable[[], float]) -> float:
    seconds = []
    for _ in range(TRIES):
        start = clock()
        run()
        seconds.append(clock() - start)
    return min(seconds)
