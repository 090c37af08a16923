"""A class at once: examinations side by side, one writer to the gradebook, and nothing done twice."""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from perflab.course.errors import CourseError
from perflab.judge.examine import TRIES, examine, refused
from perflab.judge.intake import make_readable
from perflab.judge.plugin import VERDICTS, text_of
from perflab.judge.settings import Settings
from perflab.judge.store import Store, key
from perflab.judge.verdict import Verdict

MARK = ".perflab"  # in a graded submission's folder: the verdicts that the gradebook has
LOST = (BrokenProcessPool, OSError)
LOCAL = "local"  # in place of a cluster's address
PR_SET_PDEATHSIG = 1
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h

Report = Callable[[int, int], None]
Open = Callable[[], Executor]


@dataclass(frozen=True)
class Work:
    """One notebook of one student.

    Attributes
    ----------
    student, notebook : str
    trusted, submitted : str
        Texts of the instructor's and of the student's file.
    key : str
        Of its verdict.
    """

    student: str
    notebook: str
    trusted: str
    submitted: str
    key: str


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    verdicts : dict of Verdict
        By student and notebook.
    examined : int
        How many verdicts were made now, not found.
    written : int
        How many students' grades were written now.
    """

    verdicts: dict[tuple[str, str], Verdict]
    examined: int
    written: int


def collect(root: Path, assignment: str, settings: Settings) -> list[Work]:
    """Return what there is to grade, in the order of names.

    Raises
    ------
    CourseError
        If there is no such assignment, or nobody handed in anything.
    """
    sources = {path.stem: path.read_text() for path in sorted((root / "source" / assignment).glob("*.ipynb"))}
    if not sources:
        raise CourseError(
            f"{root}: no assignment {assignment}. Run `perflab class`, then nbgrader generate_assignment."
        )
    folders = sorted(path for path in (root / "submitted").glob(f"*/{assignment}") if path.is_dir())
    if not folders:
        raise CourseError(
            f"{root}: nobody has handed in {assignment}. Collect first: nbgrader collect or zip_collect."
        )
    work = []
    for folder in folders:
        for name, trusted in sources.items():
            path = folder / f"{name}.ipynb"
            if not os.path.lexists(path):
                continue
            make_readable(assignment, folder.parent.name, [str(path)])
            submitted = text_of(path)
            work.append(Work(folder.parent.name, name, trusted, submitted, key(trusted, submitted, settings)))
    return work


def grade(
    root: Path, assignment: str, config: Config, settings: Settings, open_pool: Open, report: Report
) -> Outcome:
    """Grade all submissions of an assignment and write the gradebook.

    Verdicts are kept as they come, so that a run that was killed goes on where it was.

    Parameters
    ----------
    root : Path
        The class.
    assignment : str
    config : Config
        nbgrader's.
    settings : Settings
    open_pool : callable
        Returns an executor; called again if that breaks.
    report : callable
        ``report(done, of)``, in submissions.
    """
    settings.starter()  # no sandbox: say so before anything begins
    work = collect(root, assignment, settings)
    store = Store(root / VERDICTS)
    found = {one.key: verdict for one in work if (verdict := store.get(one.key)) is not None}
    examined = len({one.key for one in work} - set(found))
    writer = _Writer(root, assignment, config, work)
    writer.write(found)
    report(len(found), len(found) + examined)

    def keep(one: Work, verdict: Verdict) -> None:
        found[one.key] = verdict
        store.put(one.key, verdict)
        writer.write(found)
        report(len(found), len(found) + examined)

    noisy = []
    for one, verdict in _side_by_side([one for one in work if one.key not in found], settings, open_pool):
        # Points that were too noisy to say wait until the machine has nothing else to do.
        if verdict.unsure:
            noisy.append(one)
        else:
            keep(one, verdict)
    for one in noisy:
        for again, verdict in _side_by_side([one], settings, open_pool, quiet=True):
            keep(again, verdict)
    return Outcome({(one.student, one.notebook): found[one.key] for one in work}, examined, writer.written)


def _side_by_side(
    work: list[Work], settings: Settings, open_pool: Open, quiet: bool = False
) -> Iterator[tuple[Work, Verdict]]:
    """Examine submissions in a pool, equal ones once; yield each as it is done. A broken pool is made anew."""
    left = {one.key: one for one in work}
    tried = dict.fromkeys(left, 0)
    while left:
        with open_pool() as pool:
            asked = {
                pool.submit(examine, one.trusted, one.submitted, settings.to_dict(), quiet=quiet): one
                for one in left.values()
            }
            try:
                for future in as_completed(asked):
                    one = asked[future]
                    yield one, Verdict.from_json(future.result())
                    del left[one.key]
            except LOST as error:
                # Which of them took the worker down is not known: each of those that are left has a try less.
                for name in left:
                    tried[name] += 1
                for name in [name for name in left if tried[name] >= TRIES]:
                    one = left.pop(name)
                    why = f"The grader failed, not the student: a worker was lost ({type(error).__name__})."
                    yield one, refused(nbformat.reads(one.trusted, as_version=4), why, problem=True)


class _Writer:
    """The one writer to the gradebook: it runs nbgrader's own autograde, which finds the verdicts in the store."""

    def __init__(self, root: Path, assignment: str, config: Config, work: list[Work]) -> None:
        self._root, self._assignment = root, assignment
        self._api = NbGraderAPI(config=config)
        self._left: dict[str, dict[str, str]] = {}
        self.written = 0
        for one in work:
            self._left.setdefault(one.student, {})[one.notebook] = one.key
        for student in [name for name, keys in self._left.items() if self._is_written(name, keys)]:
            del self._left[student]

    def write(self, found: dict[str, Verdict]) -> None:
        """Write the grades of all students whose verdicts are complete."""
        for student, keys in list(self._left.items()):
            if not set(keys.values()) <= set(found):
                continue
            reply = self._api.autograde(self._assignment, student, force=True)
            if not reply["success"]:
                raise CourseError(f"nbgrader could not write {student}'s grades:\n{reply.get('log')}")
            self._mark(student).write_text(json.dumps(keys))
            del self._left[student]
            self.written += 1

    def _mark(self, student: str) -> Path:
        # In the folder that nbgrader makes anew: a grading of its own takes the mark away.
        return self._root / "autograded" / student / self._assignment / MARK

    def _is_written(self, student: str, keys: dict[str, str]) -> bool:
        try:
            if json.loads(self._mark(student).read_text()) != keys:
                return False
            with Gradebook(self._api.coursedir.db_url) as gradebook:
                gradebook.find_submission(self._assignment, student)
        except (OSError, ValueError, MissingEntry):
            return False
        return True


def local_pool(jobs: int) -> Open:
    """Return what opens a pool of processes on this machine."""
    return partial(
        ProcessPoolExecutor, jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    )


@contextmanager
def cluster(address: str, jobs: int) -> Iterator[Open]:
    """Connect to a dask cluster, or start one on this machine; yield what opens a pool there.

    Parameters
    ----------
    address : str
        Of the scheduler, e.g. ``tcp://10.0.0.5:8786``, or "local".
    jobs : int
        Workers of a local cluster.

    Raises
    ------
    CourseError
        If nobody answers there.
    """
    from dask.distributed import Client, LocalCluster

    try:
        own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
        client = Client(LocalCluster(**own)) if address == LOCAL else Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise CourseError(f"{address}: no dask scheduler answers ({error}). Start one: dask scheduler.") from error
    with client:
        yield lambda: client.get_executor(pure=False)
        if address == LOCAL:
            client.cluster.close()


def _begin(parent: int) -> None:
    """Make this process end with its parent, even if that is killed, and keep the memory that it once got."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Arrays come and go by the hundred; fresh pages for each took a fifth of all time.
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, 1 << 30)
    if os.getppid() != parent:
        os._exit(1)
