"""The command line."""

import sys
from importlib import import_module

from perflab.cli.screen import app, err
from perflab.course.errors import CourseError
from perflab.judge.sandbox import NoSandboxError

MODULES = ("learner", "course", "coverage", "grade", "statistics")  # they add their commands


def main() -> None:
    """Run the command line; what goes wrong is a sentence and a non-zero exit."""
    # `perflab grade` needs one of them alone, and its workers start as soon as that is there.
    for name in sys.argv[1:2] if sys.argv[1:2] == ["grade"] else MODULES:
        import_module(f"perflab.cli.{name}")
    try:
        app()
    except (CourseError, NoSandboxError) as error:
        err.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)
