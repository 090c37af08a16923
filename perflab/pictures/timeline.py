"""A timeline of a schedule: a row for each worker."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from perflab import figures
from perflab.figures import COLORS
from perflab.models.schedule import Schedule

KINDS = {"task": "blue", "steal": "vermilion", "queue": "purple"}
BOUND = "what no schedule beats"
LABELS = {"task": "a task", "steal": "steals", "queue": "at the common queue"}


def timeline(schedule: Schedule, *, until: float | None = None, ax: Axes | None = None) -> Figure:
    """Draw what each worker does when; the dashed line is what no schedule can beat.

    Parameters
    ----------
    schedule : Schedule
        Of `perflab.models.schedule`.
    until : float, optional
        Where the axis ends; by default a little after the makespan.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Figure
    """
    if ax is None:
        _, ax = figures.subplots(size=(5.6, 1.3 + 0.3 * schedule.workers))
    for kind, color in KINDS.items():
        for worker in range(schedule.workers):
            spans = [
                s for s in schedule.spans if s.kind == kind and s.worker == worker and s.start < schedule.makespan
            ]
            bars = [(s.start, min(s.end, schedule.makespan) - s.start) for s in spans]
            # Edges in white, so that neighbors can be told apart.
            ax.broken_barh(bars, (worker - 0.35, 0.7), facecolor=COLORS[color], edgecolor="white", linewidth=0.4)
    ax.axvline(schedule.bound, color="black", linestyle="--", linewidth=1)
    ax.set(yticks=range(schedule.workers), ylim=(schedule.workers - 0.5, -0.5), xlabel="time", ylabel="worker")
    ax.set_xlim(0, until or schedule.makespan * 1.02 or 1)
    seen = [kind for kind in KINDS if any(s.kind == kind for s in schedule.spans)]
    handles = [Patch(color=COLORS[KINDS[kind]], label=LABELS[kind]) for kind in seen]
    handles.append(Line2D([], [], color="black", linestyle="--", linewidth=1, label=BOUND))
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, fontsize=8)
    return ax.figure
