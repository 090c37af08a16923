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
from numba import njit, types
from numba.extending import intrinsic

from perflab.models.hooks import SIZE
from perflab.models.tape import SITE

EMPTY = -1
DIRTY, PREFETCHED = 1, 2
TLB_MISS = 8  # what is added to an outcome; below it, how many levels were missed
STREAMS = 256  # places in the source that the stride prefetcher keeps apart
SURE = 2  # equal strides that make it fetch

# All state is one array, known by its address, since an array costs a function seven arguments. It begins with
# `HEAD` words for each level: where its entries and the bits of its sets are, sets - 1, ways; then its counters.
HEAD = 16
START, BITS, MASK, WAYS = range(4)
LOADS, LOAD_MISSES, STORES, STORE_MISSES, WRITE_BACKS, PREFETCHES, USEFUL = range(4, 11)
COUNTERS = slice(4, 11)

Structure = tuple[str, bool, bool]  # policy, write_back, write_allocate


@njit
def _nothing(state, line):
    """Memory, which has everything."""
    return 0


@intrinsic
def get(context, state, at):
    """Return a word of the state: no check, no negative index, which NumPy's indexing would allow for."""

    def codegen(context, builder, signature, args):
        return builder.load(_word(builder, args))

    return types.int64(types.int64, types.int64), codegen


@intrinsic
def put(context, state, at, value):
    """Write a word of the state."""

    def codegen(context, builder, signature, args):
        builder.store(args[2], _word(builder, args))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


def _word(builder, args):
    return builder.gep(builder.inttoptr(args[0], args[0].type.as_pointer()), [args[1]])


@njit
def _point_away(state, at, ways, way):
    """Turn the arrows of a tree on the way to a line away from it."""
    node = 1
    half = ways >> 1
    while half:
        if way & half:
            put(state, at, get(state, at) & ~(1 << node))
            node = 2 * node + 1
        else:
            put(state, at, get(state, at) | 1 << node)
            node = 2 * node
        half >>= 1


@njit
def _pointed_at(state, at, ways):
    """Follow the arrows to the line that goes."""
    node = 1
    while node < ways:
        node = 2 * node + (get(state, at) >> node & 1)
    return node - ways


@njit
def _drawn(state, at, ways):
    """Draw a way; the generator's state is that of the level (splitmix64)."""
    put(state, at, get(state, at) + np.int64(-7046029254386353131))
    z = np.uint64(get(state, at))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(13787848793156543929)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(10723151780598845931)
    return np.int64((z ^ (z >> np.uint64(31))) % np.uint64(ways))


@njit
def _move_to_front(state, start, ways, line, dirty):
    """Use a line of a row that is kept by use, or let it in; return what was there, or the entry that had to go.

    One pass looks and moves. The entry of a line that was there comes back as it was; else `EMPTY` or another.
    """
    entry = get(state, start)
    if entry >> 2 == line:
        put(state, start, entry & ~PREFETCHED | dirty)
        return entry
    before = entry
    for at in range(start + 1, start + ways):
        entry = get(state, at)
        put(state, at, before)
        if entry >> 2 == line:
            put(state, start, entry & ~PREFETCHED | dirty)
            return entry
        before = entry
    put(state, start, line << 2 | dirty)
    return before


