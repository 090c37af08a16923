"""Oracles: callables that live on the judge's side and count how often they are asked."""

import copy as copying
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from perflab.check import given
from perflab.check.questions import question

T = TypeVar("T")


class Oracle:
    """A counted callable whose inside stays out of reach.

    Made by `oracle`. A function under test may call it, like the object it stands for; each call is counted.
    Here, in a learner's own kernel, the object is merely out of sight; under the judge it is in another process.

    Oracles are equal: to who asks, each is the same service, whose answers may change from one call of the
    function under test to the next. So what was remembered with an oracle as a key is found again, and wrong.

    Attributes
    ----------
    calls : int
        How often it was called.
    """

    __slots__ = ("__weakref__",)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """Ask the oracle once."""
        args, named = question(args), question(named)
        _calls[self] += 1
        with given.asked():
            return _targets[self](*args, **named)

    @property
    def calls(self) -> int:
        """How often it was called."""
        return _calls[self]

    def __eq__(self, other: object) -> bool:
        """Tell whether both are oracles."""
        return isinstance(other, Oracle)

    def __hash__(self) -> int:
        """Return the same for all of them."""
        return hash(Oracle)

    def __repr__(self) -> str:
        return "<oracle>"


class _Kept(Generic[T]):
    """What is kept for each oracle while it lives: for this very one, since all are equal."""

    def __init__(self) -> None:
        self._by_id: dict[int, T] = {}

    def __getitem__(self, one: Oracle) -> T:
        return self._by_id[id(one)]

    def __setitem__(self, one: Oracle, value: T) -> None:
        if id(one) not in self._by_id:
            weakref.finalize(one, self._by_id.pop, id(one), None).atexit = False
        self._by_id[id(one)] = value


_targets: _Kept[Callable[..., Any]] = _Kept()
_calls: _Kept[int] = _Kept()


def target_of(asked: Oracle) -> Callable[..., Any]:
    """Return the object that an oracle stands for; for references and metrics, never for a function under test."""
    return _targets[asked]


def fresh(asked: Oracle) -> Oracle:
    """Return an oracle over a deep copy of the same object, not called yet."""
    return oracle(copying.deepcopy(_targets[asked]))


def oracle(target: Callable[..., Any]) -> Oracle:
    """Wrap `target` so that a function under test can call it but not look into it.

    Parameters
    ----------
    target : callable
        Any object that can be called and deep-copied, e.g. a counted dictionary or a simulated device.

    Raises
    ------
    TypeError
        If it cannot be called.
    """
    if not callable(target):
        raise TypeError(f"oracle: expected something that can be called, got a {type(target).__name__}")
    made = Oracle()
    _targets[made], _calls[made] = target, 0
    return made
