"""A schedule of threads: a lane for each, and one for memory, with the way that values take."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perflab import figures
from perflab.figures import COLORS
from perflab.models.interleaving import Row, Violation, rows

MOST_ROWS = 40


def interleaving(violation: Violation, *, ax: Axes | None = None) -> Figure:
    """Draw the schedule of a violation, from top to bottom.

    Arrows to the right are stores that reach memory, arrows to the left are loads. A dashed line is a store that
    waits in the buffer of its thread. What stands in the other color is what went wrong.

    Parameters
    ----------
    violation : Violation
        Of `perflab.models.interleaving.explore`.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the schedule has more than 40 steps: read its table instead.
    """
    made = rows(violation)
    if len(made) > MOST_ROWS:
        raise ValueError(f"violation: {len(made)} steps, and a picture holds {MOST_ROWS}; print its table instead")
    lanes = len(violation.names)
    if ax is None:
        _, ax = figures.subplots(size=(1.6 + 2.0 * lanes, 0.7 + 0.34 * len(made)))
    for lane in range(lanes + 1):
        ax.axvline(lane, color="black", linewidth=0.8, alpha=0.25)
    for row in made:
        _draw(ax, row, made, lanes)
    ax.set(xlim=(-0.55, lanes + 0.35), ylim=(len(made) + 0.6, 0.4))
    ax.set_yticks(range(1, len(made) + 1), [str(row.step) for row in made], fontsize=8)
    heads = [f"thread {t}\n{name}" for t, name in enumerate(violation.names)]
    ax.set_xticks(range(lanes + 1), [*heads, "memory"], fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax.figure


def _draw(ax: Axes, row: Row, made: list[Row], lanes: int) -> None:
    color = COLORS["vermilion" if row.note else "blue"]
    y, x = row.step, row.thread
    ax.plot(x, y, "o", color=color, markersize=4, linestyle="none")
    if row.origin is not None and made[row.origin - 1].waits:
        # The store waited, and now reaches memory or is seen by its own thread.
        ax.plot([x - 0.04] * 2, [row.origin, y], color=COLORS["gray"], linestyle="--", linewidth=1)
    own = row.origin is not None and made[row.origin - 1].waits and row.reads
    if row.writes or (row.reads and not own):
        ends = ((lanes, y), (x, y)) if row.writes else ((x, y), (lanes, y))
        style = {"arrowstyle": "<|-|>" if row.reads and row.writes else "-|>", "color": color, "linewidth": 1}
        ax.annotate("", xy=ends[0], xytext=ends[1], arrowprops=style)
    if row.writes:
        ax.plot(lanes, y, "s", color=color, markersize=4, linestyle="none")
    ax.text(x + 0.04, y - 0.12, row.brief, fontsize=8, va="bottom", color=color if row.note else "black")
