"""Exact counts against work whose counts are known, and clear absence where there are none."""

import errno
import gc
import mmap
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import _nrt_python
from programs import require

from perflab import counters
from perflab.counters import Absent, AbsentError, count, events, measure, process, syscalls

EXACT = ("reads", "writes", "read_bytes", "written_bytes", "allocations", "frees")
PAGE = mmap.PAGESIZE


@njit
def arrays_made(n):
    total = 0.0
    for i in range(n):
        a = np.empty(8)
        a[0] = i
        total += a[0]
    return total


@pytest.fixture(scope="module", autouse=True)
def compiled():
    arrays_made(1)


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


# Empty blocks


def test_an_empty_block_counts_nothing(no_collector):
    for _ in range(50):
        with count() as counts:
            pass
        assert [getattr(counts, name) for name in EXACT] == [0] * len(EXACT)
        assert counts.collections == 0
        assert counts.peak_bytes < 1000
        assert abs(counts.kept_bytes) < 1000
        assert counts.page_faults < 10


def test_blocks_nest():
    with count() as outer:
        os.close(os.open(os.devnull, os.O_RDONLY))
        with count() as inner:
            pass
        arrays_made(5)
    assert inner.allocations == 0
    assert outer.allocations == 5
    assert outer.writes == 0


# What is counted


def test_reads_and_writes_are_exact(tmp_path):
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    with count() as counts:
        for _ in range(7):
            os.write(file, b"abc")
        os.lseek(file, 0, os.SEEK_SET)
        os.read(file, 100)
        os.read(file, 100)
    os.close(file)
    assert (counts.writes, counts.written_bytes) == (7, 21)
    assert (counts.reads, counts.read_bytes) == (2, 21)


def test_faults_are_those_of_the_pages_touched():
    pages = 500
    with mmap.mmap(-1, pages * PAGE) as room:
        room.madvise(mmap.MADV_NOHUGEPAGE)
        first, _ = measure("page_faults", lambda: [room.__setitem__(i * PAGE, 1) for i in range(pages)])
        again, _ = measure("page_faults", lambda: [room.__setitem__(i * PAGE, 1) for i in range(pages)])
    assert pages <= first < pages + 100
    assert again < 100


def test_switches_are_counted():
    ping, pong = threading.Event(), threading.Event()

    def other():
        for _ in range(20):
            ping.wait()
            ping.clear()
            pong.set()

    thread = threading.Thread(target=other)
    thread.start()
    with count() as counts:
        for _ in range(20):
            ping.set()
            pong.wait()
            pong.clear()
    thread.join()
    assert counts.voluntary_switches >= 20


def test_bytes_of_temporaries_are_seen_at_the_peak_only():
    a = np.ones(100_000)
    with count() as counts:
        _ = (a + 1).sum()
    assert a.nbytes <= counts.peak_bytes < a.nbytes + 20_000
    assert counts.kept_bytes < 10_000
    with count() as counts:
        kept = a + 1
    assert kept.nbytes <= counts.kept_bytes < kept.nbytes + 20_000


def test_allocations_of_compiled_code_are_exact():
    assert measure("allocations", lambda: arrays_made(1000)) == (1000.0, 499500.0)
    with count() as counts:
        arrays_made(10)
    assert (counts.allocations, counts.frees) == (10, 10)


def test_collections_are_counted(no_collector):
    assert measure("collections", lambda: [gc.collect() for _ in range(3)])[0] == 3
    assert measure("collections", lambda: None)[0] == 0


# Everything is put back


def test_instruments_are_put_back(no_collector):
    assert not tracemalloc.is_tracing()
    assert not _nrt_python.memsys_stats_enabled()
    files = set(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyError), count(events=["page_faults"]):
        raise KeyError
    assert not tracemalloc.is_tracing()
    assert not _nrt_python.memsys_stats_enabled()
    assert set(os.listdir("/proc/self/fd")) == files


def test_another_tracemalloc_goes_on():
    tracemalloc.start()
    try:
        with count():
            pass
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_counts_are_absent_until_the_block_has_ended():
    with count() as counts, pytest.raises(AbsentError, match="not ended"):
        int(counts.writes)
    assert counts.writes == 0


# System calls


def test_system_calls_by_name():
    require(["strace"], "strace")
    for _ in range(3):
        with count(syscalls=True) as counts:
            for _ in range(5):
                os.getppid()
            os.close(os.open(os.devnull, os.O_RDONLY))
        assert counts.syscalls["getppid"] == 5
        assert counts.syscalls["openat"] == counts.syscalls["close"] == 1
        assert isinstance(counts.voluntary_switches, Absent)
        assert counts.reads == 0
        rows = [line.split() for line in str(counts).splitlines()]
        assert ["syscalls", str(sum(counts.syscalls.values()))] in rows
        assert ["getppid", "5"] in rows
    assert syscalls._tracer(os.getpid()) == 0


def test_several_system_calls_count_together():
    require(["strace"], "strace")

    def block():
        os.getppid()
        os.getuid()
        os.getuid()

    assert measure("syscalls:getppid+getuid", block)[0] == 3
    assert measure("syscalls:getuid+fsync", block)[0] == 2
    assert measure("syscalls:fsync+fdatasync", block)[0] == 0


