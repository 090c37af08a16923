"""Predictors from the simplest to those that weigh two others: static, bimodal, two-level, gshare, tournament.

Each is a small record of sizes with one method, ``predict(trace)``, which returns what it would have predicted for
every branch. Tables are indexed by the lowest bits of the address, without tags: branches that share an entry
disturb each other. What a branch did is known at once, before the next one is predicted.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numba import njit

from perflab.models.branch.tables import new_table, require_bits, require_size, step
from perflab.models.branch.trace import Trace

MOST_HISTORY = 24  # bits that index a table: it has two to this power of counters
MOST_COUNTER = 16  # bits


class Predictor(Protocol):
    """What guesses whether branches are taken."""

    def predict(self, trace: Trace) -> np.ndarray:
        """Return the guess for each branch (bool), made before its outcome is learned."""


@dataclass(frozen=True)
class Static:
    """The same guess each time: "taken", or "backward": taken if the branch jumps back, as loops do [1]_.

    References
    ----------
    .. [1] J. E. Smith, A study of branch prediction strategies, ISCA 1981.
    """

    rule: Literal["taken", "backward"] = "backward"

    def __post_init__(self) -> None:
        if self.rule not in ("taken", "backward"):
            raise ValueError(f"rule: 'taken' or 'backward', got {self.rule!r}")

    def predict(self, trace: Trace) -> np.ndarray:
        """See `Predictor.predict`."""
        if self.rule == "taken":
            return np.ones(len(trace), bool)
        if trace.backward is None:
            raise ValueError(
                "backward: this trace does not say which branches jump back; pass Trace(..., backward=)"
            )
        return trace.backward.copy()


@dataclass(frozen=True)
class Bimodal:
    """A counter for each branch, by ``address % entries``; with one bit it repeats the last outcome [1]_.

    Attributes
    ----------
    entries : int
        A power of two.
    bits : int
        Of a counter.

    References
    ----------
    .. [1] J. E. Smith, A study of branch prediction strategies, ISCA 1981.
    """

    entries: int = 4096
    bits: int = 2

    def __post_init__(self) -> None:
        require_size(entries=self.entries)
        require_bits(MOST_COUNTER, bits=self.bits)

    def predict(self, trace: Trace) -> np.ndarray:
        """See `Predictor.predict`."""
        return _bimodal(trace.address, trace.taken, self.entries, self.bits)


@njit
def _bimodal(address, taken, entries, bits):
    table = new_table(entries, bits)
    predicted = np.empty(taken.size, np.bool_)
    for i in range(taken.size):
        predicted[i] = step(table, address[i] & (entries - 1), taken[i], bits)
    return predicted


@dataclass(frozen=True)
class TwoLevel:
    """A counter for each pattern of what happened last, either to this branch or to all of them [1]_.

    Attributes
    ----------
    scope : {"local", "global"}
        "local": `entries` registers, by ``address % entries``, hold what their own branches did (PAg). "global":
        one register holds what the last branches did, whichever they were (GAg). The counters are shared by all.
    history : int
        Outcomes that a register holds; there are two to this power of counters.
    entries : int
        Registers of the local scope; a power of two.
    bits : int
        Of a counter.

    References
    ----------
    .. [1] T.-Y. Yeh and Y. N. Patt, Two-level adaptive training branch prediction, MICRO 1991.
    """

    scope: Literal["local", "global"] = "local"
    history: int = 10
    entries: int = 1024
    bits: int = 2

    def __post_init__(self) -> None:
        if self.scope not in ("local", "global"):
            raise ValueError(f"scope: 'local' or 'global', got {self.scope!r}")
        require_size(entries=self.entries)
        require_bits(MOST_HISTORY, history=self.history)
        require_bits(MOST_COUNTER, bits=self.bits)

    def predict(self, trace: Trace) -> np.ndarray:
        """See `Predictor.predict`."""
        if self.scope == "global":
            return _global(trace.address, trace.taken, 0, self.history, 1 << self.history, self.bits)
        return _local(trace.address, trace.taken, self.entries, self.history, self.bits)


@njit
def _local(address, taken, entries, history, bits):
    """Predict by ``own outcomes``; `entries` registers keep them."""
    registers = np.zeros(entries, np.int32)
    table = new_table(1 << history, bits)
    predicted = np.empty(taken.size, np.bool_)
    for i in range(taken.size):
        slot = address[i] & (entries - 1)
        own = registers[slot]
        predicted[i] = step(table, own, taken[i], bits)
        registers[slot] = ((own << 1) | taken[i]) & ((1 << history) - 1)
    return predicted


@njit
def _global(address, taken, used, history, entries, bits):
    """Predict by ``(address & used) ^ outcomes of all branches``."""
    table = new_table(entries, bits)
    predicted = np.empty(taken.size, np.bool_)
    outcomes = 0
    for i in range(taken.size):
        predicted[i] = step(table, ((address[i] & used) ^ outcomes) & (entries - 1), taken[i], bits)
        outcomes = ((outcomes << 1) | taken[i]) & ((1 << history) - 1)
    return predicted


@dataclass(frozen=True)
class Gshare:
    """A counter for each pair of branch and recent outcomes, by ``(address ^ outcomes) % entries`` [1]_.

    Attributes
    ----------
    history : int
        Outcomes of the last branches that count.
    entries : int
        A power of two.
    bits : int
        Of a counter.

    References
    ----------
    .. [1] S. McFarling, Combining branch predictors, DEC WRL technical note TN-36, 1993.
    """

    history: int = 12
    entries: int = 4096
    bits: int = 2

    def __post_init__(self) -> None:
        require_size(entries=self.entries)
        require_bits(62, history=self.history)
        require_bits(MOST_COUNTER, bits=self.bits)

    def predict(self, trace: Trace) -> np.ndarray:
        """See `Predictor.predict`."""
        return _global(trace.address, trace.taken, -1, self.history, self.entries, self.bits)


@dataclass(frozen=True)
class Tournament:
    """Two predictors, and for each branch a counter of which one to believe, by ``address % entries`` [1]_.

    The counter moves only where the two disagree, towards the one that was right; it begins on the side of the
    second, by one step. Both predictors learn from every branch.

    Attributes
    ----------
    first, second : Predictor
        By default one that knows a branch's own past, and one that knows what led to it, as in the Alpha 21264.
    entries : int
        A power of two.
    bits : int
        Of a counter.

    References
    ----------
    .. [1] S. McFarling, Combining branch predictors, DEC WRL technical note TN-36, 1993.
    """

    first: Predictor = field(default_factory=TwoLevel)
    second: Predictor = field(default_factory=Gshare)
    entries: int = 4096
    bits: int = 2

    def __post_init__(self) -> None:
        require_size(entries=self.entries)
        require_bits(MOST_COUNTER, bits=self.bits)

    def predict(self, trace: Trace) -> np.ndarray:
        """See `Predictor.predict`."""
        first, second = self.first.predict(trace), self.second.predict(trace)
        return _chosen(trace.address, trace.taken, first, second, self.entries, self.bits)


@njit
def _chosen(address, taken, first, second, entries, bits):
    """Return the guesses of `second` where a counter is in its upper half, of `first` elsewhere."""
    half, most = 1 << (bits - 1), (1 << bits) - 1
    table = new_table(entries, bits)
    predicted = np.empty(taken.size, np.bool_)
    for i in range(taken.size):
        slot = address[i] & (entries - 1)
        counter = table[slot]
        one, other = first[i], second[i]
        predicted[i] = other if counter >= half else one
        differ = one != other
        second_right = other == taken[i]
        table[slot] = (
            counter + (differ & second_right & (counter < most)) - (differ & ~second_right & (counter > 0))
        )
    return predicted
