"""What a check can count with a model, by name."""

from collections.abc import Callable
from typing import Any

PREDICTORS = ("static", "bimodal", "local", "global", "gshare", "tournament", "tage")
BY_PREDICTOR = "mispredictions:"

BY_LEVEL = "misses:"
LEVELS = ("L1", "L2", "L3", "TLB")

METRICS = {
    "misses": "misses of a first-level cache",
    **{f"{BY_LEVEL}{name}": f"{name} misses" for name in LEVELS},
    "mispredictions": "branches mispredicted",
    **{f"{BY_PREDICTOR}{name}": f"branches mispredicted by {name}" for name in PREDICTORS},
}


def measure(metric: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    """Run ``fn(*args)``; return one of `METRICS`, and the result.

    "misses" are those of `perflab.models.cache.L1`, "misses:L2" and so on those of the levels of
    `perflab.models.cache.TEACHING`; all caches are empty at first.

    "mispredictions" asks `perflab.models.branch.Tage`; another predictor follows after a colon. All have their
    default sizes.

    Raises
    ------
    UninstrumentableError, UntraceableError
        If the function cannot be watched; the text names the line and the way out.
    """
    if metric.startswith("misses"):
        return _misses(metric.removeprefix("misses").removeprefix(":"), fn, args)
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