def test_system_calls_of_threads_that_the_block_starts_count_and_of_others_do_not():
    require(["strace"], "strace")
    stop = threading.Event()

    def noise():
        while not stop.wait(0.001):
            os.getuid()

    before = threading.Thread(target=noise)
    before.start()

    def block():
        inside = threading.Thread(target=lambda: [os.getppid() for _ in range(4)])
        inside.start()
        inside.join()

    try:
        found, _ = measure("syscalls:getppid", block)
        others, _ = measure("syscalls:getuid", block)
    finally:
        stop.set()
        before.join()
    assert (found, others) == (4, 0)


def test_strace_goes_when_the_block_raises():
    require(["strace"], "strace")
    with pytest.raises(KeyError), count(syscalls=True):
        raise KeyError
    assert syscalls._tracer(os.getpid()) == 0


def test_without_strace_there_is_a_way_out(monkeypatch):
    monkeypatch.setattr(syscalls.shutil, "which", lambda name: None)
    with pytest.raises(AbsentError, match="apt-get install strace"), count(syscalls=True):
        pass
    assert "strace" in counters.available()["system calls by name"]


def test_a_strace_that_may_not_attach_says_why(monkeypatch, tmp_path):
    refused = tmp_path / "strace"
    refused.write_text("#!/bin/sh\necho 'attach: Operation not permitted' >&2\nexit 1\n")
    refused.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(AbsentError, match=r"Operation not permitted.*ptrace"), count(syscalls=True):
        pass


# Events


def test_software_events_are_there_or_absent_with_a_reason():
    with count(events=["page_faults", "task_clock"]) as counts:
        sum(range(100_000))
    for value in counts.events.values():
        if isinstance(value, Absent):
            assert "perf_event_paranoid" in value.reason
        else:
            assert value >= 0
    if not isinstance(counts.events["task_clock"], Absent):
        assert counts.events["task_clock"] > 10_000


def test_an_event_that_the_kernel_refuses_is_absent(monkeypatch):
    for failed, words in ((errno.ENOENT, "virtual machine"), (errno.EACCES, "perf_event_paranoid")):
        assert words in events._why(failed, events.HARDWARE)
    monkeypatch.setattr(events.platform, "machine", lambda: "sparc")
    with count(events=["cycles"]) as counts:
        pass
    assert "x86-64" in counts.events["cycles"].reason


def test_unknown_events_and_metrics_are_named():
    with pytest.raises(ValueError, match="'warp_drive' is none of"), count(events=["warp_drive"]):
        pass
    with pytest.raises(ValueError, match=r"events: a list of names.*\['cycles'\]"), count(events="cycles"):
        pass
    with pytest.raises(TypeError, match="call: a function without arguments, got a int"):
        measure("reads", 3)
    for metric in ("warps", "syscalls:"):
        with pytest.raises(ValueError, match="metric: one of 'page_faults'"):
            measure(metric, lambda: None)


# Absence


def test_absent_is_no_number():
    absent = Absent("no such thing; buy one")
    for use in (
        lambda: absent + 1,
        lambda: 1 - absent,
        lambda: absent == 0,
        lambda: absent < 1,
        lambda: bool(absent),
        lambda: float(absent),
        lambda: sum([absent]),
        lambda: absent**2,
        lambda: np.float64(1) + absent,
        lambda: f"{absent:,}",
        lambda: len(absent),
        lambda: list(absent),
        lambda: absent["read"],
        lambda: "read" in absent,
        lambda: absent.most_common(),
    ):
        with pytest.raises(AbsentError, match="buy one"):
            use()
    assert "buy one" in repr(absent)
    assert f"{absent}" == repr(absent)
    assert pickle.loads(pickle.dumps(absent)).reason == absent.reason


def test_system_calls_that_nobody_asked_for_say_how_to_ask():
    with count() as counts:
        pass
    with pytest.raises(AbsentError, match=r"count\(syscalls=True\)"):
        counts.syscalls["read"]


def test_without_proc_the_rest_still_counts(monkeypatch):
    monkeypatch.setattr(process, "IO", Path("/nowhere/io"))
    monkeypatch.setattr(syscalls, "STATUS", Path("/nowhere/status"))
    with count() as counts:
        arrays_made(3)
    assert counts.allocations == 3
    assert isinstance(counts.reads, Absent)
    assert "needs Linux" in counts.reads.reason
    assert "absent: This system has no /proc/self/io" in str(counts)
    with pytest.raises(AbsentError, match="needs Linux"):
        measure("reads", lambda: None)
    assert "needs Linux" in counters.available()["read and write calls"]


def test_the_table_shows_zeros_and_reasons():
    with count(events=["cycles"]) as counts:
        pass
    lines = str(counts).splitlines()
    assert any(line.split() == ["writes", "0"] for line in lines)
    assert len(lines) == 14


