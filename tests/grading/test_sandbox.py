"""The sandbox from inside: a program that runs in it tries what it must not be able to do."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from probing import LIMITS, WAYS, inside, ordinary, start_counting, started, way
from tempo import NET

from perflab.judge import bubblewrap, podman, scratch
from perflab.judge.library import library as copied
from perflab.judge.limits import Cgroup
from perflab.judge.sandbox import NoSandboxError
from perflab.judge.settings import Settings

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


def interfaces():
    import socket

    return [name for _, name in socket.if_nameindex()]


def connect(port, name):
    import socket

    failed = []
    for family, address in ((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_UNIX, "\0" + name)):
        with socket.socket(family) as link:
            link.settimeout(2)
            try:
                link.connect(address)
            except OSError as error:
                failed.append(type(error).__name__)
    return failed


def test_no_network_and_no_socket_of_this_machine(sandbox):
    assert inside(sandbox, interfaces) == ["lo"]
    name = f"perflab-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + name)
        abstract.listen()
        assert len(inside(sandbox, connect, tcp.getsockname()[1], name)) == 2


def writable():
    """Return the folders below / in which this process can make a file."""
    import os

    found = []
    for folder, names, _ in os.walk("/"):
        if folder.startswith(("/proc/", "/usr/", "/opt/perflab/")):
            names.clear()
            continue
        path = os.path.join(folder, "perflab-probe")
        try:
            open(path, "w").close()
        except OSError:
            continue
        os.unlink(path)
        found.append(folder)
    return found


def test_only_three_folders_can_be_written_to(sandbox):
    # A course that lies in /tmp has its folders in the sandbox's own, which is bounded as a whole.
    found = [folder for folder in inside(sandbox, writable) if not folder.startswith("/tmp/")]
    assert sorted(found) == ["/dev/shm", scratch.PLACE, "/tmp"]


def seen(paths):
    import os

    return [path for path in paths if os.path.exists(path)]


def test_nothing_of_this_machine_but_programs_is_seen(sandbox, served, tmp_path):
    mine = [__file__, str(tmp_path), str(Path.home()), "/etc/passwd", "/sys", "/run", "/var/tmp", "/root", "/home"]
    # Where this Python lives there are folders that lead to it, with nothing else in them; /tmp is the sandbox's.
    places = sys.prefix, sys.base_prefix, *([copied(())] if served == "forked" else [])
    leading = {str(parent) for place in places for parent in Path(place).resolve().parents}
    assert set(inside(sandbox, seen, mine)) <= leading
    for folder in leading - {"/", "/usr", "/tmp"}:
        assert len(inside(sandbox, listed, folder)) <= 2


def listed(folder):
    import os

    return os.listdir(folder)


def test_nothing_is_seen_of_the_process_that_made_it(sandbox):
    """Where no root grades it is of the same user, and open to it; its words name folders outside."""
    assert inside(sandbox, listed, "/proc/1") == []


def test_its_files_are_gone_with_it():
    one = started()
    folders = set(Path("/var/tmp").glob(f"{scratch.NAME}{os.getpid()}-*"))
    inside(one, make_deep, scratch.PLACE)
    one.close()
    left = set(Path("/var/tmp").glob(f"{scratch.NAME}{os.getpid()}-*"))
    assert len(folders - left) == 1


def make_deep(place):
    import os

    os.chdir(place)
    open("a file", "w").close()
    for _ in range(25):
        os.mkdir("d")
        os.chdir("d")
    os.chmod("..", 0)
    return True


def status():
    import os
    from pathlib import Path

    lines = Path("/proc/self/status").read_text().splitlines()
    words = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {
        "uid": os.getresuid(),
        "gid": os.getresgid(),
        "groups": [one for one in os.getgroups() if one != 65534],
        "capabilities": [int(words[name].strip(), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
        "bounding": int(words["CapBnd"].strip(), 16),
        "no new privileges": words["NoNewPrivs"].strip(),
        "seccomp": words["Seccomp"].strip(),
        "session": os.getsid(0),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()),
        "environment": sorted(os.environ),
        "host": os.uname().nodename,
        "terminals": [fd for fd in range(3) if os.isatty(fd)],
    }


def test_unprivileged_without_capabilities_in_namespaces_of_its_own(sandbox, served):
    found = inside(sandbox, status)
    assert found["uid"] == found["gid"] == [bubblewrap.NOBODY] * 3
    assert found["groups"] == found["terminals"] == []
    assert found["capabilities"] == [0, 0, 0, 0]
    assert found["bounding"] == 0
    assert found["no new privileges"] == "1"
    assert found["seccomp"] == "2"
    # A fork finds what has kept the sandbox open for it.
    assert found["processes"] == ([1, 2] if served == "started" else [1, 2, 3])
    assert found["session"] in (found["processes"] if served == "started" else [3])
    assert found["host"] == "sandbox"
    assert set(found["environment"]) <= {*bubblewrap.ENVIRONMENT, "PWD", "LC_CTYPE", "KMP_INIT_AT_FORK",
                                         "KMP_DUPLICATE_LIB_OK"}  # fmt: skip


def test_it_is_nobody_for_the_kernel_too_or_in_a_user_namespace(sandbox):
    uids = Path(f"/proc/{sandbox._stopped[-1]}/status").read_text().partition("\nUid:\t")[2].split()[:4]
    own = Path("/proc/self/ns/user").readlink()
    theirs = Path(f"/proc/{sandbox._stopped[-1]}/ns/user").readlink()
    if os.geteuid() == 0:
        assert uids == [str(bubblewrap.NOBODY)] * 4
    else:
        assert own != theirs


def test_a_user_namespace_allows_no_further_one(monkeypatch):
    """The filter of system calls refuses one too; this holds without it."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    words = bubblewrap._bwrap(LIMITS, Path("/copy"), "/opt/perflab", Path("/files"), 3, 4)
    assert {"--unshare-user", "--disable-userns"} <= set(words)


