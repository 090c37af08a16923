"""What a call costs beside the function that is called, measured beside the calls that it is taken off.

It drifts: with the clock of the core, with what else runs. Measured once and kept it would move a ratio of times.
"""

import time
from collections import deque
from collections.abc import Callable

import numpy as np

FIRST = 5  # samples, before it is used
RECENT = 9  # samples that count
RARE = 20.0  # so many times as long as a sample took, no other is taken: they cost a twentieth of all time
STALE = 1.0  # seconds without a sample after which those before are of another race


class Overhead:
    """The overhead of one form of call.

    Parameters
    ----------
    sample : callable
        ``sample(args)`` returns the seconds of CPU of one call that does nothing.
    """

    def __init__(self, sample: Callable[[tuple], float]) -> None:
        self._sample = sample
        self._samples: deque[float] = deque(maxlen=RECENT)
        self._due = 0.0

    def seconds(self, args: tuple) -> float:
        """Return what it is at present, of calls with such arguments."""
        begun = time.monotonic()
        if begun < self._due:
            return self._lower()
        if begun > self._due + STALE:
            self._samples.clear()
        count = max(1, FIRST - len(self._samples))
        self._samples.extend(self._sample(args) for _ in range(count))
        ended = time.monotonic()
        self._due = ended + RARE * (ended - begun) / count
        return self._lower()

    def _lower(self) -> float:
        # The lower quartile: some are slower for reasons that a function's own call need not have.
        return float(np.quantile(self._samples, 0.25))
