"""What can be wrong with a course, said so that its author can mend it."""

from dataclasses import dataclass
from pathlib import Path


class CourseError(Exception):
    """A sentence that says what is wrong and what to do."""


@dataclass(frozen=True, order=True)
class Problem:
    """One broken rule, at a line of a file.

    Attributes
    ----------
    path : Path
    line : int
        Counted from 1.
    message : str
        What is wrong and what to do.
    """

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SourceError(CourseError):
    """An exercise source breaks rules; the text lists them, one a line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))
