"""Count what a schedule of tasks costs: makespan, idle time, steals, and what no schedule could beat.

A plan made beforehand (`block`, `cyclic`, `assigned`), a common queue (`dynamic`, `guided`), or work stealing, on
tasks whose durations you give. Nothing runs: the numbers are exact, on however many workers.
"""

from perflab.models.schedule.sharing import assigned, block, cyclic, dynamic, guided
from perflab.models.schedule.stealing import stealing
from perflab.models.schedule.timeline import Schedule, Span

__all__ = ["Schedule", "Span", "assigned", "block", "cyclic", "dynamic", "guided", "stealing"]
