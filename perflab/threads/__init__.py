"""Compiled functions on real threads: pinned, started together, with a budget: races show, and nothing hangs.

A function that Numba compiled lets go of Python's lock, so several run at once. `run` does the rest.
"""

from perflab.threads.barrier import arrive, barrier
from perflab.threads.clock import CLOCK, go_on
from perflab.threads.run import Run, run

__all__ = ["CLOCK", "Run", "arrive", "barrier", "go_on", "run"]
