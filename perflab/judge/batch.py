"""A class at once: examinations side by side, one writer to the gradebook, and nothing done twice."""

import glob
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import base
from traitlets.config import Config

from perflab.course.errors import CourseError
from perflab.course.naming import Reading
from perflab.judge.agreement import check_agreement
from perflab.judge.arrival import in_place, nothing, receive, released
from perflab.judge.examine import TRIES, examine, refused
from perflab.judge.gradebook import Standing, one_engine, opened, standings, trouble, url_of
from perflab.judge.plugin import VERDICTS, text_of, unkept
from perflab.judge.pool import Pool
from perflab.judge.sandbox import NoSandboxError
from perflab.judge.settings import Settings
from perflab.judge.store import Store, key
from perflab.judge.verdict import Verdict
from perflab.judge.written import Marks, penalties

TIME = "timestamp.txt"  # in a student's folder: when it was handed in
DATABASE = re.compile(r"^sqlalchemy\.exc\.\w+: \([\w.]+\) (.*)", re.MULTILINE)

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
class HandedIn:
    """What students handed in for an assignment.

    Attributes
    ----------
    names : tuple of str
        The assignment's notebooks.
    work : list of Work
        In the order of names.
    readings : dict of Reading
        What the files of each student are.
    nothing : dict of str
        A sentence for each student who handed in no notebook to grade.
    """

    names: tuple[str, ...]
    work: list[Work]
    readings: dict[str, Reading]
    nothing: dict[str, str]


