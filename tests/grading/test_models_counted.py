"""Counts of models are the same in the judge's clean room as in a learner's kernel."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from perflab.check.admission import admitted
from perflab.check.bench import ForbiddenError, FunctionFailedError, LocalBench
from perflab.judge import bubblewrap
from perflab.judge.exam import Exam
from perflab.judge.library import library
from perflab.judge.remote import RemoteBench
from perflab.judge.settings import Settings

pytestmark = pytest.mark.skipif(bubblewrap.missing() is not None, reason=f"no sandbox: {bubblewrap.missing()}")

CODE = """
import numpy as np
from numba import njit

@njit
def compact(levels):
    found = np.zeros(levels.size, np.int64)
    n = 0
    for i in range(levels.size):
        if levels[i] >= 128:
            found[n] = i
            n += 1
    return found[:n]

@njit
def listed(levels):
    return np.array([i for i in range(levels.size) if levels[i] >= 128])
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Return what makes the local and the remote bench of a function."""
    path = tmp_path_factory.mktemp("code") / "code.py"
    path.write_text(CODE)
    names = {}
    exec(compile(CODE, str(path), "exec"), names)
    room = Settings().starter()("plain", ())
    room.ready()
    for cell in admitted([CODE], {"compact", "listed"}):
        room.ask({"do": "cell", "source": cell})

    def here(*names):
        return room

    def made(name):
        remote = RemoteBench(here, name, 0, {}, lambda args: 0.0, here, here, lambda metric: 0.0)
        return LocalBench(names[name]), remote

    yield made
    room.close()


@pytest.mark.parametrize("metric", ["mispredictions", "mispredictions:bimodal"])
def test_mispredictions_are_the_same_everywhere(bench, metric):
    levels = np.random.default_rng(5).integers(0, 256, 3000, dtype=np.uint8)
    counts = []
    for side in bench("compact"):
        staged = side.stage((levels,))
        counts.append(side.count(staged, metric))
        assert side.collect(staged)[0].tolist() == np.flatnonzero(levels >= 128).tolist()
    assert counts[0] == counts[1]
    assert 1200 < counts[0] < 1800


@pytest.mark.parametrize("metric", ["misses", "misses:L2"])
def test_misses_are_the_same_everywhere(bench, metric):
    levels = np.full(3000, 200, np.uint8)
    for side in bench("compact"):
        staged = side.stage((levels,))
        # 47 lines of levels; 375 of found, which is zeroed first: of its 24 KB nothing is lost before it is used.
        assert side.count(staged, metric) == 47 + 375
        assert side.collect(staged)[0].size == 3000


def test_accesses_are_the_same_everywhere(bench):
    levels = np.full(3000, 200, np.uint8)
    for side in bench("compact"):
        # A level is read, and its number stored into an array that was zeroed first.
        assert side.count(side.stage((levels,)), "accesses") == 3 * 3000


def test_the_clean_room_has_the_models_that_an_exercise_forbids():
    started = []

    class Room:
        alive = True

        def ready(self):
            pass

        def ask(self, message):
            return {"ok": True}, 0.0, 0.0

    check = new_code_cell("check.counts(fn, 'lines')", metadata={"nbgrader": {"grade": True, "points": 1}})
    answer = new_code_cell("def fn(x):\n    return x", metadata={"nbgrader": {"solution": True}})
    check.metadata.nbgrader.grade_id, answer.metadata.nbgrader.grade_id = "tests", "answer"
    notebook = new_notebook(cells=[answer, check])
    nothing = {"given": (), "types": {}, "defined": {}, "overhead": None, "idle": None}
    trusted = SimpleNamespace(forbids=("perflab.models.cache",), notebook=notebook, **nothing)
    exam = Exam(trusted, notebook, lambda shell, forbids: started.append((shell, forbids)) or Room())
    exam._rooms.add(answer.source, ["fn"])
    exam._rooms.clean("fn")
    assert started == [("notebook", trusted.forbids), ("plain", ())]
    with pytest.raises(ForbiddenError, match=r"an import of perflab\.models"):
        admitted(["from perflab.models import cache\n\ndef fn(x):\n    return cache.replay(x)"], {"fn"})


def test_what_an_exercise_needs_works_without_the_memory_models():
    where = library(("perflab.models.cache", "perflab.models.coherence"))
    code = f"""import sys
sys.path[:0] = [{str(where)!r}]
from perflab import check, machine, pictures
import perflab.guest.worker, perflab.models.metrics
try:
    import perflab.models.cache
except ImportError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "No module named 'perflab.models.cache'\n"


def test_what_cannot_be_watched_says_so_everywhere(bench):
    for side in bench("listed"):
        with pytest.raises(FunctionFailedError, match=r"listed cannot be counted.*write it as a loop"):
            side.count(side.stage((np.zeros(9, np.uint8),)), "mispredictions")
