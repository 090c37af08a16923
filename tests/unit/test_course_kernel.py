"""A kernel of a check finds nothing of this machine's in its way, and no cell holds it for ever."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from nbformat.v4 import new_code_cell
from tempo import NET

from perflab.course.kernel import MOST_OUTPUT, file_of, start

LONG = NET  # what ends by itself may take them on a busy machine
SHORT = 0.5  # what never ends needs no more
LOOP = "def spin():\n    n = 0\n    while True:\n        n += 1\n"
COMPILED = (
    "from numba import njit\n@njit\ndef forever(n):\n    while n:\n        n += 0\n    return n\n"
    "forever(0)\n"  # compiled now, it takes no time later
)


def run(*cells, environment=None):
    """Run cells, pairs of source and limit, in one kernel; return for each its ending and its text."""

    async def all_of_them():
        async with start(environment) as kernel:
            found = []
            for source, limit in cells:
                cell = new_code_cell(source)
                ending = await kernel.run(cell, limit)
                found.append((ending, "".join(o.get("text") or o.get("evalue", "") for o in cell.outputs)))
            return found

    # In a thread of its own: a browser of other tests keeps a loop running in this one.
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, all_of_them()).result()


def test_what_never_ends_is_stopped_where_it_is_and_the_kernel_goes_on():
    cells = [
        (LOOP, LONG),
        ("spin()", SHORT),
        ("print('alive')", LONG),
        ("while True:\n    print('x' * 999)", SHORT),
    ]
    _, (late, _), (_, alive), (_, flood) = run(*cells, ("print('still')", LONG))[:4]
    assert late.how == "late"
    place = late.stack[0]
    assert (place.file, place.function) == (file_of(LOOP), "spin")
    assert place.line in (3, 4)
    assert alive == "alive\n"
    assert len(flood) <= MOST_OUTPUT


def test_compiled_code_that_never_ends_costs_the_kernel():
    _, (ending, _) = run((COMPILED, LONG), ("forever(3)", SHORT))
    assert ending.how == "killed"
    assert ending.stack[0].file == file_of("forever(3)")


@pytest.mark.parametrize(
    ("source", "status"),
    [("import os\nos._exit(3)", 3), ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", -11)],
)
def test_a_kernel_that_dies_leaves_its_status_and_its_line(source, status):
    ((ending, _),) = run((source, LONG))
    assert (ending.how, ending.status) == ("died", status)
    if status < 0:
        assert (ending.stack[0].file, ending.stack[0].line) == (file_of(source), 2)


@pytest.mark.parametrize("end", ["", "import os\nos._exit(3)"], ids=["stopped", "died"])
def test_what_a_cell_has_started_ends_with_the_kernel(end):
    child = "import os, time\nchild = os.fork()\nwhile not child:\n    time.sleep(1)\nprint(child)"
    (_, text), _ = run((child, LONG), (end, LONG))
    deadline = time.monotonic() + LONG
    while _is_running(int(text)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(int(text))


def _is_running(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def littered(tmp_path, monkeypatch):
    """Put everything in the way that a learner's machine may have."""
    (tmp_path / "random.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "start.py").write_text("started = True")
    profile = tmp_path / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "10.py").write_text("started = True")
    (profile / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity = 'all'")
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    monkeypatch.chdir(tmp_path)
    own = {"IPYTHONDIR": profile.parent, "PYTHONSTARTUP": tmp_path / "start.py", "PYTHONPATH": tmp_path}
    for name, value in {**own, "JUPYTER_DATA_DIR": tmp_path / "jupyter", "NUMBA_DISABLE_JIT": "1"}.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("littered")
def test_nothing_of_this_machine_is_in_the_way():
    probe = "import os, random\nprint(os.listdir(), 'started' in globals(), os.environ.get('NUMBA_DISABLE_JIT'))"
    ((ending, text),) = run((probe, LONG))
    assert ending.how == "done"
    assert text == "[] False None\n"
    assert set(os.listdir()) == {"random.py", "start.py", "ipython", "jupyter"}
