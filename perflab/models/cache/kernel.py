"""The inner loop: a hierarchy as compiled code, built level by level from the one next to memory.

Policies are constants of the code, sizes are not: a sweep over sizes compiles once. A set is a row of entries,
``line << 2 | prefetched << 1 | dirty``, or `EMPTY`. Under LRU and FIFO a row is kept in the order of its lines,
the one that goes last at its end; so the line that was used last is found at the first look, and most accesses
are there.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from perflab.models.hooks import SIZE
from perflab.models.tape import SITE

EMPTY = -1
DIRTY, PREFETCHED = 1, 2
TLB_MISS = 8  # what is added to an outcome; below it, how many levels were missed
STREAMS = 256  # places in the source that the stride prefetcher keeps apart
SURE = 2  # equal strides that make it fetch

# Counters of a level.
LOADS, LOAD_MISSES, STORES, STORE_MISSES, WRITE_BACKS, PREFETCHES, USEFUL = range(7)
COUNTERS = 7
# What a level is: where its entries and the bits of its sets begin, sets - 1, ways.
START, BITS, MASK, WAYS = range(4)

Structure = tuple[str, bool, bool]  # policy, write_back, write_allocate


@njit
def _nothing(entries, bits, shape, counts, line):
    """Memory, which has everything."""
    return 0


@njit
def _point_away(bits, at, ways, way):
    """Turn the arrows of a tree on the way to a line away from it."""
    node = 1
    half = ways >> 1
    while half:
        if way & half:
            bits[at] &= ~(1 << node)
            node = 2 * node + 1
        else:
            bits[at] |= 1 << node
            node = 2 * node
        half >>= 1


@njit
def _pointed_at(bits, at, ways):
    """Follow the arrows to the line that goes."""
    node = 1
    while node < ways:
        node = 2 * node + (bits[at] >> node & 1)
    return node - ways


@njit
def _drawn(bits, at, ways):
    """Draw a way; the generator's state is that of the level (splitmix64)."""
    bits[at] += np.int64(-7046029254386353131)
    z = np.uint64(bits[at])
    z = (z ^ (z >> np.uint64(30))) * np.uint64(13787848793156543929)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(10723151780598845931)
    return np.int64((z ^ (z >> np.uint64(31))) % np.uint64(ways))


@cache
def _level(k: int, below: tuple[Structure, ...], structure: Structure) -> tuple[Callable[..., Any], ...]:
    """Return what level `k` can do, given what is below: ``fetch``, ``put``, ``write`` and ``bring``."""
    policy, write_back, write_allocate = structure
    lower_fetch = lower_put = _nothing
    if below:
        lower_fetch, lower_put, _, _ = _level(k + 1, below[1:], below[0])
    ordered = policy in ("lru", "fifo")
    lru, plru = policy == "lru", policy == "plru"

    @njit
    def find(entries, shape, line):
        start = shape[k, START] + (line & shape[k, MASK]) * shape[k, WAYS]
        for at in range(start, start + shape[k, WAYS]):
            if entries[at] >> 2 == line:
                return at
        return -1

    @njit
    def insert(entries, bits, shape, counts, entry):
        """Let a line in, and another one out."""
        line = entry >> 2
        ways = shape[k, WAYS]
        row = line & shape[k, MASK]
        start = shape[k, START] + row * ways
        if ordered:
            victim = entries[start + ways - 1]
            for at in range(start + ways - 1, start, -1):
                entries[at] = entries[at - 1]
            entries[start] = entry
        else:
            way = -1
            for w in range(ways):
                if entries[start + w] == EMPTY:
                    way = w
                    break
            if way < 0:
                # Two statements: a branch on a constant is no code.
                if plru:  # noqa: SIM108
                    way = _pointed_at(bits, shape[k, BITS] + row, ways)
                else:
                    way = _drawn(bits, shape[k, BITS], ways)
            victim = entries[start + way]
            entries[start + way] = entry
            if plru:
                _point_away(bits, shape[k, BITS] + row, ways, way)
        if write_back and victim != EMPTY and victim & DIRTY:
            counts[k, WRITE_BACKS] += 1
            lower_put(entries, bits, shape, counts, victim >> 2)

    @njit
    def use(entries, bits, shape, counts, at, dirty):
        """Use a line that is there."""
        entry = entries[at]
        if entry & PREFETCHED:
            counts[k, USEFUL] += 1
            entry ^= PREFETCHED
        entry |= dirty
        if lru or plru:
            ways = shape[k, WAYS]
            row = (entry >> 2) & shape[k, MASK]
            start = shape[k, START] + row * ways
            if lru:
                while at > start:
                    entries[at] = entries[at - 1]
                    at -= 1
            else:
                _point_away(bits, shape[k, BITS] + row, ways, at - start)
        entries[at] = entry

    @njit
    def fetch(entries, bits, shape, counts, line):
        """Give a line to the level above, or to the core; return how many levels lacked it."""
        counts[k, LOADS] += 1
        at = find(entries, shape, line)
        if at >= 0:
            use(entries, bits, shape, counts, at, 0)
            return 0
        counts[k, LOAD_MISSES] += 1
        depth = 1 + lower_fetch(entries, bits, shape, counts, line)
        insert(entries, bits, shape, counts, line << 2)
        return depth

    @njit
    def missed_write(entries, bits, shape, counts, line):
        counts[k, STORE_MISSES] += 1
        if not write_allocate:
            counts[k, WRITE_BACKS] += 1
            return 1 + lower_put(entries, bits, shape, counts, line)
        depth = 1 + lower_fetch(entries, bits, shape, counts, line)
        insert(entries, bits, shape, counts, line << 2 | write_back)
        if not write_back:
            counts[k, WRITE_BACKS] += 1
            lower_put(entries, bits, shape, counts, line)
        return depth

    @njit
    def put(entries, bits, shape, counts, line):
        """Take what the level above writes: no use of the line by the core, so its place in the order stays."""
        counts[k, STORES] += 1
        at = find(entries, shape, line)
        if at < 0:
            return missed_write(entries, bits, shape, counts, line)
        if write_back:
            entries[at] |= DIRTY
        else:
            counts[k, WRITE_BACKS] += 1
            lower_put(entries, bits, shape, counts, line)
        return 0

    @njit
    def write(entries, bits, shape, counts, line):
        """Take what the core writes."""
        counts[k, STORES] += 1
        at = find(entries, shape, line)
        if at < 0:
            return missed_write(entries, bits, shape, counts, line)
        use(entries, bits, shape, counts, at, DIRTY if write_back else 0)
        if not write_back:
            counts[k, WRITE_BACKS] += 1
            lower_put(entries, bits, shape, counts, line)
        return 0

    @njit
    def bring(entries, bits, shape, counts, line):
        """Fetch a line that nobody has asked for yet."""
        if line >= 0 and find(entries, shape, line) < 0:
            counts[k, PREFETCHES] += 1
            lower_fetch(entries, bits, shape, counts, line)
            insert(entries, bits, shape, counts, line << 2 | PREFETCHED)

    return fetch, put, write, bring


