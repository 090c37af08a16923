"""TAGE: several tables of tagged counters, each for a longer history than the one before it.

A short history is learned quickly, a long one tells more apart. TAGE keeps tables for histories whose lengths
form a geometric series. Each entry carries a tag, so that a table knows whether it has met this branch with
this history; the longest history that matches gives the prediction.

This is the predictor of Seznec and Michaud [1]_ made small, and these are the rules:

- The base is a `Bimodal`. It learns from every branch.
- Table t has the entry ``address ^ folded(h)``, with the tag ``address ^ folded(reversed(h))``, where h is the
  last ``histories[t]`` outcomes, and folding cuts a number into pieces as wide as wanted and combines them by
  exclusive or. Lengths stop at 64, one machine word; the paper goes to 130 and beyond.
- The provider is the match with the longest history, or else the base; the alternate is the next one. The paper
  also lets the alternate overrule a provider that has just been made; here it does not.
- The provider's counter learns. Where provider and alternate disagree, the entry's usefulness goes up if the
  provider was right, and down if not.
- After a misprediction the nearest longer table whose entry here has usefulness 0 gets an entry for it, in the
  weakest state of what happened. If there is none, all longer ones lose a step of usefulness. The paper picks
  one at random; the nearest makes every run the same.
- Every `period` branches all entries lose a step of usefulness, so that nothing stays for ever. The paper clears a
  bit of each.

References
----------
.. [1] A. Seznec and P. Michaud, A case for (partially) tagged geometric history length branch prediction,
   Journal of Instruction-Level Parallelism 8, 2006.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from perflab.models.branch.predictors import MOST_COUNTER, Bimodal
from perflab.models.branch.tables import require_bits, require_size
from perflab.models.branch.trace import Trace


@dataclass(frozen=True)
class Tage:
    """Tagged tables for histories of geometric lengths; the rules are in `perflab.models.branch.tage`.

    Attributes
    ----------
    base : Bimodal
        What predicts where no tag matches.
    histories : tuple of int
        Outcomes that each table looks back on; they increase, to at most 64.
    entries : int
        Of each table; a power of two.
    tag, bits, useful : int
        Bits of a tag, of a counter, and of a usefulness.
    period : int
        Branches after which all usefulness ages.
    """

    base: Bimodal = field(default_factory=Bimodal)
    histories: tuple[int, ...] = (5, 12, 27, 64)
    entries: int = 1024
    tag: int = 11
    bits: int = 3
    useful: int = 2
    period: int = 1 << 18

    def __post_init__(self) -> None:
        require_size(entries=self.entries)
        require_bits(MOST_COUNTER, tag=self.tag, bits=self.bits, useful=self.useful)
        rising = all(a < b for a, b in zip(self.histories, self.histories[1:], strict=False))
        if not self.histories or not rising or not 1 <= self.histories[0] <= self.histories[-1] <= 64:
            raise ValueError(f"histories: lengths from 1 to 64 that increase, got {self.histories}")
        if self.entries < 2 or self.period < 1:
            raise ValueError(f"entries: at least 2, period: at least 1; got {self.entries} and {self.period}")

    def predict(self, trace: Trace) -> np.ndarray:
        """See `perflab.models.branch.Predictor`."""
        return _tage(
            trace.address,
            trace.taken,
            self.base.predict(trace),
            np.array(self.histories, np.uint64),
            np.uint64(self.entries.bit_length() - 1),
            np.uint64(self.tag),
            self.bits,
            self.useful,
            self.period,
        )


@njit
def _folded(word, width):
    """Return the pieces of a word, each `width` bits, combined by exclusive or (all uint64)."""
    mask = (np.uint64(1) << width) - np.uint64(1)
    folded = np.uint64(0)
    while word:
        folded ^= word & mask
        word >>= width
    return folded


@njit
def _tage(address, taken, base, histories, index_bits, tag_bits, bits, useful_bits, period):
    one = np.uint64(1)  # unsigned throughout: Numba makes a float of signed and unsigned together
    index_mask, tag_mask = (one << index_bits) - one, (one << tag_bits) - one
    tables, entries = histories.size, int(one << index_bits)
    half, most, most_useful = 1 << (bits - 1), (1 << bits) - 1, (1 << useful_bits) - 1
    tags = np.full((tables, entries), -1, np.int64)
    counters = np.zeros((tables, entries), np.int32)
    useful = np.zeros((tables, entries), np.int32)
    newest_low, newest_high = np.zeros(tables, np.uint64), np.zeros(tables, np.uint64)  # each history, both ways
    slot, tag = np.zeros(tables, np.int64), np.zeros(tables, np.int64)
    predicted = np.empty(taken.size, np.bool_)
    for i in range(taken.size):
        pc = np.uint64(address[i])
        provider, alternate = -1, -1
        for t in range(tables):
            slot[t] = np.int64((pc ^ _folded(newest_low[t], index_bits)) & index_mask)
            tag[t] = np.int64((pc ^ _folded(newest_high[t], tag_bits)) & tag_mask)
            if tags[t, slot[t]] == tag[t]:
                provider, alternate = t, provider
        guess = base[i] if provider < 0 else counters[provider, slot[provider]] >= half
        other = base[i] if alternate < 0 else counters[alternate, slot[alternate]] >= half
        predicted[i] = guess

        if provider >= 0:
            s = slot[provider]
            if taken[i]:
                counters[provider, s] = min(counters[provider, s] + 1, most)
            else:
                counters[provider, s] = max(counters[provider, s] - 1, 0)
            if guess != other:
                if guess == taken[i]:
                    useful[provider, s] = min(useful[provider, s] + 1, most_useful)
                else:
                    useful[provider, s] = max(useful[provider, s] - 1, 0)
        if guess != taken[i]:
            free = provider + 1
            while free < tables and useful[free, slot[free]] > 0:
                free += 1
            if free < tables:
                tags[free, slot[free]] = tag[free]
                counters[free, slot[free]] = half if taken[i] else half - 1
            else:
                for t in range(provider + 1, tables):
                    useful[t, slot[t]] -= 1
        if (i + 1) % period == 0:
            for t in range(tables):
                for s in range(entries):
                    useful[t, s] = max(useful[t, s] - 1, 0)

        bit = one if taken[i] else np.uint64(0)
        for t in range(tables):
            length = histories[t]
            kept = ~np.uint64(0) >> (np.uint64(64) - length)
            newest_low[t] = ((newest_low[t] << one) | bit) & kept
            newest_high[t] = (newest_high[t] >> one) | (bit << (length - one))
    return predicted
