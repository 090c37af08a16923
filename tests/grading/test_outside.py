"""Counts from outside: the same under the judge as in a learner's kernel, whatever the code says of itself."""

import base64
import errno
import shutil
from dataclasses import replace

import numpy as np
import pytest

from perflab import check
from perflab.check.bench import OUTSIDE, FunctionFailedError, LocalBench
from perflab.judge import bubblewrap
from perflab.judge.outside import UncountedError, is_seen_of_threads, snapshot
from perflab.judge.remote import RemoteBench
from perflab.judge.sandbox import SandboxError
from perflab.judge.seccomp import alone
from perflab.judge.settings import Settings

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")

CODE = """
import mmap, os, signal, socket, tempfile, time
import numpy as np

def copy(data, piece):
    with tempfile.TemporaryFile(buffering=0) as file:
        for i in range(0, len(data), piece):
            file.write(data[i : i + piece])
        file.seek(0)
        while file.read(piece):
            pass
        os.fsync(file.fileno())
    return np.frombuffer(data, np.uint8)

def splice_all(stream, target, size):
    end, into = os.open(stream, os.O_RDONLY | os.O_NONBLOCK), os.open(target, os.O_WRONLY)
    while size:
        size -= os.splice(end, into, size)
    os.close(end)
    os.close(into)

def folder_in_place(stream, target):
    os.remove(target)
    os.mkdir(target)

def read_by(file, way):
    size = os.path.getsize(file)
    number = os.open(file, os.O_RDONLY)
    if way == "pread":
        data = os.pread(number, size, 0)
    elif way in ("preadv", "readv"):
        data = bytearray(size)
        os.preadv(number, [data], 0) if way == "preadv" else os.readv(number, [data])
    elif way == "mapped":
        with mmap.mmap(number, 0, access=mmap.ACCESS_READ) as pages:
            data = bytes(pages)
    elif way == "memmap":
        data = bytes(np.memmap(file, mode="r"))
    elif way == "spliced":
        out, into = os.pipe()
        ours, theirs = socket.socketpair()
        os.splice(number, into, size)
        os.splice(out, theirs.fileno(), size)
        data = ours.recv(size, socket.MSG_WAITALL)
        for one in (out, into):
            os.close(one)
        ours.close(), theirs.close()
    else:
        with tempfile.TemporaryFile(dir=os.path.dirname(file)) as copy:
            os.copy_file_range(number, copy.fileno(), size)
            with mmap.mmap(copy.fileno(), size) as pages:
                data = bytes(pages)
    os.close(number)
    return np.frombuffer(data, np.uint8)

def write_by(source, target, way):
    size = os.path.getsize(source)
    a, b = os.open(source, os.O_RDONLY), os.open(target, os.O_RDWR)
    if way == "written":
        os.write(b, os.read(a, size))
    elif way == "pwritev":
        os.pwritev(b, [os.read(a, size)], 0)
    elif way == "mapped":
        with mmap.mmap(a, size, access=mmap.ACCESS_READ) as old, mmap.mmap(b, size) as new:
            new[:] = old[:]
    elif way == "spliced":
        out, into = os.pipe()
        os.splice(a, into, size)
        os.splice(out, b, size)
        os.close(out), os.close(into)
    elif way == "sent":
        os.sendfile(b, a, 0, size)
    else:
        os.copy_file_range(a, b, size)
    os.close(a), os.close(b)

known = {}

def remembers(data, piece):
    if data not in known:
        known[data] = copy(data, piece), sum(list(data))
    return known[data]

def naps(n):
    for _ in range(n):
        time.sleep(0.001)

def touch(pages):
    room = bytearray(4096 * pages)
    return len(room)

def by_child(data, piece):
    if (child := os.fork()) == 0:
        copy(data, piece)
        os._exit(0)
    os.waitpid(child, 0)
    return np.frombuffer(data, np.uint8)

def left_alone(data, piece):
    if os.fork() == 0:
        copy(data, piece)
        time.sleep(60)
    return np.frombuffer(data, np.uint8)

def ignored(data, piece):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    by = os.fork()
    if by == 0:
        copy(data, piece)
        os._exit(0)
    time.sleep(0.05)
    return np.frombuffer(data, np.uint8)
"""


