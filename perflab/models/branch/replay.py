"""Put a trace to a predictor, and say where it guessed wrong."""

from dataclasses import dataclass

import numpy as np

from perflab.models.branch.predictors import Predictor
from perflab.models.branch.trace import Trace
from perflab.models.instrument import Site

SHOWN = 8  # branches of a printed table


@dataclass(frozen=True)
class Branch:
    """One branch of the program, over the whole run.

    Attributes
    ----------
    address : int
    executed, taken, mispredicted : int
        How often.
    place : Site or None
        Where it stands in the source.
    """

    address: int
    executed: int
    taken: int
    mispredicted: int
    place: Site | None


@dataclass(frozen=True)
class Mispredictions:
    """What a predictor made of a trace.

    Attributes
    ----------
    predictor : Predictor
    trace : Trace
    wrong : ndarray of bool
        Whether each branch was mispredicted.
    """

    predictor: Predictor
    trace: Trace
    wrong: np.ndarray

    @property
    def branches(self) -> int:
        """Branches that ran."""
        return len(self.trace)

    @property
    def count(self) -> int:
        """Mispredictions in all."""
        return int(np.count_nonzero(self.wrong))

    @property
    def rate(self) -> float:
        """Mispredictions a branch; 0 of no branches."""
        return self.count / max(self.branches, 1)

    def by_branch(self) -> list[Branch]:
        """Return the branches of the program, the most mispredicted one first."""
        addresses, group = np.unique(self.trace.address, return_inverse=True)
        executed = np.bincount(group, minlength=addresses.size)
        taken = np.bincount(group, self.trace.taken, addresses.size).astype(int)
        wrong = np.bincount(group, self.wrong, addresses.size).astype(int)
        order = np.lexsort((addresses, -wrong))
        return [
            Branch(int(a), int(e), int(t), int(w), self.trace.places.get(int(a)))
            for a, e, t, w in zip(addresses[order], executed[order], taken[order], wrong[order], strict=True)
        ]

    def __str__(self) -> str:
        name = type(self.predictor).__name__
        rows = [f"{self.count:,} of {self.branches:,} branches mispredicted ({self.rate:.2%}) by {name}"]
        for branch in self.by_branch()[:SHOWN]:
            at = (
                f"line {branch.place.line}: {branch.place.text}"
                if branch.place
                else f"address {branch.address:#x}"
            )
            rows.append(f"{branch.mispredicted:>10,} of {branch.executed:>10,}  {at}")
        return "\n".join(rows)


def replay(predictor: Predictor, trace: Trace) -> Mispredictions:
    """Put each branch of a trace to a predictor.

    Parameters
    ----------
    predictor : Predictor
        Such as ``Gshare()``; it starts empty.
    trace : Trace

    Returns
    -------
    Mispredictions
        The same for the same input, always.

    Examples
    --------
    A loop of four iterations, 25 times: two bits mispredict its end, a history of it does not.

    >>> trace = Trace(np.zeros(100, np.int64), np.tile([True, True, True, False], 25))
    >>> replay(Bimodal(), trace).count, replay(TwoLevel("local"), trace).count
    (25, 3)
    """
    if not isinstance(trace, Trace):
        raise TypeError(f"trace: a Trace(address, taken), got {type(trace).__name__}")
    return Mispredictions(predictor, trace, predictor.predict(trace) != trace.taken)
