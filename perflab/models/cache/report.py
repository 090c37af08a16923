"""What a simulation found: by level, by array, by line of the source, and over an array."""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from perflab.models.cache.kernel import TLB_MISS
from perflab.models.cache.levels import Hierarchy
from perflab.models.cache.simulation import Simulation
from perflab.models.instrument import Site
from perflab.models.places import Region
from perflab.models.tape import SITE

ELSEWHERE = "made by the function"


@dataclass(frozen=True)
class LevelCounts:
    """What happened at one level.

    Attributes
    ----------
    name : str
    loads, load_misses : int
        Lines asked for by the level above or by the core, by its prefetcher too, and those that were not there.
    stores, store_misses : int
        Lines that the core wrote, or the level above wrote back, and those that were not there.
    write_backs : int
        Lines, or single writes where the level writes through, that went on to the next one.
    prefetches, useful : int
        Lines fetched without being asked, and those of them that were used before they went.
    """

    name: str
    loads: int
    load_misses: int
    stores: int
    store_misses: int
    write_backs: int
    prefetches: int
    useful: int

    @property
    def misses(self) -> int:
        """All lines that were not there."""
        return self.load_misses + self.store_misses


@dataclass(frozen=True)
class Share:
    """What one array or one line of the source did.

    Attributes
    ----------
    name : str
    accesses : int
    misses : tuple of int
        For each level, how many of these accesses it and all above it lacked.
    """

    name: str
    accesses: int
    misses: tuple[int, ...]


@dataclass(frozen=True)
class Totals:
    """What a hierarchy made of a trace.

    Attributes
    ----------
    hierarchy : Hierarchy
    accesses : int
        One over two lines is one access; the first level sees two.
    levels : tuple of LevelCounts
    tlb_misses : int or None
        None where there is no TLB.
    """

    hierarchy: Hierarchy
    accesses: int
    levels: tuple[LevelCounts, ...]
    tlb_misses: int | None

    def __getitem__(self, name: str) -> LevelCounts:
        """Return the counts of the level of a name."""
        for level in self.levels:
            if level.name == name:
                return level
        raise KeyError(f"{name!r}: the levels are {', '.join(level.name for level in self.levels)}")

    def __str__(self) -> str:
        rows = [("", "loads", "missed", "stores", "missed", "written on")]
        rows += [
            (
                level.name,
                *map(
                    _grouped, (level.loads, level.load_misses, level.stores, level.store_misses, level.write_backs)
                ),
            )
            for level in self.levels
        ]
        text = _table(rows)
        if self.tlb_misses is not None:
            text += f"\nTLB misses: {_grouped(self.tlb_misses)}"
        return text


