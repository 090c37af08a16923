"""Oracles: callables that live on the judge's side and count how often they are asked."""

import copy as copying
from collections.abc import Callable
from typing import Any


class Oracle:
    """A counted callable whose inside stays out of reach.

    Made by `oracle`. A function under test may call it, like the object it stands for; each call is counted.
    Here, in a learner's own kernel, the object is merely hidden; under the judge it is in another process.

    Attributes
    ----------
    calls : int
        How often it was called.
    """

    __slots__ = ("_ask",)

    def __init__(self, target: Callable[..., Any]) -> None:
        counter = [0]

        def ask(*args: Any, question: str = "call") -> Any:
            if question == "target":
                return target
            if question == "calls":
                return counter[0]
            counter[0] += 1
            return target(*args)

        self._ask = ask

    def __call__(self, *args: Any) -> Any:
        """Ask the oracle once."""
        return self._ask(*args)

    @property
    def calls(self) -> int:
        """How often it was called."""
        return self._ask(question="calls")

    def target(self) -> Callable[..., Any]:
        """Return the object it stands for; for references and metrics, never for a function under test."""
        return self._ask(question="target")

    def fresh(self) -> "Oracle":
        """Return an oracle over a deep copy of the same object, not called yet."""
        return Oracle(copying.deepcopy(self.target()))

    def __repr__(self) -> str:
        return f"<oracle, called {self.calls} times>"


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
    return Oracle(target)
