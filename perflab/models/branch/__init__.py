"""Count the branches that a predictor would guess wrong, in your own function or in a trace.

A processor guesses which way a branch goes and works ahead; a wrong guess costs 10 to 20 cycles. These predictors
are exact and repeatable: from one that always says "taken" to TAGE, which today's processors build on.
"""

from perflab.models.branch.kernel import mispredictions, record
from perflab.models.branch.predictors import Bimodal, Gshare, Predictor, Static, Tournament, TwoLevel
from perflab.models.branch.replay import Branch, Mispredictions, replay
from perflab.models.branch.tage import Tage
from perflab.models.branch.trace import Trace
from perflab.models.instrument import Site, UninstrumentableError

__all__ = [
    "Bimodal",
    "Branch",
    "Gshare",
    "Mispredictions",
    "Predictor",
    "Site",
    "Static",
    "Tage",
    "Tournament",
    "Trace",
    "TwoLevel",
    "UninstrumentableError",
    "mispredictions",
    "record",
    "replay",
]
