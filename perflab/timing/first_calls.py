"""What is asked of both sides before the clock starts: that they end, do not raise, and do the same work."""

from collections.abc import Callable, MutableMapping, MutableSequence, MutableSet
from itertools import islice
from typing import Any

import numpy as np

from perflab.timing.agreement import agree
from perflab.timing.deadline import OutOfTimeError, can_interrupt, within
from perflab.timing.trial import trial

Maker = Callable[[np.random.Generator], tuple]
CONTAINERS = (MutableSequence, MutableMapping, MutableSet)
LOOKED_AT = 100  # elements of a container of the arguments, in search of the same array twice
WAY_OUT = "make the input smaller or the budget larger"


class UnequalWorkError(ValueError):
    """Baseline and candidate do not compute the same; the text says where they part."""


def check_first_calls(sides: dict[str, Callable[..., Any]], make: Maker, key: int, budget: float) -> None:
    """Call both sides once, untimed: they must end, not raise, and agree.

    Parameters
    ----------
    sides : dict
        "baseline" and "candidate".
    make : callable
        Of their arguments.
    key : int
        Of the input.
    budget : float
        Seconds for each call.

    Raises
    ------
    TypeError, ValueError, TimeoutError, RuntimeError, UnequalWorkError
        See `perflab.timing.compare`.
    """
    try:
        one, other = within(budget, lambda: (fresh(make, key), fresh(make, key)))
    except OutOfTimeError:
        raise TimeoutError(f"make: two inputs took longer than {budget:g} s; {WAY_OUT}") from None
    if (kept := _kept(one, other)) is not None:
        kind = "array" if isinstance(kept, np.ndarray) else type(kept).__name__
        raise ValueError(f"make: it returned the same {kind} twice; let it return a fresh one, or a copy")
    outcomes = {name: _outcome(name, fn, make, key, budget) for name, fn in sides.items()}
    ours, theirs = outcomes["candidate"], outcomes["baseline"]
    for what, a, b in (("results", ours[0], theirs[0]), ("changed arguments", ours[1], theirs[1])):
        if not agree(a, b):
            text = f"baseline and candidate do unequal work: on the same input their {what} differ"
            raise UnequalWorkError(text)


def _outcome(name: str, fn: Callable[..., Any], make: Maker, key: int, budget: float) -> tuple[Any, tuple]:
    """Return what a call gives back and what becomes of its arguments."""
    late = f"{name}: one call did not end within {budget:g} s; {WAY_OUT}"
    how = trial(fn, fresh(make, key), budget)
    # What waits in a fork may wait for a thread that only this process has: then the call itself decides.
    if how == "late" or (how == "waiting" and not can_interrupt()):
        raise TimeoutError(late)
    if how == "killed":
        raise RuntimeError(f"{name}: it was killed on its first call; out of memory? (make the input smaller)")
    if how == "crashed":
        raise RuntimeError(f"{name}: it crashed on its first call; an index out of range? (try boundscheck=True)")
    args = fresh(make, key)
    try:
        return within(budget, lambda: called(name, lambda: fn(*args))), args
    except OutOfTimeError:
        raise TimeoutError(late) from None


def called(name: str, call: Callable[[], Any]) -> Any:
    """Return what a call returns; what it raises becomes a RuntimeError that names it."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise RuntimeError(f"{name}: it raised {type(error).__name__}: {error}") from error


def fresh(make: Maker, key: int) -> tuple:
    """Return the input of a key."""
    args = called("make", lambda: make(np.random.default_rng(key)))
    if not isinstance(args, tuple):
        raise TypeError(f"make: a tuple of arguments, got a {type(args).__name__}; for one argument write (x,)")
    return args


def _kept(one: tuple, other: tuple) -> Any:
    """Return something that two inputs have in common and that a call could change, or None."""
    ours, theirs = _changeable(one), _changeable(other)
    identities = {id(x) for x in theirs}
    arrays = [x for x in theirs if isinstance(x, np.ndarray)]
    for x in ours:
        if id(x) in identities:
            return x
        if isinstance(x, np.ndarray) and any(np.may_share_memory(x, y) for y in arrays):
            return x
    return None


def _changeable(value: Any) -> list[Any]:
    """Return arrays and containers among some arguments, and those within them."""
    if isinstance(value, np.ndarray):
        return [value] if value.size else []
    found = [value] if isinstance(value, CONTAINERS) else []
    if isinstance(value, tuple | list):
        for element in islice(value, LOOKED_AT):
            found += _changeable(element)
    return found
