"""The command line."""

import sys
from importlib import import_module
from typing import NoReturn

from perflab.cli.screen import app, err
from perflab.course.errors import CourseError

MODULES = ("learner", "course", "coverage", "grade", "statistics")  # they add their commands
# Commands that need one of them alone: workers of `grade` start as soon as it is there; learners wait for less.
ALONE = {"grade": "grade", "work": "learner", "check": "learner", "progress": "learner"}


def main() -> None:
    """Run the command line; what goes wrong is a sentence and a non-zero exit."""
    alone = ALONE.get(next(iter(sys.argv[1:]), ""))
    for name in (alone,) if alone else MODULES:
        import_module(f"perflab.cli.{name}")
    try:
        app()
    except CourseError as error:
        _fail(error)
    except Exception as error:
        from perflab.judge.sandbox import NoSandboxError  # NumPy comes with it

        if not isinstance(error, NoSandboxError):
            raise
        _fail(error)


def _fail(error: Exception) -> NoReturn:
    err.print(str(error), style="red", markup=False, soft_wrap=True)
    sys.exit(1)