@cache
def _level(k: int, below: tuple[Structure, ...], structure: Structure) -> tuple[Callable[..., Any], ...]:
    """Return what level `k` can do, given what is below: ``fetch``, ``take``, ``write`` and ``bring``."""
    policy, write_back, write_allocate = structure
    lower_fetch = lower_take = _nothing
    if below:
        lower_fetch, lower_take, _, _ = _level(k + 1, below[1:], below[0])
    head = HEAD * k
    ordered = policy in ("lru", "fifo")
    lru, plru = policy == "lru", policy == "plru"
    dirt = DIRTY if write_back else 0

    @njit
    def find(state, line):
        ways = get(state, head + WAYS)
        start = get(state, head + START) + (line & get(state, head + MASK)) * ways
        for at in range(start, start + ways):
            if get(state, at) >> 2 == line:
                return at
        return -1

    @njit
    def let_go(state, victim):
        if write_back and victim != EMPTY and victim & DIRTY:
            put(state, head + WRITE_BACKS, get(state, head + WRITE_BACKS) + 1)
            lower_take(state, victim >> 2)

    @njit
    def insert(state, entry):
        """Let a line in, and another one out."""
        ways = get(state, head + WAYS)
        row = entry >> 2 & get(state, head + MASK)
        start = get(state, head + START) + row * ways
        if ordered:
            victim = get(state, start + ways - 1)
            for at in range(start + ways - 1, start, -1):
                put(state, at, get(state, at - 1))
            put(state, start, entry)
        else:
            way = 0
            while way < ways and get(state, start + way) != EMPTY:
                way += 1
            if way == ways:
                # Two statements: a branch on a constant is no code.
                if plru:
                    way = _pointed_at(state, get(state, head + BITS) + row, ways)
                else:
                    way = _drawn(state, get(state, head + BITS), ways)
            victim = get(state, start + way)
            put(state, start + way, entry)
            if plru:
                _point_away(state, get(state, head + BITS) + row, ways, way)
        let_go(state, victim)

    @njit
    def missed_load(state, line):
        put(state, head + LOAD_MISSES, get(state, head + LOAD_MISSES) + 1)
        depth = 1 + lower_fetch(state, line)
        insert(state, line << 2)
        return depth

    @njit
    def missed_write(state, line):
        put(state, head + STORE_MISSES, get(state, head + STORE_MISSES) + 1)
        if not write_allocate:
            put(state, head + WRITE_BACKS, get(state, head + WRITE_BACKS) + 1)
            return 1 + lower_take(state, line)
        depth = 1 + lower_fetch(state, line)
        insert(state, line << 2 | dirt)
        if not write_back:
            put(state, head + WRITE_BACKS, get(state, head + WRITE_BACKS) + 1)
            lower_take(state, line)
        return depth

    @njit
    def use(state, at, dirty):
        """Use a line that is there, at a place that does not change."""
        entry = get(state, at)
        if entry & PREFETCHED:
            put(state, head + USEFUL, get(state, head + USEFUL) + 1)
        put(state, at, entry & ~PREFETCHED | dirty)
        if plru:
            row = entry >> 2 & get(state, head + MASK)
            ways = get(state, head + WAYS)
            _point_away(state, get(state, head + BITS) + row, ways, at - get(state, head + START) - row * ways)

    @njit
    def fetch(state, line):
        """Give a line to the level above, or to the core; return how many levels lacked it."""
        put(state, head + LOADS, get(state, head + LOADS) + 1)
        if lru:
            ways = get(state, head + WAYS)
            start = get(state, head + START) + (line & get(state, head + MASK)) * ways
            entry = _move_to_front(state, start, ways, line, 0)
            if entry >> 2 == line:
                if entry & PREFETCHED:
                    put(state, head + USEFUL, get(state, head + USEFUL) + 1)
                return 0
            put(state, head + LOAD_MISSES, get(state, head + LOAD_MISSES) + 1)
            depth = 1 + lower_fetch(state, line)
            let_go(state, entry)
            return depth
        at = find(state, line)
        if at < 0:
            return missed_load(state, line)
        use(state, at, 0)
        return 0

    @njit
    def take(state, line):
        """Take what the level above writes: no use of the line by the core, so its place in the order stays."""
        put(state, head + STORES, get(state, head + STORES) + 1)
        at = find(state, line)
        if at < 0:
            return missed_write(state, line)
        put(state, at, get(state, at) | dirt)
        if not write_back:
            put(state, head + WRITE_BACKS, get(state, head + WRITE_BACKS) + 1)
            lower_take(state, line)
        return 0

    @njit
    def write(state, line):
        """Take what the core writes."""
        put(state, head + STORES, get(state, head + STORES) + 1)
        if lru and write_back and write_allocate:
            ways = get(state, head + WAYS)
            start = get(state, head + START) + (line & get(state, head + MASK)) * ways
            entry = _move_to_front(state, start, ways, line, DIRTY)
            if entry >> 2 == line:
                if entry & PREFETCHED:
                    put(state, head + USEFUL, get(state, head + USEFUL) + 1)
                return 0
            put(state, head + STORE_MISSES, get(state, head + STORE_MISSES) + 1)
            depth = 1 + lower_fetch(state, line)
            let_go(state, entry)
            return depth
        at = find(state, line)
        if at < 0:
            return missed_write(state, line)
        if lru:
            ways = get(state, head + WAYS)
            start = get(state, head + START) + (line & get(state, head + MASK)) * ways
            if _move_to_front(state, start, ways, line, dirt) & PREFETCHED:
                put(state, head + USEFUL, get(state, head + USEFUL) + 1)
        else:
            use(state, at, dirt)
        if not write_back:
            put(state, head + WRITE_BACKS, get(state, head + WRITE_BACKS) + 1)
            lower_take(state, line)
        return 0

    @njit
    def bring(state, line):
        """Fetch a line that nobody has asked for yet."""
        if line >= 0 and find(state, line) < 0:
            put(state, head + PREFETCHES, get(state, head + PREFETCHES) + 1)
            lower_fetch(state, line)
            insert(state, line << 2 | PREFETCHED)

    return fetch, take, write, bring