@pytest.fixture
def benches():
    """Return what makes the local and the remote bench of a function of `CODE`."""
    names = {}
    exec(CODE, names)
    sandbox = Settings().starter()("plain", ())
    sandbox.ready()
    sandbox.ask({"do": "cell", "source": CODE + "\ndef nothing(): pass\n"})

    def idle(metric):
        message = {"do": "call", "name": "nothing", "args": ["tuple", []], "after": False}
        return float(np.median([sandbox.count(message, metric)[1] for _ in range(5)]))

    def made(name):
        rooms = [lambda *names: sandbox] * 2
        remote = RemoteBench(rooms[0], name, 0, {}, lambda args: 0.0, *rooms, idle)
        return LocalBench(names[name]), remote

    yield made
    sandbox.close()


def counted(bench, metric, *args):
    staged = bench.stage(args)
    count = bench.count(staged, metric)
    return count, bench.collect(staged)[0]


DATA = bytes(range(256)) * 64


@pytest.mark.parametrize("metric", ["reads", "writes", "read_bytes", "written_bytes"])
def test_files_are_counted_exactly(benches, metric):
    local, remote = benches("copy")
    (here, _), (there, result) = counted(local, metric, DATA, 1024), counted(remote, metric, DATA, 1024)
    assert there == here > 0
    assert result.tobytes() == DATA


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize(
    ("metric", "least"),
    [
        ("syscalls:fsync", 1),
        ("syscalls:write", 16),
        ("syscalls:write+fsync", 17),
        ("syscalls", 30),
        ("calls_and_pages", 38),
    ],
)
def test_system_calls_are_counted(benches, metric, least):
    _, remote = benches("copy")
    count, _ = counted(remote, metric, DATA, 1024)
    assert count == least if ":" in metric else least <= count < 4 * least


def test_switches_and_faults(benches):
    _, naps = benches("naps")
    assert 16 <= counted(naps, "voluntary_switches", 20)[0] <= 24
    _, touch = benches("touch")
    assert 4900 <= counted(touch, "page_faults", 5000)[0] < 5200


def test_the_work_of_a_child_counts_too(benches):
    _, remote = benches("by_child")
    assert counted(remote, "writes", DATA, 1024)[0] >= 16


@pytest.mark.parametrize(("name", "metric"), [("left_alone", "writes"), ("ignored", "page_faults")])
def test_children_that_escape_the_count_leave_no_count(benches, name, metric):
    _, remote = benches(name)
    with pytest.raises(FunctionFailedError, match="cannot be counted"):
        both(remote, metric)


def both(remote, metric):
    for _ in range(2):
        counted(remote, metric, DATA, 1024)


def test_the_calls_of_children_that_nobody_waits_for_count_too(benches):
    _, remote = benches("ignored")
    assert counted(remote, "writes", DATA, 1024)[0] >= 16


@pytest.mark.parametrize("way", ["pread", "preadv", "readv", "mapped", "memmap", "spliced", "copied"])
def test_a_file_is_read_in_no_way_that_is_not_counted(benches, way):
    """Every way to get at the bytes of a file counts them, here and there."""
    local, remote = benches("read_by")
    args = check.file(DATA), way
    found = {}
    for bench in (remote,) if way == "spliced" else (local, remote):
        for metric in ("read_bytes", "reads"):
            staged = bench.stage(args)
            found.setdefault(metric, []).append(bench.count(staged, metric, bench.stage(args)))
            assert bench.collect(staged)[0].tobytes() == DATA
    assert all(len(DATA) <= count <= 3 * len(DATA) for count in found["read_bytes"]), found
    assert all(1 <= count <= 8 for count in found["reads"]), found


