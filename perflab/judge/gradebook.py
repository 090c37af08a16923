"""The gradebook of a class, opened with a sentence where that fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader import api
from nbgrader.api import Course, Gradebook, MissingEntry
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from traitlets.config import Config

from perflab.course.classroom import COURSE
from perflab.course.errors import CourseError


def url_of(root: Path, config: Config) -> str:
    """Return the URL of a class's gradebook: SQLite in its folder unless the configuration names another."""
    return config.CourseDirectory.get("db_url") or f"sqlite:///{root / 'gradebook.db'}"


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
        raise CourseError(f"{_hidden(url)}: no gradebook can be opened there: {_reason(error)}.") from error
    # Under another name nbgrader would add a course to it.
    with Gradebook(url, course or COURSE) as gradebook:
        yield gradebook


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


def check_released(url: str, assignment: str) -> None:
    """See that the gradebook can be reached and knows an assignment, before anything is graded.

    Raises
    ------
    CourseError
        If not.
    """
    with opened(url) as gradebook:
        try:
            gradebook.find_assignment(assignment)
        except MissingEntry as error:
            raise CourseError(
                f"{_hidden(url)}: the gradebook does not know {assignment}. Run nbgrader generate_assignment "
                f"{assignment}, with the same gradebook."
            ) from error


def _hidden(url: str) -> str:
    """Return a URL without its password, whatever it is."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url.partition("@")[2] or url


def _reason(error: Exception) -> str:
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return next((line.strip().rstrip(".") for line in said.splitlines() if line.strip()), type(error).__name__)
