"""A hierarchy at work on traces: any number of pieces, one after the other."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from perflab.models.cache import kernel
from perflab.models.cache.levels import Hierarchy
from perflab.models.hooks import SIZE

PIECE = 1 << 16  # accesses at a time: what a piece needs stays in the caches of the machine that simulates
LARGEST = 1 << 60  # no address is larger


class Simulation:
    """The state of a hierarchy: empty at first.

    Parameters
    ----------
    hierarchy : Hierarchy

    Attributes
    ----------
    hierarchy : Hierarchy
    accesses : int
    tlb_misses : int
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        levels = hierarchy.levels
        self.accesses = 0
        self.tlb_misses = 0
        at = kernel.HEAD * len(levels)
        heads = []
        for level in levels:
            heads.append((at, at + level.sets * level.ways, level.sets - 1, level.ways))
            at = heads[-1][1] + level.sets
        self._state = np.full(at, kernel.EMPTY, np.int64)
        self._heads = self._state[: kernel.HEAD * len(levels)].reshape(len(levels), kernel.HEAD)
        self._heads[:] = 0
        for level, head, (start, bits, mask, ways) in zip(levels, self._heads, heads, strict=True):
            head[: kernel.LOADS] = start, bits, mask, ways
            self._state[bits : bits + level.sets] = 0
            self._state[bits] = level.seed if level.policy == "random" else 0
        tlb = hierarchy.tlb
        self._pages = np.full(tlb.entries if tlb else 1, kernel.EMPTY, np.int64)
        self._streams = np.zeros((kernel.STREAMS, 3), np.int64)
        bits = hierarchy.line.bit_length() - 1
        translation = (tlb.page.bit_length() - 1, tlb.entries // tlb.ways - 1, tlb.ways) if tlb else (0, 0, 1)
        self._geometry = np.array([bits, *translation], np.int64)
        structures = tuple((level.policy, level.write_back, level.write_allocate) for level in levels)
        self._loop = kernel.replayer(structures, hierarchy.prefetcher, tlb is not None)
        self._outcomes = np.empty(PIECE, np.uint8)

    def feed(self, addresses: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Replay at most `PIECE` accesses; return for each how many levels lacked it.

        Parameters
        ----------
        addresses, codes : ndarray of int64
            As `perflab.models.record.accesses` hands them on.

        Returns
        -------
        ndarray of uint8
            0 for a hit in the first level, and so on; plus `kernel.TLB_MISS`. Overwritten by the next piece.
        """
        outcomes = self._outcomes[: addresses.size]
        self.accesses += addresses.size
        self.tlb_misses += self._loop(
            addresses,
            codes,
            outcomes,
            self._state.ctypes.data,
            self._pages,
            self._streams,
            self._geometry,
        )
        return outcomes

    @property
    def counts(self) -> np.ndarray:
        """Counters of each level, in the order of `kernel`: int64, (levels, 7)."""
        return self._heads[:, kernel.COUNTERS].copy()

    def resident(self, level: int = 0) -> set[int]:
        """Return the numbers of the lines that a level holds."""
        start, _, mask, ways = self._heads[level, : kernel.LOADS].tolist()
        entries = self._state[start : start + (mask + 1) * ways]
        return set((entries[entries != kernel.EMPTY] >> 2).tolist())


def pieces(trace: Any, size: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Return a trace as pieces of addresses and codes.

    Parameters
    ----------
    trace : ndarray, tuple or iterable of these
        Addresses as an array of int64 (all reads), or with an array of bool that says which are writes.
    size : int
        Bytes of an access.

    Raises
    ------
    TypeError, ValueError
        Naming what is wrong with the trace.
    """
    if not isinstance(size, int) or not 1 <= size <= 1 << 20:
        raise ValueError(f"size: {size!r}; give the bytes of an access, from 1 to {1 << 20}")
    reads = np.full(PIECE, size << SIZE, np.int64)
    for part in [trace] if isinstance(trace, np.ndarray | tuple) else trace:
        addresses, writes = part if isinstance(part, tuple) else (part, None)
        if not isinstance(addresses, np.ndarray) or addresses.dtype != np.int64 or addresses.ndim != 1:
            raise TypeError(
                f"trace: addresses are {_told(addresses)}; give a one-dimensional array of int64, e.g. "
                "addresses.astype(np.int64)"
            )
        if writes is not None and (
            not isinstance(writes, np.ndarray) or writes.dtype != np.bool_ or writes.shape != addresses.shape
        ):
            raise TypeError(f"trace: writes are {_told(writes)}; give bool, one for each address")
        for at in range(0, addresses.size, PIECE):
            piece = addresses[at : at + PIECE]
            if piece.min() < 0 or piece.max() > LARGEST:
                raise ValueError(f"trace: an address is outside 0 to {LARGEST}")
            codes = reads[: piece.size]
            if writes is not None:
                codes = codes | writes[at : at + PIECE]
            yield piece, codes


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    return f"a {type(value).__name__}"
