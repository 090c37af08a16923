"""Compare two programs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from perflab.timing.clocks import CLOCKS, Clock, seconds_of
from perflab.timing.comparison import Comparison, Verdict
from perflab.timing.disturbance import disturbances, snapshot
from perflab.timing.pairs import PAIRS, paired
from perflab.timing.trial import trial

CALLS = 3  # a half of a pair is the best of so many calls, each on an input of its own
SAME = 1e-3  # relative: a reordered sum may differ so much, other work differs by more

Maker = Callable[[np.random.Generator], tuple]


class UnequalWorkError(ValueError):
    """Baseline and candidate do not compute the same; the text says where they part."""


def compare(
    candidate: Callable[..., Any],
    baseline: Callable[..., Any],
    make: Maker,
    *,
    threshold: float = 1.0,
    clock: Clock = "cpu",
    pairs: tuple[int, int] = PAIRS,
    budget: float = 30.0,
    seed: int | None = None,
) -> Comparison:
    """Measure how many times faster `candidate` is than `baseline`.

    Each side is called once before the clock starts, on equal inputs, so that compilation is never timed; what
    the two calls return, and what becomes of their arguments, must agree where it can be compared. A pair draws
    three inputs; each side runs on copies of the same three, and its best call counts. Measuring stops as soon as
    the interval lies on one side of `threshold`.

    Parameters
    ----------
    candidate, baseline : callable
        Called as ``fn(*make(rng))``; they may change their arguments.
    make : callable
        ``make(rng)`` returns a tuple of fresh arguments. Size them so that the slower side lasts 2 ms or more.
    threshold : float
        The ratio that the verdict is about; 1 asks "is it faster at all?".
    clock : {"cpu", "wall"}
        CPU time of the whole process for computations; wall time for I/O and threads.
    pairs : tuple of int
        Fewest and most pairs. Fewer than 9 cannot decide anything.
    budget : float
        Seconds for the measurement, and for each first call.
    seed : int, optional
        Of the inputs and of the order; fresh by default.

    Raises
    ------
    TypeError
        If `candidate`, `baseline` or `make` is no function, or `make` does not return a tuple.
    ValueError
        If an argument makes no sense, or `make` returns the same array twice.
    UnequalWorkError
        If the outcomes differ.
    TimeoutError
        If a first call does not end within the budget.
    RuntimeError
        If a side raises (its own exception is the cause) or crashes.
    """
    sides = {"baseline": baseline, "candidate": candidate}
    _check_arguments(sides, make, threshold, clock, pairs, budget)
    rng = np.random.default_rng(seed)
    _check_first_calls(sides, make, int(rng.integers(2**63)), budget)

    def half(name: str, keys: np.ndarray) -> float:
        best = float("inf")
        for key in keys:
            args = _fresh(make, key)
            best = min(best, _called(name, lambda args=args: seconds_of(lambda: sides[name](*args), clock)[0]))
        return best

    def pair(_: int) -> tuple[float, float]:
        # The same key gives both sides equal arguments that share no memory.
        keys = rng.integers(2**63, size=CALLS)
        seconds = {name: half(name, keys) for name in rng.permutation(list(sides))}
        return seconds["baseline"], seconds["candidate"]

    before = snapshot()
    measured = paired(pair, lambda i: i.low > threshold or i.high < threshold, *pairs, budget=budget)
    found = measured.interval
    verdict: Verdict = "above" if found.low > threshold else "below" if found.high < threshold else "unsure"
    disturbed = disturbances(before, snapshot())
    return Comparison(found.median, found.low, found.high, verdict, threshold, measured, clock, disturbed)


def _check_arguments(
    sides: dict[str, Any], make: Any, threshold: float, clock: str, pairs: tuple[int, int], budget: float
) -> None:
    for name, fn in (*sides.items(), ("make", make)):
        if not callable(fn):
            raise TypeError(f"{name}: a function, got a {type(fn).__name__}")
    if not threshold > 0:
        raise ValueError(f"threshold: a ratio above 0, got {threshold!r}")
    if clock not in CLOCKS:
        raise ValueError(f"clock: one of {', '.join(map(repr, CLOCKS))}, got {clock!r}")
    if len(pairs) != 2 or not 1 <= pairs[0] <= pairs[1]:
        raise ValueError(f"pairs: fewest and most, e.g. {PAIRS}, got {pairs!r}")
    if not budget > 0:
        raise ValueError(f"budget: seconds above 0, got {budget!r}")


def _check_first_calls(sides: dict[str, Callable[..., Any]], make: Maker, key: int, budget: float) -> None:
    """Call both sides once, untimed: they must end, not raise, and agree."""
    one, other = _fresh(make, key), _fresh(make, key)
    if any(a is b or np.shares_memory(a, b) for a in _arrays(one) for b in _arrays(other)):
        raise ValueError("make: it returned the same array twice; let it return a fresh one, or a copy")
    outcomes = {}
    for name, fn in sides.items():
        how = trial(fn, _fresh(make, key), budget)
        if how == "late":
            text = f"{name}: one call did not end within {budget:g} s; make the input smaller or the budget larger"
            raise TimeoutError(text)
        if how == "crashed":
            raise RuntimeError(
                f"{name}: it crashed on its first call; an index out of range? (try boundscheck=True)"
            )
        args = _fresh(make, key)
        result = _called(name, lambda fn=fn, args=args: fn(*args))
        outcomes[name] = result, args
    ours, theirs = outcomes["candidate"], outcomes["baseline"]
    for what, a, b in (("results", ours[0], theirs[0]), ("changed arguments", ours[1], theirs[1])):
        if not _agree(a, b):
            text = f"baseline and candidate do unequal work: on the same input their {what} differ"
            raise UnequalWorkError(text)


def _called(name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        raise RuntimeError(f"{name}: it raised {type(error).__name__}: {error}") from error


def _fresh(make: Maker, key: int) -> tuple:
    args = make(np.random.default_rng(key))
    if not isinstance(args, tuple):
        raise TypeError(f"make: a tuple of arguments, got a {type(args).__name__}; for one argument write (x,)")
    return args


def _arrays(args: tuple) -> list[np.ndarray]:
    return [arg for arg in args if isinstance(arg, np.ndarray) and arg.size]


def _agree(a: Any, b: Any) -> bool:
    """Tell whether two outcomes are the same work; what is neither number nor array of them is not compared."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_agree, a, b))
    seen = (np.ndarray, np.number, int, float, complex, tuple, list)
    if not isinstance(a, seen) or not isinstance(b, seen):
        return True
    if isinstance(a, tuple | list) or isinstance(b, tuple | list):
        return False
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.names or b.dtype.names:
        if a.shape != b.shape or a.dtype.names != b.dtype.names:
            return False
        return all(_agree(a[name], b[name]) for name in a.dtype.names)
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        return True
    scale = max((float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in (a, b)), default=0.0)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=SAME * scale, equal_nan=True))
