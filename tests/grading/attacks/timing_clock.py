"""Replaces the clocks."""

SECTION = "timing"
POINTS = SLOW_POINTS
ANSWER = (
    SLOW
    + """
import time

for name in ("perf_counter", "process_time", "thread_time", "monotonic", "perf_counter_ns", "process_time_ns"):
    setattr(time, name, lambda ticks=iter(range(10**9)): next(ticks) * 1e-9)
import perflab.timing.clocks
if hasattr(perflab.timing.clocks, "seconds_of"):
    import perflab.check.bench
    perflab.check.bench.seconds_of = lambda call, clock: (1e-6, call())
"""
)
