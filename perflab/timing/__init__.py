"""Paired, interleaved measurement: a ratio with an interval, and a verdict that may be "unsure".

One run of one program says little: the machine drifts, other programs burst in, the first call compiles. So two
programs are timed side by side on the same inputs, in random order, many times; each pair gives one ratio, and
what is reported is the median ratio with an exact confidence interval. `compare` does it all; `paired`, `interval`
and `seconds_of` are its parts. `compare_threads` does the same for calls that run at once.
"""

from perflab.timing.clocks import CLOCKS, Clock, seconds_of
from perflab.timing.compare import CALLS, compare
from perflab.timing.comparison import Comparison, Verdict
from perflab.timing.first_calls import UnequalWorkError
from perflab.timing.intervals import CONFIDENCE, Interval, interval
from perflab.timing.pairs import LOOK_EVERY, PAIRS, Pairs, joined, paired
from perflab.timing.quiet import wait_for_quiet
from perflab.timing.teams import compare_threads

__all__ = [
    "CALLS",
    "CLOCKS",
    "CONFIDENCE",
    "LOOK_EVERY",
    "PAIRS",
    "Clock",
    "Comparison",
    "Interval",
    "Pairs",
    "UnequalWorkError",
    "Verdict",
    "compare",
    "compare_threads",
    "interval",
    "joined",
    "paired",
    "seconds_of",
    "wait_for_quiet",
]
