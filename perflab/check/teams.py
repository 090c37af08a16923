"""A team of functions on threads: all schedules of a small input, and one run on real threads.

Each function gets the number of its thread and then the same arguments as all others.

What explores and what starts threads is imported where it is used: sandboxes start often, and few need it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import jit
from numba.core.dispatcher import Dispatcher

from perflab.check import values

STATES = 100_000  # of one small input
MOST_OUTCOMES = 2_000
MOST_LISTING = 12_000  # characters of a schedule's table
KEPT = 32  # teams whose compiled code is remembered
Outcome = tuple[tuple, tuple]  # what the threads returned, and what their arguments became


@dataclass(frozen=True)
class Explored:
    """What all schedules of a team do with one input.

    Attributes
    ----------
    outcomes : list of Outcome
        All different ones; of a team that fails, what was seen until then.
    failure : str
        What goes wrong whatever the outcome should be, or nothing: a thread raises, or never ends.
    listing : str
        The schedule that fails or ends in the refused outcome, as a table.
    states : int
        How many were seen.
    locked : int
        Locked operations and full fences, when the threads take turns.
    blocked : str
        Who waits for whom for ever, if the system stops a thread, or nothing.
    """

    outcomes: list[Outcome]
    failure: str
    listing: str
    states: int
    locked: int
    blocked: str = ""


@dataclass(frozen=True)
class Raced:
    """What one run on real threads did.

    Attributes
    ----------
    results : tuple
    ended : bool
        Whether all came to an end in time; if not, nothing else is known.
    parallel : bool
        Whether they ran at the same time.
    """

    results: tuple
    ended: bool
    parallel: bool


@lru_cache(KEPT)
def bound(
    team: tuple[Callable[..., Any], ...], parts: tuple[tuple[str, Callable[..., Any]], ...]
) -> tuple[Callable[..., Any], ...]:
    """Return copies of a team's functions that call these parts, whatever bears their names elsewhere.

    A compiled function keeps what it has called once; a part that was written anew would never be seen.

    Parameters
    ----------
    team : tuple of callable
        Plain or compiled functions.
    parts : tuple of (str, callable)
        Names, as the team's functions have them, and what they shall stand for.
    """
    copies = {fn: _bound(fn, dict(parts)) for fn in team}
    return tuple(copies[fn] for fn in team)


def _bound(fn: Callable[..., Any], parts: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    plain = getattr(fn, "py_func", fn)
    names = {**plain.__globals__, **parts}
    copy = FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__, plain.__closure__)
    return jit(**fn.targetoptions)(copy) if isinstance(fn, Dispatcher) else copy


def explored(team: Sequence[Callable[..., Any]], args: tuple, refused: int | None = None) -> Explored:
    """Run all schedules of a team.

    Parameters
    ----------
    team : sequence of callable
    args : tuple
        As before when this returns.
    refused : int, optional
        The place of an outcome in an earlier answer: then the listing is a schedule that ends in it.

    Raises
    ------
    TypeError, RuntimeError, ValueError
        If the team cannot be explored; the text says what to change.
    """
    from perflab.models import interleaving

    calls = [(fn, (me, *args)) for me, fn in enumerate(team)]
    outcomes: dict[Any, Outcome] = {}

    def noted(*results: Any) -> bool:
        outcome = results, values.copy(args)
        outcomes.setdefault(_key(outcome), outcome)
        if len(outcomes) > MOST_OUTCOMES:
            raise ValueError(f"more than {MOST_OUTCOMES:,} different outcomes: let a small input be smaller")
        return True

    found = interleaving.explore(calls, check=noted, states=STATES)
    if found.violation is None and refused is not None:
        wrong = list(outcomes)[refused]
        found = interleaving.explore(calls, check=lambda *results: _key((results, args)) != wrong, states=STATES)
    failure, listing, locked, blocked = "", "", 0, ""
    if found.violation is not None:
        if "raised NotImplementedError" in found.violation.message:
            raise NotImplementedError
        missing = f"{interleaving.MISSING}\n\n" if found.violation.memory == "tso" else ""
        listing = f"{missing}{interleaving.table(found.violation)}"[:MOST_LISTING]
        failure = "" if found.violation.kind == "check" else found.violation.message
    else:
        locked, blocked = interleaving.locked(calls), _blocked(calls)
    return Explored(list(outcomes.values()), failure, listing, found.states, locked, blocked)


def _blocked(calls: Sequence[tuple[Callable[..., Any], tuple]]) -> str:
    """Say who waits for whom for ever, if the system stops a thread, or nothing."""
    from perflab.models import interleaving

    for one in interleaving.stopped(calls):
        if one.waiting is not None:
            where = f" at `{one.stop.text}` in {one.stop.function}, line {one.stop.line}" if one.stop else ""
            return (
                f"If the system stops thread {one.thread} ({calls[one.thread][0].__name__}){where}, "
                f"thread {one.waiting} ({calls[one.waiting][0].__name__}) waits until it goes on."
            )
    return ""


def raced(team: Sequence[Callable[..., Any]], args: tuple, seconds: float) -> Raced:
    """Run a team on real threads; the arrays among `args` receive what it did.

    Raises
    ------
    TypeError
        If a function is not compiled.
    RuntimeError
        If a thread raises.
    """
    from perflab import threads

    for fn in team:
        if not isinstance(fn, Dispatcher):
            raise TypeError("threads run compiled code: decorate the function with @njit")
    try:
        run = threads.run([(fn, (me, *args)) for me, fn in enumerate(team)], seconds=seconds)
    except TimeoutError:
        return Raced((), False, False)
    return Raced(run.results, True, run.parallel)


def _key(outcome: Outcome) -> Any:
    """Return something hashable that is equal for equal outcomes."""

    def frozen(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tobytes()
        if isinstance(value, tuple | list):
            return tuple(map(frozen, value))
        return repr(value)

    return frozen(outcome)