@pytest.mark.parametrize(
    ("way", "carried"), [("written", 1), ("pwritev", 1), ("mapped", 1), ("spliced", 0), ("sent", 0), ("copied", 0)]
)
def test_a_file_is_written_in_no_way_that_is_not_counted(benches, way, carried):
    local, remote = benches("write_by")
    args = check.file(DATA), check.file(bytes(len(DATA))), way
    for bench in (local, remote):
        for metric, least in (("written_bytes", 1), ("writes", 1 / len(DATA)), ("carried_bytes", carried)):
            if bench is local and (metric == "carried_bytes" or way == "spliced"):
                continue  # the kernel's own counters see no splice
            staged = bench.stage(args)
            count = bench.count(staged, metric, bench.stage(args))
            assert least * len(DATA) <= count <= 3 * least * len(DATA) + 100, metric
            assert bench.collect(staged)[1][1] == DATA


@pytest.mark.parametrize("size", [0, len(DATA)])
def test_what_the_kernel_moves_out_of_a_pipe_is_not_carried(benches, size):
    _, remote = benches("splice_all")
    args = check.pipe(DATA[:size]), check.file(bytes(len(DATA))), size
    for metric, least in (("carried_bytes", 0), ("syscalls:moves", min(size, 1))):
        staged = remote.stage(args)
        assert least <= remote.count(staged, metric, remote.stage(args)) <= 100
        assert remote.collect(staged)[1] == (b"", DATA[:size] + bytes(len(DATA) - size), size)


def test_what_is_no_file_any_more_is_refused_beside_a_pipe(benches):
    _, remote = benches("folder_in_place")
    staged = remote.stage((check.pipe(DATA), check.file()))
    with pytest.raises(FunctionFailedError, match="no plain file"):
        remote.run(staged, "cpu")


def test_the_dead_are_not_counted():
    assert sum(snapshot([10**9]).values()) == 0
    assert issubclass(UncountedError, Exception)


def test_a_machine_without_strace_costs_no_points(benches, monkeypatch):
    _, remote = benches("copy")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxError, match="apt-get install strace"):
        counted(remote, "syscalls:write", DATA, 1024)


@pytest.mark.parametrize("metric", ["writes", "peak_bytes"])
def test_who_remembers_an_input_is_counted_all_the_same(benches, metric):
    for bench in benches("remembers"):
        again = bench.count(bench.stage((DATA, 64)), metric)
        other = bench.stage((DATA[::-1], 64))
        fresh = bench.count(bench.stage((DATA[1:] + b"1", 64)), metric, other)
        assert fresh >= 256
        assert again < fresh / 4  # the same input twice: this is why there are two


# What a run left


def test_an_overhead_that_is_measured_only_now_takes_nothing_of_the_run(benches):
    _, remote = benches("copy")
    bench = replace(remote, overhead=lambda args: remote.run(remote.stage((b"x", 1)), "wall"))
    staged = bench.stage((b"abc", 1))
    bench.run(staged, "cpu")
    assert bench.collect(staged)[0].tobytes() == b"abc"


def test_what_the_next_run_has_overwritten_is_not_collected(benches):
    _, bench = benches("copy")
    staged = bench.stage((b"abc", 1))
    bench.run(staged, "cpu")
    bench.run(bench.stage((b"def", 1)), "cpu")
    with pytest.raises(RuntimeError, match="before the next run"):
        bench.collect(staged)


# Where nothing starts that would not be seen

THREADS = """
import threading

def by_thread(data, piece):
    worker = threading.Thread(target=copy, args=(data, piece))
    worker.start()
    worker.join()
    return np.frombuffer(data, np.uint8)
"""


