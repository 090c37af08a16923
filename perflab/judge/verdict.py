"""What the judge found, as plain data."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from perflab.check.report import Report


@dataclass(frozen=True)
class CellVerdict:
    """One tests cell.

    Attributes
    ----------
    grade_id : str
    report : Report
        Points and why.
    flag : str
        Why a human has to look at it, or nothing; its points are provisional then.
    hidden : bool
        Whether the report is about a case that the student's notebook does not show.
    """

    grade_id: str
    report: Report
    flag: str = ""
    hidden: bool = False

    @property
    def evidence(self) -> str:
        """What was measured, in one line; nothing where nothing was."""
        return "; ".join(f"{name} {value}" for name, value in self.report.rows)


@dataclass(frozen=True)
class Shown:
    """What a cell displayed in the sandbox: to look at, without any weight.

    Attributes
    ----------
    name, role : str
        Of the cell; see `perflab.judge.script.Step`.
    source : str
        Of a cell that the student added.
    outputs : list of dict
        Each has "name" and "text", or "data" with text and pictures by MIME type.
    """

    name: str
    role: str
    source: str
    outputs: list[dict[str, Any]]


@dataclass(frozen=True)
class Verdict:
    """One notebook of one student.

    Attributes
    ----------
    cells : tuple of CellVerdict
        Empty if there is nothing to grade.
    seed : str
        Of all inputs, in hexadecimal digits; reproduces them in a replay.
    limits : dict
        Which limits were in force, and by what.
    shown : tuple of Shown
    seconds : float
    machine : str
        Where it was graded.
    problem : bool
        Whether the machinery failed, so that it has to be tried again.
    quiet : bool
        Whether it was measured while nothing else was graded on its machine.
    """

    cells: tuple[CellVerdict, ...]
    seed: str
    limits: dict[str, str] = field(default_factory=dict)
    shown: tuple[Shown, ...] = ()
    seconds: float = 0.0
    machine: str = ""
    problem: bool = False
    quiet: bool = False

    @property
    def points(self) -> float:
        """The sum of all cells."""
        return sum(cell.report.points for cell in self.cells)

    @property
    def unsure(self) -> bool:
        """Whether a measurement was too noisy to say."""
        return any(cell.report.unsure for cell in self.cells)

    @property
    def final(self) -> bool:
        """Whether another try would say no more."""
        return not self.problem and (self.quiet or not self.unsure)

    @property
    def flags(self) -> tuple[str, ...]:
        """What a human has to look at."""
        return tuple(f"{cell.grade_id}: {cell.flag}" for cell in self.cells if cell.flag)

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> "Verdict":
        """Return what `to_json` made a text of.

        Raises
        ------
        ValueError, TypeError, KeyError
            If the text is none of these.
        """
        data = json.loads(text)
        data["cells"] = tuple(
            CellVerdict(**{**cell, "report": Report.of_data(cell["report"])}) for cell in data["cells"]
        )
        data["shown"] = tuple(Shown(**shown) for shown in data["shown"])
        return Verdict(**data)