@njit
def _translate(pages, page, mask, ways):
    """Look a page up, least recently used out first; return whether it was missing."""
    start = (page & mask) * ways
    before = pages[start]
    if before == page:
        return False
    for at in range(start + 1, start + ways):
        entry = pages[at]
        pages[at] = before
        if entry == page:
            pages[start] = page
            return False
        before = entry
    pages[start] = page
    return True


@cache
def replayer(structures: tuple[Structure, ...], prefetcher: str | None, tlb: bool) -> Callable[..., Any]:
    """Return the loop of a hierarchy over a piece of a trace.

    ``loop(addresses, codes, outcomes, state, pages, streams, geometry)`` writes to each outcome how many levels
    were missed, plus `TLB_MISS`; `geometry` has the bits of a line and of a page, sets - 1 and ways of the TLB. It
    returns how many TLB misses there were.
    """
    fetch, _, write, bring = _level(0, structures[1:], structures[0])
    lru, write_back = structures[0][0] == "lru", structures[0][1]
    next_line, stride = prefetcher == "next-line", prefetcher == "stride"

    @njit
    def loop(addresses, codes, outcomes, state, pages, streams, geometry):
        line_bits, page_bits, page_mask, page_ways = geometry[0], geometry[1], geometry[2], geometry[3]
        start, mask, ways = get(state, START), get(state, MASK), get(state, WAYS)
        loads, stores = 0, 0
        page, translations = -1, 0
        for i in range(addresses.size):
            address, code = addresses[i], codes[i]
            line = address >> line_bits
            last = (address + ((code & 0xFFFFFFFF) >> SIZE) - 1) >> line_bits
            outcome = 0
            # The line used last in its set: nothing moves. Most accesses end here.
            at = start + (line & mask) * ways
            entry = get(state, at)
            if lru and last == line and entry & ~DIRTY == line << 2 and (write_back or not code & 1):
                if code & 1:
                    put(state, at, entry | DIRTY)
                    stores += 1
                else:
                    loads += 1
            else:
                for each in range(line, last + 1):
                    # Two statements: so much of each is inlined.
                    if code & 1:  # noqa: SIM108
                        depth = write(state, each)
                    else:
                        depth = fetch(state, each)
                    if next_line and depth > 0:
                        bring(state, each + 1)
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
                    bring(state, ahead)
            if tlb and address >> page_bits != page:
                page = address >> page_bits
                if _translate(pages, page, page_mask, page_ways):
                    translations += 1
                    outcome += TLB_MISS
            outcomes[i] = outcome
        put(state, LOADS, get(state, LOADS) + loads)
        put(state, STORES, get(state, STORES) + stores)
        return translations

    return loop