def refused(calls):
    """Try system calls; return those that do anything but refuse."""
    import ctypes
    import errno

    libc = ctypes.CDLL(None, use_errno=True)
    let = []
    for name, number, args in calls:
        done = libc.syscall(number, *args)
        if done >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            let.append([name, done, errno.errorcode.get(ctypes.get_errno())])
    return let


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls are those of x86-64")
def test_doors_of_the_kernel_are_shut(sandbox):
    user, thread = 0x10000000, 0x00010000
    calls = [
        *(("unshare", 272, [user]), ("unshare", 272, [0x20000000]), ("clone", 56, [user | 17, 0, 0, 0, 0])),
        *(("clone3", 435, [0, 0]), ("setns", 308, [0, 0]), ("mount", 165, [0, 0, 0, 0, 0]), ("chroot", 161, [0])),
        *(("ptrace", 101, [0, 0, 0, 0]), ("process_vm_readv", 310, [1, 0, 0, 0, 0, 0]), ("bpf", 321, [0, 0, 0])),
        *(("io_uring_setup", 425, [1, 0]), ("keyctl", 250, [0, 0, 0, 0, 0]), ("userfaultfd", 323, [0])),
        *(("perf_event_open", 298, [0, 0, 0, 0, 0]), ("shmget", 29, [0, 4096, 0o1600]), ("kcmp", 312, [1, 1, 0])),
        *(("sched_setscheduler", 144, [0, 0, 0]), ("personality", 135, [0]), ("mknod", 133, [0, 0, 0])),
        *(("kexec_load", 246, [0, 0, 0, 0]), ("fsopen", 430, [0, 0]), ("memfd_create", 319, [0, 0])),
    ]
    assert thread  # threads themselves are allowed: see below
    assert inside(sandbox, refused, calls) == []


def families():
    """Return the kinds of sockets that can be made, alone and in pairs, and which of the kernel's it answers."""
    import socket

    made, pairs = [], []
    for family in range(64):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            for protocol in range(3):
                try:
                    socket.socket(family, kind, protocol).close()
                except (OSError, OverflowError):
                    continue
                made.append((family, protocol))
        try:
            for one in socket.socketpair(family):
                one.close()
            pairs.append(family)
        except (OSError, ValueError, OverflowError):
            pass
    netlink = sorted({protocol for family, protocol in made if family == 16})
    return sorted({family for family, _ in made}), sorted(set(pairs)), netlink


def test_only_sockets_of_a_few_kinds_can_be_made(sandbox):
    made, pairs, netlink = inside(sandbox, families)
    assert set(made) <= {1, 2, 10, 16}  # unix, inet, inet6; netlink for the C library
    assert 1 in made
    assert pairs == [1]
    assert netlink == [0]


def choose_a_core():
    """Ask for each core alone, in this thread and in a child; return whether anything refuses."""
    import os

    for core in range(os.cpu_count()):
        os.sched_setaffinity(0, {core})
        if (pid := os.fork()) == 0:
            os.sched_setaffinity(0, {core})
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    os.sched_setaffinity(0, {0})
    return True


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_code_does_not_choose_its_core(sandbox):
    for core in sorted(os.sched_getaffinity(0))[-2:]:
        sandbox.pin({core})
        assert inside(sandbox, choose_a_core)
        assert all(os.sched_getaffinity(pid) == {core} for pid in sandbox._stopped)
    sandbox.pin(os.sched_getaffinity(0))


def other_table():
    """Call ptrace by its number in the table of x32 in a child; return how that ended."""
    import ctypes
    import os

    if (pid := os.fork()) == 0:
        ctypes.CDLL(None).syscall(0x40000000 + 521, 0, 0, 0, 0)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x32 is a table of x86-64")
