"""Cycles an iteration in the steady state, and what bounds them."""

from dataclasses import dataclass
from fractions import Fraction

from perflab import words
from perflab.models.pipeline.bounds import issue_bound, latency_bound, path, unit_bound
from perflab.models.pipeline.core import SKYLAKE, Core
from perflab.models.pipeline.loop import Loop
from perflab.models.pipeline.run import run

LONGEST = 64  # iterations after which the pattern of a steady state repeats, at most


@dataclass(frozen=True)
class Analysis:
    """What a loop costs on a core, in cycles an iteration.

    Attributes
    ----------
    loop : Loop
    core : Core
    cycles : Fraction
        Of the run, once its start is forgotten.
    latency, issue, unit : Fraction
        Lower bounds: the longest circle of dependences, the width, and the busiest units.
    chain : tuple of int
        Instructions of that circle.
    busiest : str
        Those units.
    path : int
        Cycles of one iteration by itself: its critical path.
    """

    loop: Loop
    core: Core
    cycles: Fraction
    latency: Fraction
    issue: Fraction
    unit: Fraction
    chain: tuple[int, ...]
    busiest: str
    path: int

    @property
    def bound(self) -> str:
        """The largest bound: "latency", "unit" or "issue"."""
        return max(("latency", "unit", "issue"), key=lambda name: getattr(self, name))

    @property
    def per_element(self) -> Fraction:
        """Cycles an element."""
        return self.cycles / self.loop.step

    def __str__(self) -> str:
        width = self.core.width
        lines = ", ".join(f"{self.loop.body[i].text!r}" for i in self.chain)
        latency, unit, issue = (words.number(float(x)) for x in (self.latency, self.unit, self.issue))
        return "\n".join(
            [
                f"{self.loop.name} on {self.core.name}: {words.number(float(self.cycles))} cycles an iteration, "
                f"{words.number(float(self.per_element))} an element; bound by {self.bound}",
                f"  latency  {latency:>6}  {lines and 'a chain through ' + lines}",
                f"  unit     {unit:>6}  {' '.join(self.busiest)}",
                f"  issue    {issue:>6}  {len(self.loop.body)} instructions, {width} a cycle",
                f"  one iteration by itself: {self.path}",
            ]
        )


def analyze(loop: Loop, core: Core = SKYLAKE) -> Analysis:
    """Say what an iteration of a loop costs.

    Parameters
    ----------
    loop : Loop
        From `perflab.models.pipeline.read`, or built by hand.
    core : Core

    Returns
    -------
    Analysis
    """
    cycles = _steady(loop, core)
    latency, chain = latency_bound(loop, core)
    unit, busiest = unit_bound(loop, core)
    return Analysis(loop, core, cycles, latency, issue_bound(loop, core), unit, chain, busiest, path(loop, core))


def _steady(loop: Loop, core: Core) -> Fraction:
    """Return cycles an iteration once a pattern repeats, after the window had time to fill up."""
    iterations = 4 * LONGEST + 2 * core.window // len(loop.body)
    for _ in range(4):
        left = run(loop, core, iterations).left[:, -1]
        for period in range(1, LONGEST + 1):
            moved = left[period:] - left[:-period]
            if (moved[-2 * LONGEST :] == moved[-1]).all():
                return Fraction(int(moved[-1]), period)
        iterations *= 2
    return Fraction(int(left[-1] - left[iterations // 4]), iterations // 2 - 1 - iterations // 4)
