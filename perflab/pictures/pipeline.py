"""A pipeline diagram: what each instruction does in each cycle."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from perflab import figures
from perflab.figures import COLORS
from perflab.models.pipeline import Run

MOST_ROWS = 40


def pipeline(run: Run, *, iterations: int = 3, cycles: int | None = None, ax: Axes | None = None) -> Figure:
    """Draw the first iterations of a run, one row for each instruction.

    Parameters
    ----------
    run : Run
        From `perflab.models.pipeline.run`.
    iterations : int
        How many to draw; as many as make 40 rows at most.
    cycles : int, optional
        Where the axis ends; by default where the last of them leaves.
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Figure
    """
    body = run.loop.body
    iterations = max(1, min(iterations, len(run.left), MOST_ROWS // len(body)))
    rows = [(i, n) for i in range(iterations) for n in range(len(body))]
    if ax is None:
        _, ax = figures.subplots(size=(6.4, 1.2 + 0.2 * len(rows)))
    for row, at in enumerate(rows):
        entered, started, done, left = (int(a[at]) for a in (run.entered, run.started, run.done, run.left))
        ax.barh(row, started - entered, left=entered, height=0.25, color=COLORS["gray"], alpha=0.5)
        ax.barh(row, max(done - started, 0.2), left=started, height=0.7, color=COLORS["blue"])
        ax.barh(
            row,
            left + 1 - max(done, started),
            left=max(done, started),
            height=0.25,
            color=COLORS["green"],
            alpha=0.5,
        )
    for i in range(1, iterations):
        ax.axhline(i * len(body) - 0.5, color="black", linewidth=0.5, alpha=0.3)
    ax.set(yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.5), xlabel="cycle")
    ax.set_yticklabels([_short(body[n].text) for _, n in rows], fontsize=8, family="monospace")
    ax.set_xlim(0, cycles or int(run.left[iterations - 1, -1]) + 1)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(axis="x")
    key = {"waits": "gray", "executes": "blue", "done, waits to leave": "green"}
    handles = [Patch(color=COLORS[c], alpha=1 if c == "blue" else 0.5, label=label) for label, c in key.items()]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, fontsize=8)
    return ax.figure


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:22]}.."
