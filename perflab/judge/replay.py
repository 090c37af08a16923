"""For an appeal: examine a submission again with the inputs of its verdict."""

from dataclasses import dataclass
from pathlib import Path

from perflab.course.errors import CourseError
from perflab.judge.batch import collect
from perflab.judge.examine import examine, forget
from perflab.judge.plugin import VERDICTS
from perflab.judge.settings import Settings
from perflab.judge.store import Store
from perflab.judge.verdict import Verdict


@dataclass(frozen=True)
class Replay:
    """One notebook, examined twice with the same inputs."""

    notebook: str
    then: Verdict
    now: Verdict


def replay(root: Path, assignment: str, student: str, settings: Settings) -> list[Replay]:
    """Examine a student's submission again; nothing is written.

    Exact points must come out the same; a measured ratio moves within its interval.

    Raises
    ------
    CourseError
        If there is no verdict on the submission as it is now.
    """
    here = collect(root, assignment, settings)
    if student in here.nothing:
        raise CourseError(f"{student}: {here.nothing[student]}")
    work = [one for one in here.work if one.student == student]
    if not work:
        raise CourseError(f"{student} has not handed in {assignment}.")
    found = []
    try:
        for one in work:
            then = Store(root / VERDICTS).get(one.key)
            if then is None:
                raise CourseError(f"{student}: {one.notebook} has no verdict as it is now; grade {assignment}.")
            seed = int(then.seed, 16) if then.seed else None
            now = examine(one.trusted, one.submitted, settings.to_dict(), seed, quiet=True)
            found.append(Replay(one.notebook, then, Verdict.from_json(now)))
    finally:
        forget()
    return found
