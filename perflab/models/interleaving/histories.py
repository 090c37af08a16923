"""Linearizability: whether a history of calls is explained by an order in which one follows the other.

Each call has to take effect at some instant between its beginning and its end (Herlihy and Wing 1990). The search
is Wing and Gong's, with Lowe's refinements: it goes along with the history and keeps every state in which the
object can be by now, with the calls that have begun and not returned, taken effect or not. A call takes effect no
sooner than a return demands it. Sets of such states are remembered, so histories that agree on them are searched
once.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Of one object and what has begun on it: the number of its state, and for each thread the calls that have not
# returned, in order: (number of the call, whether it took effect, its result).
_Configuration = tuple[int, tuple[tuple[tuple[int, bool, Any], ...], ...]]

IMPOSSIBLE = -1  # no order of the calls explains the history


@dataclass(frozen=True)
class Event:
    """A call of a recorded function begins (`result` is None and `begins` true) or ends."""

    thread: int
    name: str
    begins: bool
    args: tuple = ()
    result: Any = None


class Monitor:
    """Follows histories of some threads on one object.

    Parameters
    ----------
    against : callable
        Returns a fresh sequential object, e.g. a class. Its methods are named like the recorded functions, take
        their arguments without the arrays, and return what they should.
    threads : int
    """

    def __init__(self, against: Callable[[], Any], threads: int) -> None:
        self._objects: list[Any] = []
        self._object_numbers: dict[Any, int] = {}
        self._results: dict[tuple[int, int], tuple[Any, int]] = {}
        self._calls: list[tuple[str, tuple]] = []
        self._call_numbers: dict[tuple[str, tuple], int] = {}
        self._sets: list[frozenset[_Configuration]] = []
        self._set_numbers: dict[frozenset[_Configuration], int] = {}
        self._following: dict[Any, int] = {}
        start = self._object_number(against())
        self.first = self._set_number(frozenset({(start, ((),) * threads)}))

    def invoked(self, number: int, thread: int, name: str, args: tuple) -> int:
        """Return the number of the set of configurations after a call began."""
        key = number, thread, name, args
        if key not in self._following:
            call = self._call_numbers.setdefault((name, args), len(self._calls))
            if call == len(self._calls):
                self._calls.append((name, args))
            self._following[key] = self._set_number(
                frozenset(
                    (state, _with(begun, thread, (*begun[thread], (call, False, None))))
                    for state, begun in self._sets[number]
                )
            )
        return self._following[key]

    def returned(self, number: int, thread: int, result: Any) -> int:
        """Return the number of the set after the oldest call of a thread returned, or IMPOSSIBLE."""
        key = number, thread, _plain(result)
        if key not in self._following:
            left = frozenset(self._explanations(self._sets[number], thread, key[2]))
            self._following[key] = self._set_number(left) if left else IMPOSSIBLE
        return self._following[key]

    def _explanations(
        self, before: Iterable[_Configuration], thread: int, result: Any
    ) -> Iterable[_Configuration]:
        seen, open_ = set(before), list(before)
        while open_:
            state, begun = open_.pop()
            _, effective, had = begun[thread][0]
            if effective:
                if had == result:
                    yield state, _with(begun, thread, begun[thread][1:])
                continue
            for other, calls in enumerate(begun):
                at = next((i for i, (_, done, _) in enumerate(calls) if not done), None)
                if at is None:
                    continue
                value, following = self._apply(state, calls[at][0])
                done = (*calls[:at], (calls[at][0], True, value), *calls[at + 1 :])
                more = following, _with(begun, other, done)
                if more not in seen:
                    seen.add(more)
                    open_.append(more)

    def _apply(self, state: int, call: int) -> tuple[Any, int]:
        key = state, call
        if key not in self._results:
            twin = copy.deepcopy(self._objects[state])
            name, args = self._calls[call]
            value = _plain(getattr(twin, name)(*args))
            self._results[key] = value, self._object_number(twin)
        return self._results[key]

    def _object_number(self, value: Any) -> int:
        number = self._object_numbers.setdefault(_plain(vars(value)), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)
        return number

    def _set_number(self, configurations: frozenset[_Configuration]) -> int:
        number = self._set_numbers.setdefault(configurations, len(self._sets))
        if number == len(self._sets):
            self._sets.append(configurations)
        return number


def linearizable(history: Iterable[Event], against: Callable[[], Any]) -> bool:
    """Tell whether some order of its calls explains a history.

    Parameters
    ----------
    history : iterable of Event
        In order of time. Calls that never end may have taken effect or not.
    against : callable
        See `Monitor`.

    Raises
    ------
    ValueError
        If a thread returns from what it did not call.
    """
    history = list(history)
    monitor = Monitor(against, 1 + max((event.thread for event in history), default=0))
    number, depth = monitor.first, [0] * (1 + max((event.thread for event in history), default=0))
    for event in history:
        depth[event.thread] += 1 if event.begins else -1
        if depth[event.thread] < 0:
            raise ValueError(f"history: thread {event.thread} returns from {event.name} without calling it")
        if event.begins:
            number = monitor.invoked(number, event.thread, event.name, event.args)
        else:
            number = monitor.returned(number, event.thread, event.result)
        if number == IMPOSSIBLE:
            return False
    return True


def recorded(against: Callable[[], Any]) -> frozenset[str]:
    """Return the names of the methods that a sequential object has."""
    value = against()
    if not hasattr(value, "__dict__"):
        raise TypeError("against: a class whose objects keep their state in attributes, e.g. self.items = []")
    return frozenset(n for n in dir(value) if not n.startswith("_") and callable(getattr(value, n)))


def _with(begun: tuple, thread: int, calls: tuple) -> tuple:
    return (*begun[:thread], calls, *begun[thread + 1 :])


def _plain(value: Any) -> Any:
    """Return something hashable that is equal for equal states."""
    if isinstance(value, dict):
        return "dict", *sorted((_plain(k), _plain(v)) for k, v in value.items())
    if isinstance(value, list | deque):
        return "list", *map(_plain, value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, set | frozenset):
        return "set", frozenset(map(_plain, value))
    if isinstance(value, np.generic):
        return value.item()
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"against: an attribute is a {type(value).__name__}; keep numbers, strings, lists, deques, sets, dicts"
        ) from None
    return value
