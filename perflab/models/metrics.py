"""What a check can count with a model, by name."""

from collections.abc import Callable
from typing import Any

PREDICTORS = ("static", "bimodal", "local", "global", "gshare", "tournament", "tage")
BY_PREDICTOR = "mispredictions:"

METRICS = {
    "mispredictions": "branches mispredicted",
    **{f"{BY_PREDICTOR}{name}": f"branches mispredicted by {name}" for name in PREDICTORS},
}


def measure(metric: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    """Run ``fn(*args)``; return one of `METRICS`, and the result.

    "mispredictions" asks `perflab.models.branch.Tage`; another predictor follows after a colon. All have their
    default sizes.

    Raises
    ------
    UninstrumentableError
        If the function cannot be watched; the text names the line and the way out.
    """
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
