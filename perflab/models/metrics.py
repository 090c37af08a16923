"""What a check can count with a model, by name."""

from collections.abc import Callable
from typing import Any

import numpy as np

PREDICTORS = ("static", "bimodal", "local", "global", "gshare", "tournament", "tage")
BY_PREDICTOR = "mispredictions:"

BY_LEVEL = "misses:"
LEVELS = ("L1", "L2", "L3", "TLB")

METRICS = {
    "accesses": "loads and stores of elements",
    "misses": "misses of a first-level cache",
    **{f"{BY_LEVEL}{name}": f"{name} misses" for name in LEVELS},
    "mispredictions": "branches mispredicted",
    **{f"{BY_PREDICTOR}{name}": f"branches mispredicted by {name}" for name in PREDICTORS},
    "cycles": "cycles of the loops on a modelled core",
}
BY_THREADS = "invalidations:"  # and how many threads
INVALIDATIONS = "lines that threads take from each other"


def measure(metric: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    """Run ``fn(*args)``; return one of `METRICS`, or "invalidations:N", and the result.

    "accesses" are the steps of an algorithm: each element that is read or written, of arrays and of whatever else
    the function keeps, such as lists. See `perflab.models.containers` for the rule.

    "misses" are those of `perflab.models.cache.L1`, "misses:L2" and so on those of the levels of
    `perflab.models.cache.TEACHING`; all caches are empty at first.

    "mispredictions" asks `perflab.models.branch.Tage`; another predictor follows after a colon. All have their
    default sizes.

    "cycles" are those of the innermost loops on `perflab.models.pipeline.SKYLAKE`, as often as they go around,
    and the latency of each operation outside of them.

    "invalidations:4" makes the calls ``fn(0, *args)`` to ``fn(3, *args)`` on threads of their own, one access of
    each in turn, and counts the copies of lines that writes kill; the result is a tuple of theirs.

    Raises
    ------
    UninstrumentableError, UntraceableError
        If the function cannot be watched; the text names the line and the way out.
    """
    if metric.startswith(BY_THREADS):
        from perflab.models import coherence

        threads = range(int(metric.removeprefix(BY_THREADS)))
        report = coherence.simulate(fn, [(me, *args) for me in threads])
        return float(report.invalidations), report.results
    if metric == "accesses":
        return _accesses(fn, args)
    if metric.startswith("misses"):
        return _misses(metric.removeprefix("misses").removeprefix(":"), fn, args)
    if metric == "cycles":
        from perflab.models import pipeline

        return pipeline.cycles(fn, args)
    # Imported here: a sandbox lacks the models that an exercise forbids.
    from perflab.models.branch import Bimodal, Gshare, Static, Tage, Tournament, TwoLevel, replay
    from perflab.models.branch.kernel import watched

    predictors = {
        "static": Static(),
        "bimodal": Bimodal(),
        "local": TwoLevel("local"),
        "global": TwoLevel("global"),
        "gshare": Gshare(),
        "tournament": Tournament(),
        "tage": Tage(),
    }
    name = metric.removeprefix(BY_PREDICTOR) if metric.startswith(BY_PREDICTOR) else "tage"
    trace, result = watched(fn, args)
    return float(replay(predictors[name], trace).count), result


def _accesses(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    from perflab.models import record

    count = 0

    def consume(addresses: np.ndarray, codes: np.ndarray) -> None:
        nonlocal count
        count += addresses.size

    recording = record.accesses(fn, args, consume)
    return float(count + recording.steps), recording.result


def _misses(level: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    from perflab.models.cache import TEACHING, Hierarchy, simulate

    if level == "TLB":
        report = simulate(fn, args, Hierarchy(TEACHING.levels[:1], tlb=TEACHING.tlb))
        return float(report.tlb_misses or 0), report.result
    # What is below a level changes nothing there, and takes time to compile.
    name = level or TEACHING.levels[0].name
    below = [each.name for each in TEACHING.levels].index(name) + 1
    report = simulate(fn, args, Hierarchy(TEACHING.levels[:below]))
    return float(report[name].misses), report.result
