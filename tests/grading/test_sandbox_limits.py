"""What a sandbox may use, and that nothing in it runs but when the judge waits for it."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from probing import LIMITS, WAYS, inside, nap, ordinary, start_counting, started, way
from tempo import NET, patience, within

from perflab.course.gates import busy
from perflab.judge import bubblewrap, processes, scratch
from perflab.judge.limits import Limits
from perflab.judge.sandbox import DiedError

MIB = 1 << 20

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")


@pytest.fixture(scope="module", params=WAYS, autouse=True)
def served(request):
    """Try everything both ways."""
    way[:] = [request.param]
    yield request.param
    way[:] = WAYS[:1]


@pytest.fixture(scope="module")
def sandbox(served):
    one = started()
    yield one
    one.close()


@pytest.fixture
def fresh():
    """A sandbox that may be killed."""
    one = started()
    yield one
    one.close()


def fill(folder, size):
    """Write files of 2 MiB into a folder until that fails; return how many there are, of `size` at most."""
    done = 0
    while done < size:
        try:
            with open(f"{folder}/{done}", "wb") as file:
                file.write(bytes(2 << 20))
        except OSError:
            return done
        done += 2
    return done


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_folders_in_memory_are_bounded(fresh, folder):
    assert inside(fresh, fill, folder, 64) <= LIMITS.file // MIB


def fill_and_wait(folder, named):
    import os
    import time

    kept = []
    for i in range(6):
        kept.append(open(f"{folder}/{i}", "wb"))  # noqa: SIM115
        kept[-1].write(bytes(2 << 20))
        kept[-1].flush()
        if not named:
            os.unlink(f"{folder}/{i}")
    while True:
        time.sleep(1)


@pytest.mark.parametrize("named", [True, False])
def test_the_folder_on_a_disk_is_bounded_with_a_name_or_without(fresh, named):
    with pytest.raises(DiedError, match="its files took more than 8 MiB"):
        inside(fresh, fill_and_wait, scratch.PLACE, named)
    assert not fresh.alive


def hold_memory():
    import os
    import time

    kept = []
    for _ in range(32):
        try:
            kept.append(os.memfd_create("hidden"))
        except PermissionError:
            return len(kept)
        os.write(kept[-1], bytes(2 << 20))
        time.sleep(0.05)
    return len(kept)


def test_there_is_no_memory_behind_descriptors_alone(fresh):
    """On its way through a socket no process would hold it, and no watchdog could count it."""
    assert inside(fresh, hold_memory) == 0


def many_files(folder):
    import time

    for i in range(300):
        open(f"{folder}/{i}", "w").close()
    while True:
        time.sleep(1)


def test_the_number_of_files_is_bounded(fresh, monkeypatch):
    monkeypatch.setattr(scratch, "MOST_FILES", 200)  # which no disk is too slow for
    with pytest.raises(DiedError, match="more than 200 files"):
        inside(fresh, many_files, scratch.PLACE)


def one_big_file():
    import os

    file = os.open("/tmp/big", os.O_CREAT | os.O_RDWR)
    try:
        os.ftruncate(file, 1 << 30)
    except OSError as error:
        return error.errno
    return 0


def test_one_file_is_bounded(sandbox):
    import errno

    assert inside(sandbox, one_big_file) == errno.EFBIG


def take_memory():
    kept = []
    while True:
        kept.append(bytearray(16 << 20))
        for i in range(0, 16 << 20, 4096):
            kept[-1][i] = 1


def test_memory_is_bounded(fresh):
    with pytest.raises(DiedError) as died:
        inside(fresh, take_memory)
    assert "did not end within" not in str(died.value)


def test_memory_is_bounded_without_control_groups(monkeypatch):
    monkeypatch.setattr("perflab.judge.limits.CGROUPS", Path("/nowhere"))
    one = started()
    try:
        assert one.in_force["memory"] == "watchdog"
        with pytest.raises(DiedError, match="more than 512 MiB of memory"):
            inside(one, take_memory)
    finally:
        one.close()


def fork_and_wait():
    import os
    import time

    for _ in range(30):
        if os.fork() == 0:
            time.sleep(3600)
            os._exit(0)
    while True:
        time.sleep(1)


def fork_on():
    import os
    import time

    born = 0
    for _ in range(200):
        try:
            if os.fork() == 0:
                time.sleep(3600)
                os._exit(0)
        except OSError:
            return born
        born += 1
    return born


def test_processes_are_bounded(fresh):
    if fresh.in_force["processes"] != "cgroup":
        pytest.skip("no control groups here")
    assert 0 < inside(fresh, fork_on) <= LIMITS.processes


def test_processes_are_bounded_without_control_groups(monkeypatch):
    monkeypatch.setattr("perflab.judge.limits.CGROUPS", Path("/nowhere"))
    one = started()
    try:
        assert one.in_force["processes"] == "watchdog"
        with pytest.raises(DiedError, match="more than 24 processes and threads"):
            inside(one, fork_and_wait)
    finally:
        one.close()


def test_one_sandbox_full_of_processes_leaves_room_to_others(fresh):
    with suppress(DiedError):
        inside(fresh, fork_on)
    other = started()
    try:
        assert inside(other, ordinary)[0] == 3
    finally:
        other.close()


def limits_of():
    import resource

    names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_NOFILE")
    return [resource.getrlimit(getattr(resource, name)) for name in names]


def test_limits_of_a_process(sandbox):
    expected = [4 * LIMITS.memory, LIMITS.cpu, LIMITS.file, 0, 256]
    assert inside(sandbox, limits_of) == [[one, one] for one in expected]


def loop():
    while True:
        pass


def jitted_loop():
    import numba

    @numba.njit
    def endless():
        i = 0
        while i >= 0:
            i = (i + 1) % 1000
        return i

    return endless()


@pytest.mark.parametrize("probe", [loop, jitted_loop])
def test_an_endless_loop_is_killed(probe):
    limit = patience(1.5 if probe is loop else 6)
    one = started(Limits(call=limit))
    with within(6, limit), pytest.raises(DiedError, match="did not end within"):
        inside(one, probe)
    assert not one.alive


def test_time_in_all_is_bounded_but_for_time_when_it_is_stopped():
    limits = Limits(call=patience(5), wall=patience(1.5))
    one = started(limits)
    try:
        time.sleep(1.3 * limits.wall)
        assert inside(one, nap, 0.1)
        with pytest.raises(DiedError, match=rf"more than {limits.wall:g} s in all"):
            naps(one)
    finally:
        one.close()


def naps(sandbox):
    while True:
        inside(sandbox, nap, 0.1)


def chatter():
    import os

    for _ in range(100):
        os.write(2, b"x" * 10_000)
        os.write(1, b"x" * 10_000)
    return True


def test_a_talkative_program_is_not_held_up(sandbox):
    assert inside(sandbox, chatter)


# Stopped between calls, and gone with the judge


def beats():
    import os

    return os.path.getsize("/tmp/beat") if os.path.exists("/tmp/beat") else 0


def test_nothing_runs_between_calls(fresh):
    inside(fresh, start_counting)
    while not (before := inside(fresh, beats)):
        inside(fresh, nap, 0.1)
    time.sleep(1)  # a hundred beats, if it ran
    began = time.monotonic()
    after = inside(fresh, beats)
    possible = (time.monotonic() - began) / 0.01
    assert before <= after <= before + possible + 3


def work_in_a_child(seconds):
    import contextlib
    import os
    import signal
    import time

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork() == 0:
        while time.process_time() < seconds:
            pass
        os._exit(0)
    with contextlib.suppress(ChildProcessError):
        os.wait()
    return True


@pytest.mark.parametrize("groups", [True, False])
def test_the_work_of_a_child_that_vanished_is_charged(groups, monkeypatch):
    if not groups:
        monkeypatch.setattr("perflab.judge.limits.CGROUPS", Path("/nowhere"))
    one = started()
    try:
        inside(one, work_in_a_child, 0.01)
        answer, cpu, _ = one.ask({"do": "cell", "source": "work_in_a_child(0.5)"})
        assert answer == {"ok": True}
        assert cpu >= 0.4
        assert one.in_force["cpu time"] == "cgroup" or "clocks" in one.in_force["cpu time"]
    finally:
        one.close()


def work_beside_a_child(seconds):
    import os
    import signal
    import time

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    cores = range(os.cpu_count())
    begun = time.process_time()
    if os.fork() == 0:
        os.sched_setaffinity(0, [cores[0]])
        while time.process_time() < seconds:
            pass
        os._exit(0)
    os.sched_setaffinity(0, [cores[-1]])
    while time.process_time() - begun < seconds:
        pass
    return True


@pytest.mark.parametrize("groups", [True, False])
def test_the_work_of_a_child_beside_its_parent_is_charged(groups, monkeypatch):
    """On a core of its own it would take no time: so all of a sandbox stays where the judge has put it."""
    if not groups:
        monkeypatch.setattr("perflab.judge.limits.CGROUPS", Path("/nowhere"))
    one = started()
    try:
        one.pin({max(os.sched_getaffinity(0))})
        inside(one, work_beside_a_child, 0.01)
        answer, cpu, _ = one.ask({"do": "cell", "source": "work_beside_a_child(0.5)"})
        assert answer == {"ok": True}
        assert cpu >= 0.7
    finally:
        one.close()


def breed():
    """Let each process start the next and end: nobody lives long."""
    import os

    if os.fork() == 0:
        try:
            while not os.fork():
                pass
        finally:
            os._exit(0)
    return True


def test_a_chain_of_processes_does_not_outrun_the_judge(fresh):
    with within(30):
        try:
            inside(fresh, breed)
            for _ in range(20):
                inside(fresh, nap, 0.01)
                assert all(processes._is_still(pid) for pid in processes.tree(*fresh._roots))
        except DiedError:
            assert not fresh.alive


def end(how):
    import os
    import signal

    if how:
        os._exit(how)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(("how", "said"), [(7, r"exit code 7"), (200, "exit code 200"), (0, "SIGKILL")])
def test_how_it_ended_is_said(fresh, how, said):
    with pytest.raises(DiedError, match=said):
        inside(fresh, end, how)


def test_it_stops_soon_though_all_cores_are_busy(sandbox):
    """Who looks all the time whether a process has stopped keeps it from running, and so from stopping."""
    with within(20), busy(len(os.sched_getaffinity(0))):
        for _ in range(50):
            inside(sandbox, nap, 0)


def test_all_its_processes_are_gone_when_it_is_closed(fresh):
    inside(fresh, start_counting)
    pids = list(fresh._stopped)
    assert len(pids) >= 3
    fresh.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}/exe").exists()]


def test_it_dies_with_the_judge(served):
    start = "bubblewrap.start(Limits(), 'plain', ())"
    if served == "forked":
        start = "(kin := bubblewrap.kin(Limits(), ())).__enter__()('plain', ())"
    program = (
        "import os, sys; from perflab.judge import bubblewrap; from perflab.judge.limits import Limits\n"
        f"one = {start}\n"
        "one.ready(); parent = open(f'/proc/{one._stopped[-1]}/stat').read().rpartition(')')[2].split()[1]\n"
        "print(parent, *one._stopped, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program]
    judge = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    parent, *pids = map(int, judge.stdout.readline().split())
    assert len(pids) == (2 if served == "started" else 3)
    assert parent != judge.pid
    pids.append(parent)
    judge.kill()
    judge.wait()
    deadline = time.monotonic() + NET
    while any(Path(f"/proc/{pid}/exe").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)
