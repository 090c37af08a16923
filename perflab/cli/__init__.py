"""The command line."""

import sys

from perflab.cli import course, coverage, grade, statistics  # noqa: F401  they add their commands
from perflab.cli.screen import app, err
from perflab.course import CourseError
from perflab.judge.sandbox import NoSandboxError


def main() -> None:
    """Run the command line; what goes wrong is a sentence and a non-zero exit."""
    try:
        app()
    except (CourseError, NoSandboxError) as error:
        err.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)