@njit
def _translate(pages, page, mask, ways):
    """Look a page up, least recently used out first; return whether it was missing."""
    start = (page & mask) * ways
    at = start
    while at < start + ways - 1 and pages[at] != page:
        at += 1
    missing = pages[at] != page
    while at > start:
        pages[at] = pages[at - 1]
        at -= 1
    pages[start] = page
    return missing


@cache
def replayer(structures: tuple[Structure, ...], prefetcher: str | None, tlb: bool) -> Callable[..., Any]:
    """Return the loop of a hierarchy over a piece of a trace.

    ``loop(addresses, codes, outcomes, entries, bits, shape, counts, pages, streams, geometry)`` writes to each
    outcome how many levels were missed, plus `TLB_MISS`; `geometry` has the bits of a line and of a page, and
    sets - 1 and ways of the TLB. It returns how many TLB misses there were.
    """
    fetch, _, write, bring = _level(0, structures[1:], structures[0])
    lru, write_back = structures[0][0] == "lru", structures[0][1]
    next_line, stride = prefetcher == "next-line", prefetcher == "stride"

    @njit
    def loop(addresses, codes, outcomes, entries, bits, shape, counts, pages, streams, geometry):
        line_bits, page_bits, page_mask, page_ways = geometry[0], geometry[1], geometry[2], geometry[3]
        mask, ways = shape[0, MASK], shape[0, WAYS]
        loads, stores = 0, 0
        page, translations = -1, 0
        for i in range(addresses.size):
            address, code = addresses[i], codes[i]
            line = address >> line_bits
            size = (code & 0xFFFFFFFF) >> SIZE
            outcome = 0
            done = False
            if lru and (address + size - 1) >> line_bits == line:
                # The line used last in its set: nothing moves.
                at = (line & mask) * ways
                entry = entries[at]
                if entry & ~DIRTY == line << 2:
                    if not code & 1:
                        loads += 1
                        done = True
                    elif write_back:
                        entries[at] = entry | DIRTY
                        stores += 1
                        done = True
            if not done:
                for each in range(line, ((address + size - 1) >> line_bits) + 1):
                    if code & 1:
                        depth = write(entries, bits, shape, counts, each)
                    else:
                        depth = fetch(entries, bits, shape, counts, each)
                    if next_line and depth > 0:
                        bring(entries, bits, shape, counts, each + 1)
                    outcome = max(outcome, depth)
            if stride:
                stream = (code >> SITE) % STREAMS
                step = address - streams[stream, 0]
                if step == streams[stream, 1]:
                    streams[stream, 2] += 1
                else:
                    streams[stream, 1] = step
                    streams[stream, 2] = 0
                streams[stream, 0] = address
                ahead = (address + step) >> line_bits
                if streams[stream, 2] >= SURE and ahead != line:
                    bring(entries, bits, shape, counts, ahead)
            if tlb and address >> page_bits != page:
                page = address >> page_bits
                if _translate(pages, page, page_mask, page_ways):
                    translations += 1
                    outcome += TLB_MISS
            outcomes[i] = outcome
        counts[0, LOADS] += loads
        counts[0, STORES] += stores
        return translations

    return loop
