"""Before nbgrader reads a submission: what is no notebook must not stop it, and is not lost."""

from pathlib import Path

import nbformat

from perflab.judge.examine import read, stand_in
from perflab.judge.plugin import text_of

DAMAGED = ".damaged"  # is appended to the name of a file that is no notebook


def make_readable(assignment: str, student: str, notebooks: list[str]) -> None:
    """Put a notebook that says so in the place of each file that is none; nbgrader's hook before a conversion.

    Parameters
    ----------
    assignment, student : str
        Given by nbgrader; not needed.
    notebooks : list of str
        Paths of the submitted files.
    """
    for path in map(Path, notebooks):
        try:
            read(text_of(path))
        except ValueError as error:
            path.rename(path.with_name(path.name + DAMAGED))
            nbformat.write(stand_in(str(error), f"{path.name}{DAMAGED}"), path)
