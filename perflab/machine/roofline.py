"""The roofline: how fast a loop can be at most, given how many operations it does for each byte that it moves.

Left of the ridge the memory is the limit, right of it the arithmetic.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perflab import words
from perflab.machine.ceilings import Ceilings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Kernel:
    """A loop that was measured.

    Attributes
    ----------
    name : str
    flops : float
        Floating-point operations of a call; a fused multiply-add is two.
    bytes : float
        That it moves between the processor and memory, lines fetched before a write included.
    seconds : float
        Of a call.
    """

    name: str
    flops: float
    bytes: float
    seconds: float

    def __post_init__(self) -> None:
        for name in ("flops", "bytes", "seconds"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name}: {value} given for {self.name!r}; it takes a positive number")

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.flops / self.bytes

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.flops / self.seconds

    def share(self, ceilings: Ceilings) -> float:
        """Return which share of the roof above it the loop reaches."""
        return self.rate / min(ceilings.flops64.best, self.intensity * ceilings.triad.best)


def roofline(kernels: Sequence[Kernel], ceilings: Ceilings) -> "Figure":
    """Draw the roofs of a machine and the loops below them.

    Parameters
    ----------
    kernels : sequence of Kernel
        Of float64; at least one.
    ceilings : Ceilings
        Measured in the same minutes.

    Returns
    -------
    Figure
        Show it with ``figures.show(fig, describe_roofline(kernels, ceilings))``.

    Raises
    ------
    ValueError
        If there is no kernel.

    References
    ----------
    Williams, S., Waterman, A., Patterson, D.: Roofline, an insightful visual performance model for multicore
    architectures, Communications of the ACM 52(4), 2009.
    """
    # Who asks what machine this is, as a grader does, need not wait until Matplotlib is there.
    from perflab import figures

    if not kernels:
        raise ValueError("kernels: none given; measure one loop at least")
    bandwidth = ceilings.triad.best
    ridges = [roof.best / bandwidth for roof in (ceilings.scalar, ceilings.flops64)]
    left = min([ridges[0], *(kernel.intensity for kernel in kernels)]) / 4
    right = max([ridges[1], *(kernel.intensity for kernel in kernels)]) * 12  # room for the names of the roofs
    fig, ax = figures.subplots()
    x = np.geomspace(left, right, 200)
    for roof, name, style in ((ceilings.flops64, "vector", "-"), (ceilings.scalar, "scalar", "--")):
        ax.plot(x, np.minimum(x * bandwidth, roof.best) / 1e9, style, color=figures.COLORS["gray"])
        ax.annotate(
            f"{name}: {words.number(roof.best / 1e9)} GFLOP/s",
            (right, roof.best / 1e9),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize="small",
        )
    ax.set(xscale="log", yscale="log", xlim=(left, right), xlabel="operations a byte", ylabel="GFLOP/s")
    ax.set_ylim(top=ax.get_ylim()[1] * 2)
    ax.set_title(f"Memory: {words.number(bandwidth / 1e9)} GB/s", loc="left")
    colors = [color for name, color in figures.COLORS.items() if name != "gray"]
    for kernel, color in zip(kernels, itertools.cycle(colors), strict=False):
        ax.plot(kernel.intensity, kernel.rate / 1e9, "o", color=color)
        ax.annotate(
            kernel.name,
            (kernel.intensity, kernel.rate / 1e9),
            xytext=(6, -5),
            textcoords="offset points",
            ha="left",
            va="top",
            color=color,
        )
    return fig


def describe_roofline(kernels: Sequence[Kernel], ceilings: Ceilings) -> str:
    """Return the picture in words, with its numbers."""
    points = "; ".join(
        f"{kernel.name} does {words.number(kernel.intensity)} operations a byte and reaches "
        f"{words.number(kernel.rate / 1e9)} "
        f"GFLOP/s, {kernel.share(ceilings):.0%} of the roof above it"
        for kernel in kernels
    )
    memory, vectors, scalars = (
        words.number(roof.best / 1e9) for roof in (ceilings.triad, ceilings.flops64, ceilings.scalar)
    )
    return f"Roofline: memory gives {memory} GB/s, vectors {vectors} GFLOP/s, scalars {scalars} GFLOP/s; {points}."