@dataclass(frozen=True)
class Report(Totals):
    """What a hierarchy made of a function.

    Attributes
    ----------
    result : object
        What the function returned.
    arrays : tuple of Share
        By argument; what the function made itself comes last, as one.
    lines : tuple of Share
        By line of the source, as "function:line  text", the most misses first.
    regions : tuple of Region
        Where the arguments lie.
    table : ndarray of uint32, shape (lines of memory, levels + 1)
        Accesses to each line of memory that missed 0, 1, ... levels.
    compiled : bool
        Whether the function ran compiled.
    """

    result: object = None
    arrays: tuple[Share, ...] = ()
    lines: tuple[Share, ...] = ()
    regions: tuple[Region, ...] = ()
    table: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.uint32), repr=False)
    compiled: bool = True

    def over(self, name: str, level: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return accesses and misses over an array, for a picture.

        Parameters
        ----------
        name : str
            Of an array among the arguments.
        level : int
            0 for the first one.

        Returns
        -------
        accesses, misses : ndarray of int64
            In the shape of the array: at each element what happened to the line that it begins in.

        Raises
        ------
        KeyError
            If no argument has the name.
        """
        known = {region.name: region for region in self.regions}
        if name not in known:
            raise KeyError(f"{name!r}: the arrays are {', '.join(known)}")
        region = known[name]
        at = np.array(region.at, np.int64)
        for length, stride in zip(region.shape, region.strides, strict=True):
            at = at[..., None] + np.arange(length, dtype=np.int64) * stride
        at //= self.hierarchy.line
        counts = np.zeros((max(len(self.table), int(at.max(initial=0)) + 1), 2), np.int64)
        counts[: len(self.table), 0] = self.table.sum(axis=1)
        counts[: len(self.table), 1] = self.table[:, level + 1 :].sum(axis=1)
        return counts[at, 0], counts[at, 1]

    def __str__(self) -> str:
        names = [level.name for level in self.levels]
        head = ("accesses", *(f"{name} misses" for name in names))
        parts = [super().__str__()]
        for title, shares in (("by array", self.arrays), ("by line", self.lines)):
            rows = [(title, *head)]
            rows += [(share.name, *map(_grouped, (share.accesses, *share.misses))) for share in shares]
            parts.append(_table(rows))
        return "\n\n".join(parts)


class Tally:
    """Sorts outcomes by place in the source, by array and by line of memory, as they come.

    Parameters
    ----------
    simulation : Simulation
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._depths = len(simulation.hierarchy.levels) + 1
        self._line_bits = simulation.hierarchy.line.bit_length() - 1
        self._sites = np.zeros((0, self._depths), np.int64)
        self._lines = np.zeros((0, self._depths), np.uint32)

    def __call__(self, addresses: np.ndarray, codes: np.ndarray) -> None:
        """Simulate a piece and sort it."""
        outcomes = self._simulation.feed(addresses, codes)
        self._sites = _grown(self._sites, int(codes.max() >> SITE))
        self._lines = _grown(self._lines, int(addresses.max() >> self._line_bits))
        _sort(addresses, codes, outcomes, self._line_bits, self._sites, self._lines)

    def report(
        self, result: object, sites: tuple[Site, ...], regions: tuple[Region, ...], compiled: bool
    ) -> Report:
        """Return what was found."""
        totals = totals_of(self._simulation)
        by_line: dict[str, np.ndarray] = {}
        for site, counts in zip(sites, self._sites, strict=False):
            key = f"{site.function}:{site.line}"
            by_line[key] = by_line.get(key, 0) + counts
        texts = _texts(sites)
        lines = [_share(f"{key}  {texts[key]}", counts) for key, counts in by_line.items() if counts.any()]
        return Report(
            **vars(totals),
            result=result,
            arrays=self._arrays(regions),
            lines=tuple(sorted(lines, key=lambda share: (*(-m for m in share.misses), -share.accesses))),
            regions=regions,
            table=self._lines,
            compiled=compiled,
        )

    def _arrays(self, regions: tuple[Region, ...]) -> tuple[Share, ...]:
        size = self._simulation.hierarchy.line
        rest = np.ones(len(self._lines), bool)
        shares = []
        for region in regions:
            low, high = region.span
            of_region = slice(low // size, -(-high // size))
            rest[of_region] = False
            shares.append(_share(region.name, self._lines[of_region].sum(axis=0, dtype=np.int64)))
        others = self._lines[rest].sum(axis=0, dtype=np.int64)
        if others.any():
            shares.append(_share(ELSEWHERE, others))
        return tuple(shares)


def totals_of(simulation: Simulation) -> Totals:
    """Return what a simulation has counted so far."""
    hierarchy = simulation.hierarchy
    levels = tuple(
        LevelCounts(level.name, *counts)
        for level, counts in zip(hierarchy.levels, simulation.counts.tolist(), strict=True)
    )
    tlb_misses = simulation.tlb_misses if hierarchy.tlb else None
    return Totals(hierarchy, simulation.accesses, levels, tlb_misses)


@njit
def _sort(addresses, codes, outcomes, line_bits, sites, lines):
    for i in range(addresses.size):
        depth = outcomes[i] & (TLB_MISS - 1)
        sites[codes[i] >> SITE, depth] += 1
        lines[addresses[i] >> line_bits, depth] += 1


def _grown(table: np.ndarray, last: int) -> np.ndarray:
    """Return a table that has a row of this number."""
    if last < len(table):
        return table
    more = np.zeros((max(last + 1, 2 * len(table)), table.shape[1]), table.dtype)
    more[: len(table)] = table
    return more


def _share(name: str, counts: np.ndarray) -> Share:
    """Return the share of accesses that missed 0, 1, ... levels."""
    below = np.cumsum(counts[::-1])[::-1]
    return Share(name, int(below[0]), tuple(below[1:].tolist()))


def _texts(sites: tuple[Site, ...]) -> dict[str, str]:
    """Return what a reader knows each line by: the expressions on it."""
    texts: dict[str, list[str]] = {}
    for site in sites:
        parts = texts.setdefault(f"{site.function}:{site.line}", [])
        if site.text not in parts:
            parts.append(site.text)
    return {key: ", ".join(parts) for key, parts in texts.items()}


def _grouped(number: int) -> str:
    return f"{number:,}"


def _table(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )
