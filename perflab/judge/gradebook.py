"""The gradebook of a class, opened with a sentence where that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.api import (
    Assignment,
    BaseCell,
    Course,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from traitlets.config import Config

from perflab.course.classroom import COURSE, sqlite_url
from perflab.course.errors import CourseError


@dataclass(frozen=True)
class Cell:
    """What the gradebook has of one graded cell of a student.

    Attributes
    ----------
    grade_id : str
    points, of : float
        Those that a human gave come before the judge's.
    written : bool
        Whether it is a written answer, which has no automatic points.
    by_hand : bool
        Whether a human gave its points.
    waits : bool
        Whether a human has to look at it.
    """

    grade_id: str
    points: float
    of: float
    written: bool
    by_hand: bool
    waits: bool


@dataclass(frozen=True)
class Standing:
    """What the gradebook has of one notebook of a student.

    Attributes
    ----------
    cells : tuple of Cell
        Those with points.
    penalty : float
        Points that are taken for lateness.
    """

    cells: tuple[Cell, ...]
    penalty: float

    @property
    def points(self) -> float:
        """The sum of all cells, before anything is taken off."""
        return sum(cell.points for cell in self.cells)

    @property
    def of(self) -> float:
        """Possible points, those of written answers included."""
        return sum(cell.of for cell in self.cells)


def url_of(root: Path, config: Config) -> str:
    """Return the URL of a class's gradebook: SQLite in its folder unless the configuration names another."""
    return config.CourseDirectory.get("db_url") or sqlite_url(root)


@contextmanager
def opened(url: str) -> Iterator[Gradebook]:
    """Open a gradebook that exists; nothing is made where there is none.

    Raises
    ------
    CourseError
        If there is none, or nobody answers there.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
            raise CourseError(
                f"{parsed.database}: no gradebook yet. Run nbgrader generate_assignment for an assignment first."
            )
        engine = create_engine(parsed)
        with engine.connect() as connection:
            known = inspect(connection).has_table(Course.__tablename__)
            course = connection.scalars(select(Course.id)).first() if known else None
        engine.dispose()
    except (ArgumentError, SQLAlchemyError, ImportError) as error:
        raise CourseError(f"{hidden(url)}: no gradebook can be opened there: {_reason(error)}.") from error
    # Under another name nbgrader would add a course to it.
    try:
        with Gradebook(url, course or COURSE) as gradebook:
            yield gradebook
    except DBAPIError as error:
        raise CourseError(f"{hidden(url)}: {trouble(_reason(error))}") from error


@contextmanager
def one_engine() -> Iterator[None]:
    """Let all gradebooks of this process share one engine for each URL.

    nbgrader opens its gradebook a dozen times a submission, each time with a new engine that connects anew and
    compiles every statement again: half the time of writing grades.
    """
    engines: dict[str, Engine] = {}

    def create(url: str, **options: Any) -> Engine:
        if url not in engines:
            engines[url] = real(url, **options)
            # A gradebook disposes of its engine when it is closed.
            engines[url].dispose = lambda close=True: None
        return engines[url]

    real, api.create_engine = api.create_engine, create
    try:
        yield
    finally:
        api.create_engine = real
        for engine in engines.values():
            del engine.dispose
            engine.dispose()


def standings(gradebook: Gradebook, assignment: str) -> dict[tuple[str, str], Standing]:
    """Return what a gradebook has of an assignment, by student and notebook.

    A student whose submission was never graded is not in it.
    """
    cells: dict[tuple[str, str], list[Cell]] = {}
    penalties: dict[tuple[str, str], float] = {}
    graded = set()
    rows = (
        gradebook.db.query(SubmittedAssignment.student_id, Notebook.name, BaseCell.name, BaseCell.type, Grade)
        .add_columns(SubmittedNotebook.late_submission_penalty)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .filter(Assignment.name == assignment)
        .order_by(SubmittedAssignment.student_id, Notebook.name, BaseCell.name)
    )
    for student, notebook, name, kind, grade, penalty in rows:
        by_hand, unscored = grade.manual_score is not None, grade.auto_score is None
        written = kind == TaskCell.__name__ or (unscored and not by_hand)
        cell = Cell(name, grade.score, grade.max_score, written, by_hand, bool(grade.needs_manual_grade))
        cells.setdefault((student, notebook), []).append(cell)
        penalties[student, notebook] = penalty or 0.0
        if not unscored or by_hand:
            graded.add(student)
    return {key: Standing(tuple(found), penalties[key]) for key, found in cells.items() if key[0] in graded}


def trouble(reason: str) -> str:
    """Return a sentence about what a database said when it failed, and what to do."""
    if "locked" in reason:
        return f"{reason}: another program writes to the gradebook. Wait until it is done, then try again."
    if "no such" in reason or "does not exist" in reason:
        return f"{reason}. If another nbgrader made the gradebook: copy it, then run nbgrader db upgrade."
    return f"the gradebook cannot be read or written: {reason}."


def hidden(url: str) -> str:
    """Return a URL without its password, whatever it is."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.partition("@")[2] or url


def _reason(error: Exception) -> str:
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return next((line.strip().rstrip(".") for line in said.splitlines() if line.strip()), type(error).__name__)
