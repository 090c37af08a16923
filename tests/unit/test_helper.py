"""A helper process: what a request does to it costs that request, and nothing is left."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tempo import NET

from perflab.judge.helper import Allowance, Helper, HelperError, SpentError, ending
from perflab.judge.limits import Limits

MIB = 1 << 20
kept = []


def loop():
    while True:
        pass


def loop_in_c():
    """Count in one call that looks at no signal."""
    return sum(range(10**15))


def fill():
    whole = []
    while True:
        whole.append(np.ones(MIB))


def deep():
    tree = []
    for _ in range(50_000):
        tree = [tree]
    return repr(tree)


def keep(what):
    kept.append(what)
    return kept


def describe():
    files = {
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    }
    return sorted(files), resource.getrlimit(resource.RLIMIT_DATA)[0]


TASKS = {
    "answer": lambda what: what,
    "keep": keep,
    "pid": os.getpid,
    "describe": describe,
    "loop": loop,
    "loop_in_c": loop_in_c,
    "fill": fill,
    "deep": deep,
    "raise": lambda: {}["nothing"],
    "exit": lambda: os._exit(3),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "crash": lambda: ctypes.string_at(0),
    "leave": sys.exit,
    "sleep": lambda: time.sleep(60),
    "no_json": lambda: {1, 2},
}


@pytest.fixture
def buried():
    return []


@pytest.fixture
def helper(buried):
    one = Helper(TASKS, Allowance(cpu=1, memory=256 * MIB), bury=buried.append)
    yield one
    one.end()


def test_it_answers_and_stays_for_the_next_request(helper):
    assert helper.ask("answer", NET, what={"a": [1, "\ud800", None]}) == {"a": [1, "\ud800", None]}
    assert helper.ask("keep", NET, what=1) == [1]
    assert helper.ask("keep", NET, what=2) == [1, 2]
    assert kept == []
    assert helper.ask("pid", NET) == helper.ask("pid", NET) != os.getpid()


@pytest.mark.parametrize(
    ("task", "kind", "said"),
    [
        ("loop", SpentError, "more than 1 s of CPU time"),
        ("loop_in_c", SpentError, "more than 1 s of CPU time"),
        ("fill", SpentError, "more memory"),
        ("sleep", SpentError, "more than 0.5 s"),
        ("deep", HelperError, "RecursionError"),
        ("raise", HelperError, "KeyError: 'nothing'"),
        ("no_json", HelperError, "TypeError"),
        ("leave", HelperError, "lost"),
        ("exit", HelperError, "exit code 3"),
        ("kill", HelperError, "SIGKILL"),
        ("crash", HelperError, "SIGSEGV"),
    ],
)
def test_whatever_a_request_does_costs_it_alone(helper, buried, task, kind, said):
    before = helper.ask("pid", NET)
    with pytest.raises(HelperError, match=said) as caught:
        helper.ask(task, 0.5 if task == "sleep" else NET)
    assert type(caught.value) is kind
    # A new one answers; of the old one nothing is left, and who asks knows which it was.
    assert helper.ask("pid", NET) != before
    assert buried == [before]
    assert not Path(f"/proc/{before}").exists()


def test_each_request_has_the_whole_allowance(helper):
    def work():
        end = time.process_time() + 0.6
        while time.process_time() < end:
            pass

    helper.end()
    helper._tasks = {**TASKS, "work": work}
    for _ in range(4):
        helper.ask("work", NET)


def test_it_shares_no_files_with_who_asks(helper, tmp_path):
    with open(tmp_path / "gradebook", "w"):
        files, memory = helper.ask("describe", NET)
    assert not [name for name in files if "gradebook" in name]
    assert len([name for name in files if name.startswith("socket:")]) == 1
    assert memory != resource.getrlimit(resource.RLIMIT_DATA)[0]


def test_what_it_starts_in_a_sandbox_has_the_limits_of_a_sandbox():
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])"

    def child():
        words = [*Limits().prlimit(None), sys.executable, "-c", program]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    one = Helper({"child": child}, Allowance(cpu=10, memory=256 * MIB))
    try:
        assert one.ask("child", NET) == most
    finally:
        one.end()


def test_a_fork_of_who_asks_has_a_helper_of_its_own(helper):
    pid = helper.ask("pid", NET)
    if (child := os.fork()) == 0:
        try:
            others = {helper.ask("pid", NET) for _ in range(2)}
            helper.end()
            os._exit(len(others) != 1 or pid in others)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    if (child := os.fork()) == 0:
        try:
            helper.end()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert helper.ask("pid", NET) == pid


def test_what_it_keeps_is_let_go_of_when_it_ends(tmp_path):
    one = Helper(TASKS, Allowance(cpu=1, memory=256 * MIB), close=(tmp_path / "closed").touch)
    one.ask("pid", NET)
    assert not (tmp_path / "closed").exists()
    one.end()
    one.end()
    assert (tmp_path / "closed").exists()


def test_what_it_keeps_is_let_go_of_when_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr("perflab.judge.helper.IDLE", 0.05)
    one = Helper(TASKS, Allowance(cpu=1, memory=256 * MIB), close=(tmp_path / "closed").touch)
    before = one.ask("pid", NET)
    wait_for((tmp_path / "closed").exists)
    assert one.ask("pid", NET) == before
    one.end()


ASKER = """
import os, pathlib, sys, time
from perflab.judge.helper import Allowance, Helper
def nap():
    print(os.getpid(), file=sys.stderr, flush=True)
    time.sleep(600)
one = Helper({"nap": nap}, Allowance(cpu=1, memory=1 << 28), close=pathlib.Path(sys.argv[1]).touch)
one.ask("nap", 600)
"""


def test_it_ends_with_who_asks_even_in_the_middle(tmp_path):
    closed = tmp_path / "closed"
    asker = subprocess.Popen([sys.executable, "-c", ASKER, str(closed)], stderr=subprocess.PIPE, text=True)
    pid = int(asker.stderr.readline())
    asker.kill()
    asker.wait()
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert closed.exists()
    asker.stderr.close()


def wait_for(what):
    deadline = time.monotonic() + NET
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("code", "said"),
    [(0, "exit code 0"), (200, "exit code 200"), (-11, "SIGSEGV"), (-50, "signal 50"), (-99, "signal 99")],
)
def test_every_ending_can_be_said(code, said):
    assert ending(code) == said
