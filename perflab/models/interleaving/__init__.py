"""All schedules of a small concurrent program, on a model of the machine's memory.

A test on real threads shows that a program can fail, and seldom; `explore` shows whether it can. The program is
written once, as functions that run on real threads too.
"""

from perflab.models.interleaving.counting import locked
from perflab.models.interleaving.histories import Event, linearizable
from perflab.models.interleaving.report import MISSING, Row, rows, table
from perflab.models.interleaving.running import UnrewritableError
from perflab.models.interleaving.search import Exploration, TooManySchedulesError, Violation, explore
from perflab.models.interleaving.stopping import Stopped, stopped

__all__ = [
    "MISSING",
    "Event",
    "Exploration",
    "Row",
    "Stopped",
    "TooManySchedulesError",
    "UnrewritableError",
    "Violation",
    "explore",
    "linearizable",
    "locked",
    "rows",
    "stopped",
    "table",
]
