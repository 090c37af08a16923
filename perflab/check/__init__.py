"""What tests cells call: ``check.correct``, ``check.counts``, ``check.faster`` and ``check.predicted``.

A check returns points as a float whose display is a report, 0.0 where nothing was earned. It raises only where an
author's arguments make no sense. The protocol between a check and the function that it checks is in
`perflab.check.bench`.
"""

from perflab.check import cells as _cells
from perflab.check.bench import Bench, FunctionFailedError
from perflab.check.checks import correct, counts, faster, predicted
from perflab.check.files import File, Pipe, file, pipe
from perflab.check.layouts import Conversion, LayoutError, groups
from perflab.check.oracles import Oracle, oracle
from perflab.check.report import Points, Report

__all__ = [
    "Bench",
    "Conversion",
    "File",
    "FunctionFailedError",
    "LayoutError",
    "Oracle",
    "Pipe",
    "Points",
    "Report",
    "correct",
    "counts",
    "faster",
    "file",
    "groups",
    "oracle",
    "pipe",
    "predicted",
]

_cells.keep_given()
