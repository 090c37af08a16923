"""What the threads did to each other: in all, by line, and by field."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from perflab.models.coherence.protocol import COLD, FALSE, STATES, TRUE
from perflab.models.places import Region

ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Sharing:
    """What happened to one line, or at one field.

    Attributes
    ----------
    name : str
        Of the line, by what lies on it; or of the field, "table.x".
    threads : tuple of int
        Those that touched it.
    accesses : int
    invalidations : int
        Copies that writes to it killed.
    true_misses, false_misses : int
        Misses on a line that another thread had taken: for what it wrote, or for nothing.
    """

    name: str
    threads: tuple[int, ...]
    accesses: int
    invalidations: int
    true_misses: int
    false_misses: int


@dataclass(frozen=True)
class Report:
    """What threads did to each other.

    Attributes
    ----------
    threads, accesses : int
        An access over two lines counts as two.
    invalidations, cold_misses, true_misses, false_misses : int
    transitions : ndarray of int64, shape (4, 4)
        Changes of a copy's state from row to column, in the order invalid, shared, exclusive, modified; on the
        diagonal hits that change nothing.
    lines : tuple of Sharing
        Those that more than one thread touched, the most invalidations first.
    fields : tuple of Sharing
        By array and, for records, by field.
    results : tuple
        What the calls returned; of given traces, nothing.
    """

    threads: int
    accesses: int
    invalidations: int
    cold_misses: int
    true_misses: int
    false_misses: int
    transitions: np.ndarray
    lines: tuple[Sharing, ...]
    fields: tuple[Sharing, ...]
    results: tuple[Any, ...] = ()

    def changes(self, before: str, after: str) -> int:
        """Return how often a copy went from one state to another: ``changes("shared", "modified")``."""
        for state in (before, after):
            if state not in STATES:
                raise ValueError(f"{state!r}: the states are {', '.join(STATES)}")
        return int(self.transitions[STATES.index(before), STATES.index(after)])

    def __str__(self) -> str:
        rows = [("", "threads", "accesses", "invalidations", "true sharing", "false sharing")]
        for share in (*self.fields, *self.lines):
            counts = (share.accesses, share.invalidations, share.true_misses, share.false_misses)
            rows.append((share.name, " ".join(map(str, share.threads)), *(f"{count:,}" for count in counts)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        )


def make_report(
    threads: int,
    line: int,
    lines: np.ndarray,
    rows: np.ndarray,
    who: np.ndarray,
    addresses: np.ndarray,
    outcomes: np.ndarray,
    killed: np.ndarray,
    transitions: np.ndarray,
    regions: tuple[Region, ...],
) -> Report:
    """Sort outcomes by line and by field."""
    labels, names = _fields(addresses, regions)
    by_field = _grouped(labels, names, who, outcomes, killed)
    shared = np.flatnonzero(_touched(rows, who, lines.size, threads).sum(axis=1) > 1)
    titles = [_title(int(lines[row]) * line, line, regions) for row in shared]
    kept = np.isin(rows, shared)
    by_line = _grouped(np.searchsorted(shared, rows[kept]), titles, who[kept], outcomes[kept], killed[kept])
    return Report(
        threads=threads,
        accesses=int(outcomes.size),
        invalidations=int(killed.sum(dtype=np.int64)),
        cold_misses=int((outcomes == COLD).sum()),
        true_misses=int((outcomes == TRUE).sum()),
        false_misses=int((outcomes == FALSE).sum()),
        transitions=transitions,
        lines=tuple(sorted(by_line, key=lambda share: -share.invalidations)),
        fields=tuple(by_field),
    )


def _touched(groups: np.ndarray, who: np.ndarray, count: int, threads: int) -> np.ndarray:
    """Return for each group which threads are in it: bool, (groups, threads)."""
    table = np.zeros((count, threads), bool)
    table[groups, who] = True
    return table


def _grouped(
    groups: np.ndarray, names: list[str], who: np.ndarray, outcomes: np.ndarray, killed: np.ndarray
) -> list[Sharing]:
    """Return what happened to each group of accesses."""
    count = len(names)
    touched = _touched(groups, who, count, int(who.max(initial=0)) + 1)
    columns = [
        np.bincount(groups, weights, minlength=count).astype(np.int64).tolist()
        for weights in (None, killed, outcomes == TRUE, outcomes == FALSE)
    ]
    return [
        Sharing(name, tuple(np.flatnonzero(threads).tolist()), *counts)
        for name, threads, *counts in zip(names, touched, *columns, strict=True)
        if counts[0]
    ]


def _fields(addresses: np.ndarray, regions: tuple[Region, ...]) -> tuple[np.ndarray, list[str]]:
    """Return for each address the number of its field, and the names of the fields."""
    labels, names = np.zeros(addresses.size, np.int64), [ELSEWHERE]
    for region in regions:
        low, high = region.span
        inside = (addresses >= low) & (addresses < high) & (labels == 0)
        fields = region.dtype.fields or {}
        if not fields:
            labels[inside] = len(names)
            names.append(region.name)
            continue
        # Elements begin a multiple of the smallest stride apart.
        step = min((abs(stride) for stride in region.strides if stride), default=region.dtype.itemsize)
        offsets = (addresses - region.at) % step
        for name, (dtype, at, *_) in fields.items():
            labels[inside & (offsets >= at) & (offsets < at + dtype.itemsize)] = len(names)
            names.append(f"{region.name}.{name}")
    return labels, names


def _title(at: int, line: int, regions: tuple[Region, ...]) -> str:
    """Say what lies on a line."""
    parts = []
    for region in regions:
        low, high = region.span
        if len(region.shape) == 1 and region.strides[0] > 0 and low < at + line and at < high:
            step = region.strides[0]
            first = max((at - low) // step, 0)
            last = min((at + line - 1 - low) // step, region.shape[0] - 1)
            parts.append(f"{region.name}[{first}]" + (f" to [{last}]" if last > first else ""))
        elif low < at + line and at < high:
            parts.append(f"{region.name} + {max(at - low, 0)} bytes")
    return ", ".join(parts) or f"line at {at:#x}"
