"""Oracles: callables that live on the judge's side and count how often they are asked."""

import copy as copying
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from perflab.check import given


class Oracle:
    """A counted callable whose inside stays out of reach.

    Made by `oracle`. A function under test may call it, like the object it stands for; each call is counted.
    Here, in a learner's own kernel, the object is merely out of sight; under the judge it is in another process.

    Attributes
    ----------
    calls : int
        How often it was called.
    """

    __slots__ = ("__weakref__",)

    def __call__(self, *args: Any) -> Any:
        """Ask the oracle once."""
        _calls[self] += 1
        with given.asked():
            return _targets[self](*args)

    @property
    def calls(self) -> int:
        """How often it was called."""
        return _calls[self]

    def __repr__(self) -> str:
        return "<oracle>"


_targets: WeakKeyDictionary[Oracle, Callable[..., Any]] = WeakKeyDictionary()
_calls: WeakKeyDictionary[Oracle, int] = WeakKeyDictionary()


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
