"""Sandboxes that are forks of one process a submission, and graders that keep to cores of their own."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from probing import LIMITS, inside

from perflab.course import read
from perflab.course.notebook import instructor, to_bytes
from perflab.judge import bubblewrap
from perflab.judge import examine as examination
from perflab.judge.lane import lane, seat
from perflab.judge.sample import submissions
from perflab.judge.sandbox import DiedError, SandboxError
from perflab.judge.settings import Settings
from perflab.judge.verdict import Verdict
from perflab.judge.zygote import Zygote, ZygoteError

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")
root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's sandboxes start by themselves")


@pytest.fixture
def two():
    """Two sandboxes of one submission."""
    with bubblewrap.kin(LIMITS, ()) as start:
        both = start("notebook", ()), start("plain", ("perflab.machine",))
        for one in both:
            one.ready()
        yield both
        for one in both:
            one.close()


def leave(word):
    import os
    import sys

    import perflab

    perflab.LEFT = word
    for folder in ("/tmp", "/dev/shm", "/scratch"):
        with open(f"{folder}/left", "w") as file:
            file.write(word)
    return [os.getpid(), word in sys.modules]


def found():
    import os

    import perflab

    left = [folder for folder in ("/tmp", "/dev/shm", "/scratch") if os.path.exists(f"{folder}/left")]
    return [left, hasattr(perflab, "LEFT"), sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())]


@root
def test_what_happens_in_one_is_not_seen_in_the_other(two):
    student, room = two
    inside(student, leave, "word")
    assert inside(room, found) == [[], False, [1, 2, 3]]
    own = [Path(f"/proc/{one._stopped[-1]}/ns/{kind}").readlink() for one in two for kind in ("mnt", "pid", "net")]
    assert len(set(own)) == 6


@root
def test_each_lacks_what_it_is_to_lack(two):
    def machine():
        import importlib.util

        return importlib.util.find_spec("perflab.machine") is not None

    import inspect
    import textwrap

    source = textwrap.dedent(inspect.getsource(machine)) + "\nfound = machine()\nassert found is {}\n"
    for one, expected in zip(two, (True, False), strict=True):
        assert "error" not in one.ask({"do": "cell", "source": source.format(expected)})[0]


@root
def test_two_submissions_have_no_process_in_common():
    with bubblewrap.kin(LIMITS, ()) as first, bubblewrap.kin(LIMITS, ()) as second:
        both = first("plain", ()), second("plain", ())
        for one in both:
            one.ready()
        parents = {_parent(one._stopped[-1]) for one in both}
        for one in both:
            one.close()
    assert len(parents) == 2
    assert os.getpid() not in parents
    assert not any(Path(f"/proc/{pid}").exists() for pid in parents)


@root
def test_the_process_of_the_next_submission_starts_in_time_that_nobody_wants():
    with bubblewrap.kin(LIMITS, (), more=True):
        (zygote,) = bubblewrap._ahead.values()
        ahead = zygote._process.pid
        assert os.sched_getscheduler(ahead) == os.SCHED_IDLE
        assert zygote.alive
    core = {max(os.sched_getaffinity(0))}
    with _kept_to(core), bubblewrap.kin(LIMITS, ()) as start:
        one = start("plain", ())
        one.ready()
        assert _parent(one._stopped[-1]) == ahead
        # It is as any other then, and where its judge is.
        for pid in (ahead, one._stopped[-1]):
            assert os.sched_getscheduler(pid) == os.SCHED_OTHER
            assert os.sched_getaffinity(pid) == core
        one.close()
    assert not bubblewrap._ahead


@root
@pytest.mark.parametrize("what", ["other limits", "it has ended", "none follows"])
def test_what_was_started_for_another_submission_is_not_used(what):
    with bubblewrap.kin(LIMITS, (), more=True):
        ahead = bubblewrap._ahead[LIMITS, ()]._process
    if what == "it has ended":
        ahead.kill()
        ahead.wait()
    if what == "none follows":
        bubblewrap.end_ahead()
    with bubblewrap.kin(replace(LIMITS, processes=20) if what == "other limits" else LIMITS, ()) as start:
        one = start("plain", ())
        one.ready()
        assert _parent(one._stopped[-1]) != ahead.pid
        one.close()
    assert ahead.poll() is not None
    assert not bubblewrap._ahead


UNPRIVILEGED = """
from perflab.judge import bubblewrap
from probing import LIMITS
for _ in range(2):
    with bubblewrap.kin(LIMITS, (), more=True) as start:
        one = start("plain", ())
        one.ready()
        print(one.in_force["process"], len(bubblewrap._ahead))
        one.close()
