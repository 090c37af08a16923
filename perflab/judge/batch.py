"""A class at once: examinations side by side, one writer to the gradebook, and nothing done twice."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from perflab.course.errors import CourseError
from perflab.judge.examine import TRIES, examine, refused
from perflab.judge.gradebook import check_released, one_engine, url_of
from perflab.judge.intake import make_readable
from perflab.judge.plugin import VERDICTS, text_of, unkept
from perflab.judge.pool import Pool
from perflab.judge.sandbox import NoSandboxError
from perflab.judge.settings import Settings
from perflab.judge.store import Store, key
from perflab.judge.verdict import Verdict

MARK = ".perflab"  # in a graded submission's folder: the verdicts that the gradebook has

Report = Callable[[int, int], None]


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
    failed : dict of str
        Why nbgrader could not write a student's grades, by student.
    """

    verdicts: dict[tuple[str, str], Verdict]
    examined: int
    written: int
    failed: dict[str, str]


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
            with suppress(Exception):  # one that cannot be mended costs only itself, further on
                make_readable(assignment, folder.parent.name, [str(path)])
            submitted = text_of(path)
            work.append(Work(folder.parent.name, name, trusted, submitted, key(trusted, submitted, settings)))
    return work


@one_engine()
def grade(root: Path, assignment: str, config: Config, settings: Settings, pool: Pool, report: Report) -> Outcome:
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
    pool : Pool
    report : callable
        ``report(done, of)``, in submissions.

    Raises
    ------
    CourseError
        If there is nothing to grade, or no gradebook that knows the assignment.
    """
    settings.starter()  # no sandbox: say so before anything begins
    work = collect(root, assignment, settings)
    check_released(url_of(root, config), assignment)
    store = Store(root / VERDICTS)
    found = {one.key: verdict for one in work if (verdict := store.get(one.key)) is not None}
    examined = len({one.key for one in work} - set(found))
    writer = _Writer(root, assignment, config, work)
    writer.write(found)
    of = len(found) + examined
    report(len(found), of)

    def keep(one: Work, verdict: Verdict) -> None:
        found[one.key] = verdict
        store.put(one.key, verdict)
        writer.write(found)
        report(len(found), of)

    noisy = []
    for one, verdict in _side_by_side([one for one in work if one.key not in found], settings, pool):
        # Points that were too noisy to say wait until the machine has nothing else to do.
        if verdict.unsure:
            noisy.append(one)
        else:
            keep(one, verdict)
    for one, verdict in _side_by_side(noisy, settings, pool, quiet=True):
        keep(one, verdict)
    return Outcome(
        {(one.student, one.notebook): found[one.key] for one in work}, examined, writer.written, writer.failed
    )


def _side_by_side(
    work: list[Work], settings: Settings, pool: Pool, quiet: bool = False
) -> Iterator[tuple[Work, Verdict]]:
    """Examine submissions in a pool, equal ones once; yield each as it is done. A broken pool is made anew.

    Where it is to be quiet, they come one after the other.
    Whoever was there when a worker was lost is tried again alone, so that it costs nobody else.
    """
    left = {one.key: one for one in work}
    tried: Counter[str] = Counter()
    while left:
        suspects = [one for one in left.values() if tried[one.key]]
        waiting = suspects or list(left.values())
        width = 1 if suspects or quiet else 2 * pool.workers
        for one, outcome in _round(waiting, settings, pool, quiet, width):
            if isinstance(outcome, Verdict):
                del left[one.key]
                yield one, outcome
                continue
            tried[one.key] += 1
            if tried[one.key] >= TRIES:
                del left[one.key]
                why = f"The grader failed, not the student: {type(outcome).__name__}: {outcome}"[:500]
                yield one, refused(nbformat.reads(one.trusted, as_version=4), why, problem=True)


def _round(
    waiting: list[Work], settings: Settings, pool: Pool, quiet: bool, width: int
) -> Iterator[tuple[Work, Verdict | Exception]]:
    """Examine submissions, `width` at once; stop at the first failure of the machinery, yield who was there."""
    asked: dict[Future, Work] = {}
    failed = False
    queue = iter(waiting)
    left = len(waiting)
    with pool.open() as executor:
        while not failed or asked:
            for one in islice(queue, 0 if failed else width - len(asked)):
                left -= 1
                # The last one of each worker is followed by none.
                more = not quiet and left >= pool.workers
                try:
                    future = executor.submit(
                        examine, one.trusted, one.submitted, settings.to_dict(), quiet=quiet, more=more
                    )
                except BrokenExecutor as error:
                    failed = True
                    yield one, error
                    break
                asked[future] = one
            if not asked:
                return
            for future in wait(asked, return_when=FIRST_COMPLETED).done:
                one = asked.pop(future)
                try:
                    yield one, Verdict.from_json(future.result())
                except NoSandboxError:
                    raise
                except Exception as error:  # a worker, a cluster or a disk that is gone
                    failed = True
                    yield one, error


class _Writer:
    """The one writer to the gradebook: it runs nbgrader's own autograde, which finds the verdicts in the store."""

    def __init__(self, root: Path, assignment: str, config: Config, work: list[Work]) -> None:
        self._root, self._assignment = root, assignment
        self._api = NbGraderAPI(config=config)
        self._left: dict[str, dict[str, str]] = {}
        self.written = 0
        self.failed: dict[str, str] = {}
        for one in work:
            self._left.setdefault(one.student, {})[one.notebook] = one.key
        for student in [name for name, keys in self._left.items() if self._is_written(name, keys)]:
            del self._left[student]

    def write(self, found: dict[str, Verdict]) -> None:
        """Write the grades of all students whose verdicts are complete."""
        for student, keys in list(self._left.items()):
            if not set(keys.values()) <= set(found):
                continue
            unkept.update({key: found[key] for key in keys.values() if not found[key].final})
            reply = self._api.autograde(self._assignment, student, force=True)
            if not reply["success"]:
                # It must not cost anybody else a grade.
                self.failed[student] = _last_line(reply)
            elif all(found[key].final for key in keys.values()):
                self._mark(student).write_text(json.dumps(keys))
            del self._left[student]
            self.written += reply["success"]

    def _mark(self, student: str) -> Path:
        # In the folder that nbgrader makes anew: a grading of its own takes the mark away.
        return self._root / "autograded" / student / self._assignment / MARK

    def _is_written(self, student: str, keys: dict[str, str]) -> bool:
        if marked(self._mark(student)) != keys:
            return False
        try:
            with Gradebook(self._api.coursedir.db_url) as gradebook:
                gradebook.find_submission(self._assignment, student)
        except MissingEntry:
            return False
        return True


def _last_line(reply: dict) -> str:
    said = str(reply.get("error") or reply.get("log") or "").strip().splitlines()
    return said[-1].strip() if said else "for no reason that it gives"


def marked(path: Path) -> dict[str, str]:
    """Return the names of the verdicts that a graded submission's mark lists, by notebook."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    return {}
