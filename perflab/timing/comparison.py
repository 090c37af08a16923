"""The answer of a comparison, and how people see it."""

import html
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perflab import words
from perflab.timing.clocks import Clock
from perflab.timing.pairs import PAIRS, Pairs

Verdict = Literal["above", "below", "unsure"]

WIDTH, HEIGHT, MARGIN = 480, 70, 30  # of the picture, in CSS pixels


@dataclass(frozen=True, repr=False)
class Comparison:
    """The answer of `compare`.

    Attributes
    ----------
    ratio, low, high : float
        Median of `baseline / candidate` and its 99 % interval.
    verdict : {"above", "below", "unsure"}
        Where the whole interval lies from the threshold; "unsure" if it spans it.
    threshold : float
    pairs : Pairs
        Both series, in seconds.
    clock : {"cpu", "wall"}
    disturbances : tuple of str
        What disturbed the measurement, in words; empty on a quiet machine.
    """

    ratio: float
    low: float
    high: float
    verdict: Verdict
    threshold: float
    pairs: Pairs
    clock: Clock = "cpu"
    disturbances: tuple[str, ...] = ()

    def __str__(self) -> str:
        low, ratio, high = (words.number(x, [self.threshold]) for x in (self.low, self.ratio, self.high))
        sure = f"99 % sure of {low} to {high}" if self._bounded else "not sure at all"
        return f"{ratio} times as fast, {sure}"

    def __repr__(self) -> str:
        how = "CPU time" if self.clock == "cpu" else "wall time"
        n = words.counted(len(self.pairs.ratios), "pair")
        lines = [
            f"{self} ({n}, {how})",
            f"{self._sentence()} Baseline {_median(self.pairs.baseline)}, "
            f"candidate {_median(self.pairs.candidate)}.",
            *self.disturbances,
        ]
        return "\n".join(lines)

    @property
    def _bounded(self) -> bool:
        return self.high < np.inf

    def _sentence(self) -> str:
        line = words.number(self.threshold)
        if not self._bounded:
            return (
                f"Too few pairs to say whether that is above {line}: it takes {PAIRS[0]}. "
                "Make the input smaller, or the budget larger."
            )
        if self.verdict == "unsure":
            return f"Too noisy to say whether that is above {line}."
        return f"That is {self.verdict} {line}."

    def _repr_html_(self) -> str:
        first, *others = (html.escape(line) for line in repr(self).splitlines())
        return f"<p><strong>{first}</strong></p>{_picture(self)}" + "".join(f"<p>{line}</p>" for line in others)


def _picture(comparison: Comparison) -> str:
    """Return a strip of the paired ratios over their interval, as an SVG in the color of the text around it."""
    ratios = comparison.pairs.ratios
    bounds = [value for value in (comparison.low, comparison.high) if 0 < value < np.inf]
    shown = np.log([*ratios, comparison.threshold, *bounds])
    least, span = shown.min(), max(float(np.ptp(shown)), 1e-9)

    def x(ratio: float) -> float:
        share = (np.log(ratio) - least) / span if 0 < ratio < np.inf else float(ratio > 0)
        return MARGIN + (WIDTH - 2 * MARGIN) * float(share)

    middle = HEIGHT / 2 - 8
    # Dots of neighboring pairs are spread a little, in the order of measuring, so that none hides another.
    dots = "".join(
        f'<circle cx="{x(ratio):.1f}" cy="{middle + 4 * (i % 5 - 2):.1f}" r="3" opacity="0.6"/>'
        for i, ratio in enumerate(ratios)
    )
    low, high, at = x(comparison.low), x(comparison.high), x(comparison.threshold)
    line = words.number(comparison.threshold)
    lowest, highest, median = (
        words.number(x, [comparison.threshold]) for x in (ratios.min(), ratios.max(), comparison.ratio)
    )
    about = f"{words.counted(len(ratios), 'paired ratio')}, {lowest} to {highest}, median {median}"
    return (
        f'<svg role="img" aria-label="{about}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="max-width:100%;height:auto;fill:currentColor;stroke:none;font:11px sans-serif">'
        f'<rect x="{low:.1f}" y="{middle - 14:.1f}" width="{max(high - low, 1):.1f}" height="28" opacity="0.15"/>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{middle - 20:.1f}" y2="{middle + 20:.1f}" '
        f'stroke="currentColor" stroke-dasharray="3"/>{dots}'
        f'<text x="{at:.1f}" y="{HEIGHT - 4}" text-anchor="middle">{line}</text>'
        f'<text x="{x(comparison.ratio):.1f}" y="{HEIGHT - 16}" text-anchor="middle" font-weight="bold">'
        f"{median}</text></svg>"
    )


def _median(seconds: np.ndarray) -> str:
    return words.duration(float(np.median(seconds)))