"""


@root
def test_where_no_process_may_be_hurried_none_waits():
    """As in a container whose root may do little: what waits there would wait for ever."""
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", sys.executable, "-c", UNPRIVILEGED],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["a fork of this submission's own 0"] * 2, done.stderr


@contextmanager
def _kept_to(cores):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def descriptors():
    import os

    return sorted(
        os.readlink(f"/proc/self/fd/{fd}").split(":")[0]
        for fd in range(3, 256)
        if os.path.lexists(f"/proc/self/fd/{fd}")
    )


@root
def test_a_fork_has_no_descriptors_but_those_of_the_judge(two):
    for one in two:
        found = [what for what in inside(one, descriptors) if "history.sqlite" not in what]
        assert found == ["/memfd", "/memfd", "socket"]
        # What keeps the sandbox open has none of them: the judge would not notice that a fork has ended.
        keepers = one._stopped[:-1]
        kept = [os.readlink(fd) for pid in keepers for fd in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [what for what in kept if "memfd" in what or "socket" in what]


def reach():
    """Try to look at, stop and end the other processes of the sandbox; return which let that happen."""
    import os
    import signal

    reached = []
    for pid in (1, 2):
        for what in ("mem", "environ", "maps", "fd"):
            try:
                path = f"/proc/{pid}/{what}"
                os.listdir(path) if what == "fd" else open(path, "rb").close()
                reached.append([pid, what])
            except OSError:
                pass
        for number in (signal.SIGSTOP, signal.SIGKILL):
            try:
                os.kill(pid, number)
                reached.append([pid, number])
            except OSError:
                pass
    return reached


@root
def test_what_keeps_a_sandbox_open_is_out_of_reach(two):
    assert inside(two[0], reach) == []


@pytest.fixture
def cold():
    """Forget afterwards that forks do not work here."""
    yield bubblewrap._cold
    bubblewrap._cold.clear()
    examination._close()


@root
def test_where_forks_cannot_enter_a_sandbox_starts_by_itself(cold, monkeypatch):
    def refuse(*_):
        raise ZygoteError("setns: Operation not permitted")

    monkeypatch.setattr(Zygote, "fork", refuse)
    exercise = read(ROOT / "solutions" / "memory" / "soa_vs_aos.py")
    notebook = submissions(exercise, {})["untouched"]
    trusted = to_bytes(instructor(exercise)).decode()
    # Where the helper is that does the work, so that it knows of this.
    given = trusted, to_bytes(notebook).decode(), Settings().to_dict()
    verdict = Verdict.from_json(examination._examine(*given, None, False, False, False))
    assert not verdict.problem
    assert len(verdict.cells) == len(exercise.of_role("tests"))
    assert cold == ["setns: Operation not permitted"]


@root
def test_a_fork_that_cannot_become_what_it_is_to_be_ends(cold, monkeypatch):
    """It has rights until then; the judge hears why."""
    fork = Zygote.fork
    monkeypatch.setattr(
        Zygote, "fork", lambda self, target, groups, _, *rest: fork(self, target, groups, "/nowhere", *rest)
    )
    with bubblewrap.kin(LIMITS, ()) as start:
        one = start("plain", ())
        with pytest.raises(SandboxError, match="No such file or directory: '/nowhere'"):
            one.ready()
        assert not one.alive
    assert "/nowhere" in cold[0]


SEATED = """
import os
from perflab.judge.lane import lane, seat
with seat() as cores:
    with lane() as core, lane() as again:
        print(*os.sched_getaffinity(0), core, again, *sorted(cores), flush=True)
    input()
print(*sorted(os.sched_getaffinity(0)))
"""


def test_graders_keep_to_cores_of_their_own(tmp_path, monkeypatch):
    # Other graders on this machine have seats too.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cores = sorted(os.sched_getaffinity(0))
    graders = [
        subprocess.Popen(
            [sys.executable, "-c", SEATED],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            text=True,
        )
        for _ in cores
    ]
    said = [list(map(int, grader.stdout.readline().split())) for grader in graders]
    assert sorted(words[0] for words in said) == cores
    for words in said:
        assert words[:3] == [words[0]] * 3
        assert words[3:] == cores
    with seat() as here, lane() as core:
        # No seat is free: this one stays where it is, and the lane is on the last core.
        assert os.sched_getaffinity(0) == here == set(cores)
        assert core == cores[-1]
    for grader in graders:
        assert list(map(int, grader.communicate("\n")[0].split())) == cores


def test_an_ordinary_users_sandboxes_start_by_themselves(monkeypatch):
    """Forks would execute files in mounts that can be written to, as the user who owns them."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bubblewrap, "Zygote", None)
    with bubblewrap.kin(LIMITS, ()) as start:
        assert start.func is bubblewrap.start


@root
def test_the_number_of_a_fork_that_ended_stays_its_own(two):
    """Whoever took it for another process would stop or kill that one."""
    fork = two[1]._stopped[-1]
    os.kill(fork, 9)
    os.kill(fork, 18)
    with pytest.raises(DiedError, match="SIGKILL"):
        inside(two[1], found)
    assert not Path(f"/proc/{fork}").exists()
