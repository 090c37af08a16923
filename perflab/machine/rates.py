"""Something a second, measured several times, in turn with other things."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# CPU time leaves out what other programs take from the core; the thread's own also leaves out what waiting threads
# of a BLAS burn in this one. Where that clock only ticks, elapsed time must do.
CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-4 else time.perf_counter
ROUNDS, SECONDS = (5, 25), 2.0  # fewest and most repetitions of each kernel, and when to stop between them


def own_seconds(run: Callable[[], object]) -> float:
    """Return how long a call takes this thread."""
    start = CLOCK()
    run()
    return CLOCK() - start


@dataclass(frozen=True)
class Rate:
    """Something a second, measured several times.

    Attributes
    ----------
    best : float
        The ceiling: noise only ever takes away.
    lower, median, upper : float
        Quartiles: how steady the machine was.
    """

    best: float
    lower: float
    median: float
    upper: float

    def __post_init__(self) -> None:
        if not 0 < self.lower <= self.median <= self.upper <= self.best < math.inf:
            raise ValueError(f"not the quartiles and the best of positive rates: {self}")

    def share(self, amount: float, seconds: float) -> float:
        """Return which share of the best rate `amount` in `seconds` is (seconds: the best of several runs)."""
        return amount / seconds / self.best


def rates(
    kernels: dict[str, tuple[Callable[[], object], float]],
    seconds_of: Callable[[Callable[[], object]], float] = own_seconds,
) -> dict[str, Rate]:
    """Time kernels in turn.

    Parameters
    ----------
    kernels : dict
        Each with the amount of work of one call.
    seconds_of : callable
        Calls a kernel and returns how long it took.
    """
    for run, _ in kernels.values():
        run()  # compiles
    found: dict[str, list[float]] = {name: [] for name in kernels}
    stop = time.perf_counter() + SECONDS
    for done in range(ROUNDS[1]):
        if done >= ROUNDS[0] and time.perf_counter() > stop:
            break
        for name, (run, amount) in kernels.items():
            found[name].append(amount / seconds_of(run))
    return {
        name: Rate(max(values), *(float(q) for q in np.quantile(values, [0.25, 0.5, 0.75])))
        for name, values in found.items()
    }
