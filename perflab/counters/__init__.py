"""Counts in place of seconds: how often something happened in a block of code, exactly.

`count` is the one to use; `measure` gives a single count of one call; `available` tells what works here.
"""

from perflab.counters.absent import Absent, AbsentError
from perflab.counters.count import BY_NAME, METRICS, Counts, available, count, measure
from perflab.counters.events import EVENTS

__all__ = ["BY_NAME", "EVENTS", "METRICS", "Absent", "AbsentError", "Counts", "available", "count", "measure"]