def test_another_table_of_system_calls_is_no_way_round(sandbox):
    assert inside(sandbox, other_table) == 31  # SIGSYS


def test_what_exercises_do_works(sandbox):
    assert inside(sandbox, ordinary) == [3, 4, "abc", 1 << 16, "00000000", True]


def file_systems():
    import os
    import tempfile
    from pathlib import Path

    kinds = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        kinds[place] = kind
    where = max((p for p in kinds if os.getcwd().startswith(p)), key=len)
    return os.getcwd(), tempfile.gettempdir(), where, kinds


def test_it_stands_in_a_folder_on_a_disk(sandbox):
    here, temporary, mount, kinds = inside(sandbox, file_systems)
    assert here == temporary == mount == scratch.PLACE
    on = subprocess.run(["stat", "-f", "-c", "%T", scratch.PLACES[0]], capture_output=True, text=True).stdout
    assert ("tmpfs" in on) == (kinds[scratch.PLACE] == "tmpfs")
    assert kinds["/tmp"] == kinds["/dev/shm"] == "tmpfs"


# What it holds, and where there is none


def library():
    from pathlib import Path

    import perflab

    package = Path(perflab.__file__).parent
    return str(package), sorted(path.name for path in package.iterdir() if path.name != "__pycache__")


def test_its_library_lacks_the_judge_the_course_and_what_is_forbidden(served):
    forbids = "perflab.machine", "perflab.claims"
    one = started(forbids=forbids)
    try:
        where, names = inside(one, library)
        hidden = ["perflab.judge", "perflab.course", "perflab.machine", "perflab.claims"]
        assert where == ("/opt/perflab/perflab" if served == "started" else f"{copied(forbids)}/perflab")
        assert {"check", "guest", "models", "timing"} <= set(names)
        assert not {"judge", "course", "cli", "sphinxext", "machine", "claims.py"} & set(names)
        assert inside(one, imported, hidden) == []
        assert inside(one, imported, ["perflab.timing"]) == ["perflab.timing"]
        assert inside(one, answers) == []
    finally:
        one.close()


def imported(names):
    import importlib

    found = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found.append(name)
    return found


def answers():
    """Look for sources of the course wherever there may be some."""
    import os

    marks = ("solutions", "exercises", "gradebook.db", "curriculum.yml")
    return [
        os.path.join(folder, name)
        for folder, names, files in os.walk("/")
        if not folder.startswith(("/proc", "/usr/lib", "/usr/share")) and "site-packages" not in folder
        for name in (*names, *files)
        if name in marks
    ]


def test_the_limits_in_force_are_said(sandbox):
    assert set(sandbox.in_force) >= {"sandbox", "user", "system calls", "network", "memory", "processes", "wall"}
    group = Cgroup(LIMITS)
    try:
        assert sandbox.in_force["memory"] == group.holds.get("memory", "watchdog")
    finally:
        group.remove()


def test_control_groups_are_removed():
    one = started()
    folders = list(one._cgroup.folders)
    inside(one, start_counting)
    one.close()
    assert not [folder for folder in folders if folder.exists()]


def test_without_a_sandbox_nothing_is_graded(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    bubblewrap.missing.cache_clear()
    try:
        with pytest.raises(NoSandboxError, match=r"apt-get install bubblewrap[\s\S]*--unsafe-no-sandbox"):
            Settings().starter()
        with pytest.raises(NoSandboxError, match="no sandbox"):
            bubblewrap.start(LIMITS, "plain")
        Settings("none").starter()
    finally:
        monkeypatch.undo()
        bubblewrap.missing.cache_clear()


@pytest.mark.skipif(podman.missing() is not None, reason=f"not tried here: {podman.missing()}")
def test_podman_starts_one():
    one = podman.start(LIMITS, "plain")
    one.ready()
    one.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests are run by an ordinary user already")
def test_all_this_holds_for_an_ordinary_user(tmp_path):
    """Run these files as another user, whose sandbox needs a user namespace."""
    user = next((u for u in pwd.getpwall() if u.pw_uid >= 1000 and u.pw_name != "nobody"), None)
    if user is None:
        pytest.skip("there is no ordinary user on this machine")
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=-all"]
    can = [*become, sys.executable, "-c", f"import sys, perflab; sys.exit(sys.base_prefix != {sys.base_prefix!r})"]
    if subprocess.run(can, capture_output=True, cwd="/", check=False).returncode:
        pytest.skip(f"{user.pw_name} may not run {sys.executable}")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, user.pw_uid, user.pw_gid)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    files = sorted(map(str, Path(__file__).parent.glob("test_sandbox*.py")))
    command = [*become, sys.executable, "-m", "pytest", *files, "-q", "-p", "no:cacheprovider", "--rootdir=/"]
    env = {**os.environ, "HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=home, timeout=NET, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