@pytest.fixture(params=["plain", "notebook"])
def room(request):
    """Return what starts a sandbox with a further filter."""
    made = []

    def room(threads):
        made.append(Settings().starter()(request.param, ()))
        made[-1].ready()
        assert made[-1].ask({"do": "alone", "filter": base64.b64encode(alone(threads)).decode()})[0] == {
            "ok": True
        }
        assert made[-1].ask({"do": "cell", "source": CODE + THREADS})[0]["ok"]
        return made[-1]

    yield room
    for one in made:
        one.close()


def bench_in(sandbox, name):
    return RemoteBench(
        lambda: sandbox, name, 0, {}, lambda args: 0.0, lambda: sandbox, lambda _: sandbox, lambda _: 0.0
    )


def test_what_a_thread_does_is_counted_where_no_process_starts(room):
    sandbox = room(threads=True)
    for metric in ("writes", "written_bytes"):
        plain = counted(bench_in(sandbox, "copy"), metric, DATA, 1024)[0]
        assert counted(bench_in(sandbox, "by_thread"), metric, DATA, 1024)[0] == pytest.approx(plain, abs=2)
    for name in ("by_child", "left_alone", "ignored"):
        with pytest.raises(FunctionFailedError, match="PermissionError"):
            counted(bench_in(sandbox, name), "writes", DATA, 1024)


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_system_calls_of_a_thread_are_counted_where_no_process_starts(room):
    sandbox = room(threads=True)
    assert counted(bench_in(sandbox, "by_thread"), "syscalls:fsync", DATA, 1024)[0] == 1


KEPT = """
kept = tempfile.TemporaryFile(buffering=0)
kept.truncate(1 << 16)
pages = mmap.mmap(kept.fileno(), 1 << 16, flags=FLAGS)

def by_mapping_of_before(file):
    size = os.path.getsize(file)
    number = os.open(file, os.O_RDONLY)
    kept.seek(0)
    os.sendfile(kept.fileno(), number, 0, size)
    os.close(number)
    return np.frombuffer(pages[:size], np.uint8)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("flags", ["mmap.MAP_SHARED", "mmap.MAP_PRIVATE"])
def test_a_mapping_of_before_counts_with_all_its_bytes(room, flags):
    sandbox = room(threads=True)
    idle = counted(bench_in(sandbox, "copy"), "carried_bytes", DATA, 1024)[0]
    sandbox.ask({"do": "cell", "source": KEPT.replace("FLAGS", flags)})
    bench = bench_in(sandbox, "by_mapping_of_before")
    for metric, least in (("carried_bytes", 1 << 16), ("calls_and_pages", 20), ("read_bytes", 1 << 16)):
        staged = bench.stage((check.file(DATA),))
        assert least <= bench.count(staged, metric, bench.stage((check.file(DATA),))) < 2 * least + 100
        assert bench.collect(staged)[0].tobytes() == DATA
    assert counted(bench_in(sandbox, "copy"), "carried_bytes", DATA, 1024)[0] == idle + (1 << 16)


MANY_MESSAGES = """
import ctypes

def many_messages(name):
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc[name](-1, None, 0, 0, None) == -1
    return ctypes.get_errno()
"""


@pytest.mark.parametrize("name", ["recvmmsg", "sendmmsg"])
def test_no_call_that_hides_what_it_carries(room, name):
    sandbox = room(threads=True)
    sandbox.ask({"do": "cell", "source": MANY_MESSAGES})
    bench = bench_in(sandbox, "many_messages")
    staged = bench.stage((name,))
    bench.run(staged, "cpu")
    assert bench.collect(staged)[0] == errno.EPERM


def test_no_thread_starts_where_what_it_did_is_forgotten(room):
    assert [is_seen_of_threads(metric) for metric in OUTSIDE].count(False) == 1
    sandbox = room(threads=is_seen_of_threads("voluntary_switches"))
    with pytest.raises(FunctionFailedError, match="can't start new thread"):
        counted(bench_in(sandbox, "by_thread"), "voluntary_switches", DATA, 1024)