def test_every_metric_can_be_measured_or_says_why():
    for metric in counters.METRICS:
        if metric in ("syscalls", "carried_bytes", "calls_and_pages"):
            require(["strace"], "strace")
        value, result = measure(metric, lambda: 5)
        assert result == 5
        assert value >= 0 or metric == "kept_bytes"


def test_importing_needs_no_linux():
    code = (
        "import sys; sys.modules['resource'] = None\n"
        "from perflab import counters\n"
        "with counters.count() as c: pass\n"
        "print(c.page_faults.reason)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "getrusage" in said.stdout


# What strace says


def told(*lines: str) -> syscalls.Calls:
    counts = syscalls.Calls()
    syscalls._count(list(lines), {9}, counts)
    return counts


def test_a_family_is_all_calls_with_one_effect():
    counts = told(
        '7 read(3, "a) = 999", 4096) = 8',
        '7 preadv(3, [{iov_base="x", iov_len=4}], 1, 0) = 4',
        "7 vmsplice(4, [{iov_base=0x1, iov_len=16}], 1, 0) = 16",
        '7 pwritev2(3, [{iov_base="x", iov_len=2}], 1, 0, 0) = 2',
        "7 copy_file_range(3, [0], 4, NULL, 100, 0) = 100",
        "7 splice(3, NULL, 4, NULL, 100, 0) = -1 EAGAIN (Resource temporarily unavailable)",
        '9 read(3, "other thread", 4096) = 12',
    )
    assert [counts[name] for name in ("reads", "writes", "moves", "reads+writes", "read+preadv")] == [
        3,
        2,
        2,
        4,
        2,
    ]
    assert [counts.carried[name] for name in ("reads", "writes", "moves")] == [28, 18, 100]
    assert counts.of_metric("syscalls") == 6
    assert counts.of_metric("syscalls:read") == 1
    assert [counts.of_metric(name) for name in ("read_bytes", "written_bytes", "carried_bytes")] == [128, 118, 30]
    assert counts.of_metric("calls_and_pages") == 6 + 130 / 4096


def test_messages_carry_bytes_too():
    counts = told(
        '7 sendto(5, "abcd", 4, 0, NULL, 0) = 4',
        '7 recvfrom(6, "abcd", 64, 0, NULL, NULL) = 4',
        "7 process_vm_readv(12, [{iov_base=0x1, iov_len=16}], 1, [{iov_base=0x2, iov_len=16}], 1, 0) = 16",
    )
    assert counts.of_metric("carried_bytes") == 24
    assert counts["messages"] == 3
    assert counts.of_metric("reads") == counts.of_metric("writes") == 0


def test_a_call_that_waits_counts_once_with_what_it_brought():
    counts = told(
        "7 read(3,  <unfinished ...>",
        '8 write(4, "x", 1) = 1',
        "9 read(5,  <unfinished ...>",
        '7 <... read resumed>"abc", 4096) = 3',
        '9 <... read resumed>"abcd", 4096) = 4',
        "7 read(3,  <unfinished ...>",
    )
    assert (counts["reads"], counts.carried["reads"], counts["writes"]) == (2, 3, 1)


@pytest.mark.parametrize(
    ("lines", "maps", "writable"),
    [
        (["mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7000"], 4096, 0),
        (["mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_POPULATE, 3, 0x1000) = 0x7000"], 4096, 4096),
        (["mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE, 3, 0) = 0x7000"], 4096, 0),
        (["mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000"], 0, 0),
        (["mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = -1 ENODEV (No such device)"], 0, 0),
        (
            [
                "mmap(NULL, 4096, PROT_NONE, MAP_SHARED, 3, 0) = 0x7000",
                "mprotect(0x7000, 4096, PROT_READ|PROT_WRITE) = 0",
                "mprotect(0x7000, 4096, PROT_READ|PROT_WRITE) = 0",
            ],
            4096,
            4096,
        ),
        (
            [
                "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) = 0x7000",
                "mremap(0x7000, 4096, 65536, MREMAP_MAYMOVE) = 0x9000",
                "mremap(0x1000, 4096, 1048576, MREMAP_MAYMOVE) = 0x20000",
            ],
            65536,
            0,
        ),
    ],
)
def test_a_mapping_of_a_file_has_all_its_bytes(lines, maps, writable):
    counts = told(*(f"7 {line}" for line in lines))
    assert (counts.carried["maps"], counts["maps"]) == (maps, maps > 0)
    assert (counts.carried["writable_maps"], counts["writable_maps"]) == (writable, writable > 0)
    assert counts.of_metric("syscalls") == len(lines)


def test_a_mapping_by_python_counts_without_strace(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(10_000))

    def mapped(access):
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0, access=access) as pages:
            return pages[0]

    mapped(mmap.ACCESS_READ)
    for access, written in ((mmap.ACCESS_READ, 0), (mmap.ACCESS_WRITE, 10_000), (mmap.ACCESS_COPY, 0)):
        assert measure("read_bytes", lambda access=access: mapped(access))[0] == 10_000
        assert measure("written_bytes", lambda access=access: mapped(access))[0] == written
    assert measure("read_bytes", lambda: mmap.mmap(-1, 4096).close())[0] == 0
