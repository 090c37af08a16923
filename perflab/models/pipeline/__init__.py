"""Count the cycles that a small loop takes in a core that executes out of order.

`read` turns the innermost loop of your function into instructions and their dependences; `analyze` says how many
cycles an iteration takes in the steady state, and whether latency, the units or the width bound it. `cycles`
counts those of a whole call.
"""

from perflab.models.pipeline.analysis import Analysis, analyze
from perflab.models.pipeline.bounds import issue_bound, latency_bound, path, unit_bound
from perflab.models.pipeline.calls import cycles
from perflab.models.pipeline.core import SKYLAKE, Core, Operation
from perflab.models.pipeline.loop import Instruction, Loop
from perflab.models.pipeline.reading import read
from perflab.models.pipeline.run import Run, run
from perflab.models.pipeline.values import UnmodelledError

__all__ = [
    "SKYLAKE",
    "Analysis",
    "Core",
    "Instruction",
    "Loop",
    "Operation",
    "Run",
    "UnmodelledError",
    "analyze",
    "cycles",
    "issue_bound",
    "latency_bound",
    "path",
    "read",
    "run",
    "unit_bound",
]