@dataclass(frozen=True)
class Row:
    """What there is to say of one notebook of one student.

    Attributes
    ----------
    student : str
    notebook : str
        Empty for who handed in nothing that can be graded.
    points, of : float or None
        As the gradebook has them, points given by hand and written answers included; None where it has nothing.
    penalty : float
        Points that are taken for lateness.
    human : tuple of str
        What a human has to look at, or to know.
    file : str
        The handed-in file, if it has another name than the notebook.
    """

    student: str
    notebook: str
    points: float | None
    of: float | None
    penalty: float
    human: tuple[str, ...]
    file: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    verdicts : dict of Verdict
        By student and notebook.
    rows : tuple of Row
        One for each notebook of each student, and for who handed in nothing that can be graded; read back from the
        gradebook, which has the last word.
    examined, known : int
        How many verdicts were made now, and for how many submissions one was there before. The others equal one
        that was examined now.
    written : int
        For how many students something was written to the gradebook now.
    failed : dict of str
        Why nbgrader could not write a student's grades, by student.
    timeless : tuple of str
        Students whose submission says not when it came, though there is a due date: it counts as on time.
    """

    verdicts: dict[tuple[str, str], Verdict]
    rows: tuple[Row, ...]
    examined: int
    known: int
    written: int
    failed: dict[str, str]
    timeless: tuple[str, ...]


def collect(root: Path, assignment: str, settings: Settings) -> HandedIn:
    """Return what there is to grade; misnamed notebooks are put in place, and damaged ones are made readable.

    Raises
    ------
    CourseError
        If there is no such assignment, or nobody handed in anything.
    """
    sources, folders = _there(root, assignment)
    wanted = released(root, assignment)
    work, readings, empty = [], {}, {}
    for folder in folders:
        student = folder.parent.name
        try:
            readings[student] = receive(folder, wanted)
        except Exception:  # one that cannot be put in place or mended costs only itself, further on
            readings[student] = in_place(folder, wanted)
        if not readings[student].matched:
            empty[student] = nothing(folder)
        for name in sorted(readings[student].matched):
            submitted = text_of(folder / f"{name}.ipynb")
            work.append(Work(student, name, sources[name], submitted, key(sources[name], submitted, settings)))
    return HandedIn(tuple(sources), work, readings, empty)


def _there(root: Path, assignment: str) -> tuple[dict[str, str], list[Path]]:
    """Return the instructor's notebooks as texts, and the students' folders."""
    sources = {path.stem: path.read_text() for path in sorted((root / "source" / assignment).glob("*.ipynb"))}
    if not sources:
        raise CourseError(
            f"{root}: no assignment {assignment}. Run `perflab class`, then nbgrader generate_assignment."
        )
    folders = sorted(path for path in (root / "submitted").glob(f"*/{glob.escape(assignment)}") if path.is_dir())
    if not folders:
        raise CourseError(
            f"{root}: nobody has handed in {assignment}. Collect first: nbgrader collect or zip_collect."
        )
    return sources, folders


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
    url = url_of(root, config)
    _there(root, assignment)
    check_agreement(root, assignment, url)
    here = collect(root, assignment, settings)
    store = Store(root / VERDICTS)
    found = {one.key: verdict for one in here.work if (verdict := store.get(one.key)) is not None}
    known = sum(one.key in found for one in here.work)
    examined = len({one.key for one in here.work} - set(found))
    writer = _Writer(root, assignment, config, here.work)
    writer.write(found)
    of = len(found) + examined
    report(len(found), of)

    def keep(one: Work, verdict: Verdict) -> None:
        found[one.key] = verdict
        store.put(one.key, verdict)
        writer.write(found)
        report(len(found), of)

    noisy = []
    for one, verdict in _side_by_side([one for one in here.work if one.key not in found], settings, pool):
        # Points that were too noisy to say wait until the machine has nothing else to do.
        if verdict.unsure:
            noisy.append(one)
        else:
            keep(one, verdict)
    for one, verdict in _side_by_side(noisy, settings, pool, quiet=True):
        keep(one, verdict)
    verdicts = {(one.student, one.notebook): found[one.key] for one in here.work}
    with opened(url) as gradebook:
        late = penalties(gradebook, assignment, config)
        standing = standings(gradebook, assignment)
        due = gradebook.find_assignment(assignment).duedate
    times = {student: (root / "submitted" / student / assignment / TIME).is_file() for student in here.readings}
    return Outcome(
        verdicts,
        tuple(_rows(here, verdicts, standing)),
        examined,
        known,
        len(writer.written | set(late)),
        writer.failed,
        tuple(student for student, known in times.items() if due is not None and not known),
    )


def _rows(
    here: HandedIn, verdicts: dict[tuple[str, str], Verdict], standing: dict[tuple[str, str], Standing]
) -> Iterator[Row]:
    for student, reading in sorted(here.readings.items()):
        known = [name for name in here.names if (student, name) in standing]
        if student in here.nothing and not known:
            yield Row(student, "", None, None, 0.0, (here.nothing[student], *_odd(reading)))
            continue
        for name in here.names:
            verdict, now = verdicts.get((student, name)), standing.get((student, name))
            why = _waiting(now, verdict) if verdict else [here.nothing.get(student, "Not handed in.")]
            said = [*why, *reading.doubts(name)]
            file = reading.matched.get(name, "")
            yield Row(
                student,
                name,
                now and now.points,
                now and now.of,
                now.penalty if now else 0.0,
                tuple(said),
                "" if file == f"{name}.ipynb" else file,
            )


def _odd(reading: Reading) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.why for one in reading.left))


def _waiting(now: Standing | None, verdict: Verdict) -> Iterator[str]:
    """Yield what a human has to look at in a graded notebook, and why."""
    flags = {cell.grade_id: cell for cell in verdict.cells if cell.flag}
    if now is None:
        # nbgrader could not write it.
        yield from (f"{name}: {cell.flag}" for name, cell in flags.items())
        return
    for cell in now.cells:
        if not cell.waits:
            continue
        if cell.grade_id in flags:
            flag, evidence = flags[cell.grade_id].flag, flags[cell.grade_id].evidence
            yield f"{cell.grade_id}: {flag}" + (f" ({evidence})" if evidence else "")
        elif cell.by_hand:
            yield f"{cell.grade_id}: graded again since you gave {cell.points:g} points; yours stand."
        elif cell.written:
            yield f"{cell.grade_id}: a written answer that has no points yet."
        else:
            yield f"{cell.grade_id}: look at it."


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
        self._url = url_of(root, config)
        self._api = NbGraderAPI(config=config)
        self._left: dict[str, dict[str, str]] = {}
        self.written: set[str] = set()
        self.failed: dict[str, str] = {}
        for one in work:
            self._left.setdefault(one.student, {})[one.notebook] = one.key
        with opened(self._url) as gradebook:
            self._marks = Marks(root, assignment, config, gradebook)
        for student in [name for name, keys in self._left.items() if self._marks.is_written(name, keys)]:
            del self._left[student]

    def write(self, found: dict[str, Verdict]) -> None:
        """Write the grades of all students whose verdicts are complete."""
        for student, keys in list(self._left.items()):
            if not set(keys.values()) <= set(found):
                continue
            unkept.update({key: found[key] for key in keys.values() if not found[key].final})
            del self._left[student]
            if why := self._write(student):
                # It must not cost anybody else a grade.
                self.failed[student] = why
                continue
            self.written.add(student)
            if all(found[key].final for key in keys.values()):
                with opened(self._url) as gradebook:
                    self._marks.keep(student, keys, gradebook)

    def _write(self, student: str) -> str:
        """Write a student's grades; return why that failed, or nothing."""
        try:
            if not (self._root / "submitted" / student / self._assignment / TIME).is_file():
                self._forget_time(student)
        except CourseError as error:
            return str(error)
        with _literally(self._root / "submitted" / student):
            reply = self._api.autograde(self._assignment, student, force=True)
        return "" if reply["success"] else _why(reply)

    def _forget_time(self, student: str) -> None:
        """Forget when something came that was handed in again without a time: nbgrader keeps the old one."""
        with opened(self._url) as gradebook, suppress(MissingEntry):
            submission = gradebook.find_submission(self._assignment, student)
            if submission.timestamp is not None:
                submission.timestamp = None
                gradebook.db.commit()


@contextmanager
def _literally(folder: Path) -> Iterator[None]:
    """Let nbgrader take a student's id for what it is: it looks for files by patterns."""

    def find(pattern: str, **options: Any) -> list[str]:
        rest = pattern.removeprefix(str(folder))
        return glob.glob(pattern if rest == pattern else glob.escape(str(folder)) + rest, **options)

    real, base.glob = base.glob, SimpleNamespace(glob=find)
    try:
        yield
    finally:
        base.glob = real


def _why(reply: dict) -> str:
    """Return why nbgrader failed; of a database it is what that said."""
    said = f"{reply.get('log') or ''}\n{reply.get('error') or ''}"
    if found := DATABASE.search(said):
        return trouble(found[1].strip().rstrip("."))
    lines = [line.strip() for line in str(reply.get("error") or said).splitlines() if line.strip()]
    return lines[-1] if lines else "for no reason that it gives"
