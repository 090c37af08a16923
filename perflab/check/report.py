"""What a check hands back: points that read as a plain number, and a report for people and programs."""

import html
import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from perflab import words
from perflab.check import origin

# Machine-readable twin of a report in a cell's outputs: what `perflab check` and a sample class print.
MIME = "application/vnd.perflab.report+json"

# Why points are missing: the answer is not begun; it is wrong, or raises; a cell above has to pass first, or the
# code cannot be counted as it is written; what was measured falls short of the target; its interval spans a line
# of points, so that it is too noisy to say.
Failure = Literal["", "unwritten", "wrong", "blocked", "short", "unsure"]
NOT_WRITTEN = "is not written yet"  # in the sentence about an answer that was not begun
# In the sentence about code beside which no instrument runs; it says what to do, and no hint is about that.
NOT_COUNTED = "cannot be counted", "cannot be explored"


@dataclass(frozen=True)
class Report:
    """What one check found.

    Attributes
    ----------
    title : str
        What was asked, e.g. "advance: faster than advance_aos".
    points, of : float
        Earned and possible.
    sentence : str
        Why, in one sentence or two.
    rows : tuple of (str, str)
        What was measured: name and value.
    unsure : bool
        Whether the measurement was too noisy to say.
    hint : int
        Which hint to open next; 0 for none.
    listing : str
        What is shown as it is, in letters of one width, or nothing.
    failure : str
        Why points are missing, in one word of `Failure`; nothing where all were earned.
    what : str
        What was measured, e.g. "ratio" or "lines of 64 bytes fetched"; nothing where nothing was.
    value : float or None
        What came out: a count, or the median ratio; None where it is no finite number, too.
    interval : (float, float) or None
        The 99 % interval of a timed ratio, whose lower bound the points go by.
    zero, target : float or None
        The values that earn nothing and everything.
    case : int
        The number of the case that fails, from 1; 0 for none.
    """

    title: str
    points: float
    of: float
    sentence: str
    rows: tuple[tuple[str, str], ...] = field(default=())
    unsure: bool = False
    hint: int = 0
    listing: str = ""
    failure: Failure = ""
    what: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    zero: float | None = None
    target: float | None = None
    case: int = 0

    def as_text(self) -> str:
        """Return the report for a terminal."""
        width = max((len(name) for name, _ in self.rows), default=0)
        body = [f"  {name:<{width}}  {value}" for name, value in self.rows]
        listing = ["", self.listing, ""] if self.listing else []
        return "\n".join([self._headline(), *body, self.sentence, *listing, *self._advice()])

    def as_html(self) -> str:
        """Return the report for a notebook; readable in light and dark."""
        color = "#b26a00" if self.points or self.unsure else "#b3261e"
        if self.points == self.of and not self.unsure:
            color = "#2e7d32"
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left;padding-right:1.5em">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in self.rows
        )
        table = f'<table style="margin:.5em 0">{rows}</table>' if rows else ""
        listing = f'<pre style="overflow-x:auto">{html.escape(self.listing)}</pre>' if self.listing else ""
        advice = "".join(f"<p><em>{html.escape(line)}</em></p>" for line in self._advice())
        return (
            f'<div style="border-left:4px solid {color};padding-left:1em">'
            f"<p><strong>{html.escape(self._headline())}</strong></p>{table}"
            f"<p>{html.escape(self.sentence)}</p>{listing}{advice}</div>"
        )

    def as_bundle(self) -> dict[str, Any]:
        """Return the report for the front ends of Jupyter, people's and programs'."""
        return {"text/html": self.as_html(), MIME: asdict(self)}

    @staticmethod
    def of_data(data: dict[str, Any]) -> "Report":
        """Return the report of its twin in a cell's outputs; what else stands there is left out.

        Raises
        ------
        ValueError, TypeError, KeyError
            If the data are none of a report.
        """
        known = {field.name: data[field.name] for field in fields(Report) if field.name in data}
        rows = tuple((name, value) for name, value in data["rows"])
        interval = known.get("interval")
        return Report(**{**known, "rows": rows, "interval": interval and (interval[0], interval[1])})

    def _headline(self) -> str:
        return f"{self.title}: {self.points:g} of {words.counted(self.of, 'point')}"

    def _advice(self) -> list[str]:
        lines = []
        if self.unsure:
            lines.append("Too noisy to say more: close what else runs on this machine, then run the cell again.")
        if self.hint:
            lines.append(f"Stuck? Open hint {self.hint} above.")
        return lines


def refused(
    title: str, of: float, error: Exception, rows: tuple[tuple[str, str], ...] = (), case: int = 0
) -> Report:
    """Return the report of an answer that fails, whose error says how."""
    text = str(error)
    blocked: Failure = "blocked" if any(words in text for words in NOT_COUNTED) else "wrong"
    failure: Failure = "unwritten" if NOT_WRITTEN in text else blocked
    return Report(title, 0.0, of, text, rows, failure=failure, case=case)


class Points(float):
    """Points as a plain float whose display is a report.

    nbgrader reads a cell's points from the text form of its result and gives full marks to anything that is no
    plain number; so the text form is float's own.
    """

    report: Report

    def __new__(cls, report: Report) -> "Points":  # noqa: D102  the class docstring says it
        points = super().__new__(cls, report.points)
        points.report = report
        return points

    __repr__ = float.__repr__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = self.report.as_bundle()
        # Saved with the notebook, this tells later whether the points still hold.
        bundle[MIME] |= {"when": time.time(), "rests_on": origin.cells()}
        return {"text/plain": float.__repr__(self), **bundle}


@dataclass(frozen=True)
class Note:
    """A display that carries no points."""

    sentence: str

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.sentence)}</p>"
