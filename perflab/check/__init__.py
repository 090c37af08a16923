"""What tests cells call: ``check.correct``, ``check.counts``, ``check.faster`` and ``check.predicted``.

A check returns points as a float whose display is a report, or raises an `AssertionError` that is the report
where nothing was earned. The protocol between a check and the function that it checks is in `perflab.check.bench`.
"""

from perflab.check.bench import Bench, FunctionFailedError
from perflab.check.checks import correct, counts, faster, predicted
from perflab.check.files import File, file
from perflab.check.layouts import Conversion, LayoutError, groups
from perflab.check.oracles import Oracle, oracle
from perflab.check.report import NotEarnedError, Points, Report

__all__ = [
    "Bench",
    "Conversion",
    "File",
    "FunctionFailedError",
    "LayoutError",
    "NotEarnedError",
    "Oracle",
    "Points",
    "Report",
    "correct",
    "counts",
    "faster",
    "file",
    "groups",
    "oracle",
    "predicted",
]
