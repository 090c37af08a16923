"""Simulated caches, against pycachesim and cachegrind access by access, and against slow, simple models."""

import subprocess

import numpy as np
import pytest
from numba import njit
from programs import require

from perflab.models import cache
from perflab.models.cache import L1, TEACHING, Hierarchy, Level, Tlb, replay, simulate
from perflab.models.cache.kernel import COUNTERS, TLB_MISS
from perflab.models.cache.simulation import Simulation, pieces
from perflab.models.hooks import encode
from perflab.models.lines import fetched

LOADS, LOAD_MISSES, STORES, STORE_MISSES, WRITE_BACKS, PREFETCHES, USEFUL = range(7)
SMALL = (Level("L1", 512, 2), Level("L2", 2048, 4), Level("L3", 8192, 8))


def trace(rng, n=2500, span=1 << 14):
    """Return addresses with some locality, and which are writes."""
    near = np.cumsum(rng.integers(-40, 60, n)) % span
    return np.where(rng.random(n) < 0.6, near, rng.integers(0, span, n)), rng.random(n) < 0.4


def step(simulation, address, write, size=1, site=0):
    """Make one access; return its outcome."""
    return simulation.feed(np.array([address]), np.array([encode(site, size, int(write))]))[0]


@pytest.fixture
def rng():
    return np.random.default_rng(11)


# Independent implementations


@pytest.mark.parametrize("policy", ["lru", "fifo"])
@pytest.mark.parametrize("back", [True, False], ids=["write-back", "write-through"])
@pytest.mark.parametrize("depth", [1, 3])
def test_pycachesim_agrees_after_each_access(rng, policy, back, depth):
    cachesim = pytest.importorskip("cachesim", reason="no pycachesim: .venv/bin/pip install pycachesim==0.3.1")
    levels = tuple(
        Level(level.name, level.size, level.ways, policy=policy, write_back=back, write_allocate=back)
        for level in SMALL[:depth]
    )
    peers = []
    for level in reversed(levels):
        below = peers[0] if peers else None
        peers.insert(
            0,
            cachesim.Cache(
                level.name, level.sets, level.ways, 64, policy.upper(), back, back, load_from=below, store_to=below
            ),
        )
    memory = cachesim.MainMemory()
    memory.load_to(peers[-1])
    memory.store_from(peers[-1])
    first = peers[0].backend
    ours = Simulation(Hierarchy(levels))
    more = 0  # loads that make a write of the core a use of the line, which pycachesim's is not
    for address, write in zip(*(part.tolist() for part in trace(rng)), strict=True):
        hit = step(ours, address, write) == 0
        # Lists of one address: load, store and contains read the upper half of an address that they never set.
        if write:
            if policy == "lru" and hit:
                first.iterload([address])
                more += 1
            first.iterstore([address])
        else:
            first.iterload([address])
        for k, (peer, counts) in enumerate(zip(peers, ours.counts, strict=True)):
            allocated = counts[STORE_MISSES] if back else 0
            assert peer.backend.MISS_count == counts[LOAD_MISSES] + allocated
            assert peer.backend.LOAD_count == counts[LOADS] + allocated + (more if k == 0 else 0)
            assert peer.backend.STORE_count == counts[STORES]
            # What the last level writes, pycachesim counts only where it is an eviction.
            if back or k < depth - 1:
                assert peer.backend.EVICT_count == counts[WRITE_BACKS]
    assert ours.counts[-1, LOAD_MISSES] > 100


WALK = """
#include <stdint.h>

static unsigned char memory[1 << 19];

int main(void) {
    volatile unsigned char *buffer = (unsigned char *)(((uintptr_t)memory + (1 << 18)) & -(uintptr_t)(1 << 18));
    unsigned long long x = 7;
    for (int i = 0; i < 30000; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        unsigned long at = x >> 62 ? (x >> 40) & ((1 << 15) - 1) : (x >> 40) & ((1 << 18) - 1);
        if (x >> 33 & 1)
            buffer[at] = 1;
        else
            buffer[at];
    }
    return 0;
}
"""


def walked(n=30000):
    x, addresses, writes = 7, [], []
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        addresses.append(x >> 40 & ((1 << (15 if x >> 62 else 18)) - 1))
        writes.append(bool(x >> 33 & 1))
    return np.array(addresses), np.array(writes)


@pytest.mark.parametrize(("size", "ways"), [(32 << 10, 8), (8 << 10, 1), (4 << 10, 64), (48 << 10, 12)])
def test_cachegrind_agrees_on_a_program_in_c(tmp_path_factory, size, ways):
    require(["gcc", "valgrind"], "gcc libc6-dev valgrind")
    folder = tmp_path_factory.getbasetemp() / "walk"
    folder.mkdir(exist_ok=True)
    (folder / "walk.c").write_text(WALK)
    if not (folder / "walk").exists():
        subprocess.run(["gcc", "-O1", "-gdwarf-4", "-o", folder / "walk", folder / "walk.c"], check=True)
    out = folder / f"out.{size}.{ways}"
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", f"--D1={size},{ways},64", "--LL=1048576,16,64"]
    subprocess.run([*command, f"--cachegrind-out-file={out}", folder / "walk"], check=True, capture_output=True)
    counted = lines_of(out.read_text(), "walk.c")
    source = WALK.splitlines()
    store, load = (1 + source.index(next(s for s in source if s.strip() == text)) for text in STATEMENTS)
    addresses, writes = walked()
    ours = replay((addresses, writes), Hierarchy((Level("D1", size, ways),)), size=1)["D1"]
    # Only these two lines touch memory in the loop.
    assert (counted[load]["Dr"], counted[load]["D1mr"]) == (ours.loads, ours.load_misses)
    assert (counted[store]["Dw"], counted[store]["D1mw"]) == (ours.stores, ours.store_misses)
    assert 1000 < ours.misses < 29000


STATEMENTS = ("buffer[at] = 1;", "buffer[at];")


def lines_of(text, file):
    """Return cachegrind's counts by line of a file."""
    counts, here, names = {}, False, []
    for row in text.splitlines():
        if row.startswith("events:"):
            names = row.split()[1:]
        elif row.startswith(("fl=", "fi=", "fe=")):
            here = row.endswith(file)
        elif here and row[:1].isdigit():
            number, *values = map(int, row.split())
            so_far = counts.setdefault(number, dict.fromkeys(names, 0))
            for name, value in zip(names, values, strict=False):
                so_far[name] += value
    return counts


class Tree:
    """Pseudo-LRU of one set by halves: each node remembers which half was used last."""

    def __init__(self, ways):
        self.ways, self.lines, self.last = ways, [None] * ways, {}

    def use(self, way):
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            self.last[low, high] = way >= middle
            low, high = (middle, high) if way >= middle else (low, middle)

    def victim(self):
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.last.get((low, high), True) else (middle, high)
        return low

    def access(self, line):
        hit = line in self.lines
        way = self.lines.index(line) if hit else self.lines.index(None) if None in self.lines else self.victim()
        self.lines[way] = line
        self.use(way)
        return hit


@pytest.mark.parametrize("ways", [1, 2, 4, 8, 32])
def test_a_tree_of_halves_agrees_with_plru(rng, ways):
    simulation = Simulation(Hierarchy((Level("L1", 4 * ways * 64, ways, policy="plru"),)))
    sets = [Tree(ways) for _ in range(4)]
    addresses = rng.integers(0, 8 * ways * 64, 2000)
    for address, write in zip(addresses.tolist(), (rng.random(2000) < 0.3).tolist(), strict=True):
        line = address // 64
        assert (step(simulation, address, write) == 0) == sets[line % 4].access(line)


def splitmix(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        yield z ^ z >> 31


def test_random_replacement_follows_its_seed(rng):
    draws, lines, addresses = splitmix(5), [], rng.integers(0, 2048, 1000)
    simulation = Simulation(Hierarchy((Level("L1", 512, 8, policy="random", seed=5),)))
    for address in addresses.tolist():
        line = address // 64
        assert (step(simulation, address, False) == 0) == (line in lines)
        if line not in lines and len(lines) < 8:
            lines.append(line)
        elif line not in lines:
            lines[next(draws) % 8] = line
    other = replay(addresses, Hierarchy((Level("L1", 512, 8, policy="random", seed=6),)), size=1)
    assert other["L1"].misses != simulation.counts[0, LOAD_MISSES]


@pytest.mark.parametrize("policy", ["lru", "fifo"])
def test_fully_associative_order(policy):
    simulation = Simulation(Hierarchy((Level("L1", 128, 2, policy=policy),)))
    outcomes = [int(step(simulation, 64 * line, False)) for line in (1, 2, 1, 3, 1)]
    assert outcomes == ([1, 1, 0, 1, 0] if policy == "lru" else [1, 1, 0, 1, 1])
    assert simulation.resident() == {1, 3}


# Writes, prefetchers, TLB


def test_a_write_that_does_not_allocate_goes_on_alone():
    levels = (Level("L1", 128, 2, write_back=False, write_allocate=False), Level("L2", 256, 4))
    totals = replay((np.array([0, 8, 16, 0]), np.array([True, True, False, True])), Hierarchy(levels))
    assert (totals["L1"].store_misses, totals["L1"].load_misses, totals["L1"].write_backs) == (2, 1, 3)
    assert (totals["L2"].stores, totals["L2"].store_misses, totals["L2"].loads) == (3, 1, 1)


@pytest.mark.parametrize(("back", "allocate"), [(True, False), (False, True)])
def test_the_other_write_policies(back, allocate):
    level = Level("L1", 64, 1, write_back=back, write_allocate=allocate)
    totals = replay((np.array([0, 0, 64, 64]), np.array([True, True, False, True])), Hierarchy((level,)))
    assert totals["L1"].load_misses == 1
    assert totals["L1"].store_misses == (1 if allocate else 2)
    assert totals["L1"].write_backs == (3 if not back else 2)


def test_dirty_lines_are_written_back_when_they_go():
    level = Level("L1", 64, 1)
    totals = replay((np.array([0, 64, 128]), np.array([True, False, False])), Hierarchy((level,)))
    assert totals["L1"].write_backs == 1


def test_the_next_line_is_there_before_it_is_asked_for():
    alone = replay(np.arange(0, 64 * 100, 8), Hierarchy(SMALL))
    ahead = replay(np.arange(0, 64 * 100, 8), Hierarchy(SMALL, prefetcher="next-line"))
    assert alone["L1"].misses == 100
    assert ahead["L1"].misses == 50
    assert (ahead["L1"].prefetches, ahead["L1"].useful) == (50, 50)
    backwards = replay(np.arange(64 * 100, 0, -64), Hierarchy(SMALL, prefetcher="next-line"))
    assert backwards["L1"].useful == 0


def test_strides_are_found_for_each_site_by_itself():
    @njit
    def walk(a, b):
        acc = 0.0
        for i in range(a.size // 20):
            acc += a[20 * i]
            acc += b[b.size - 1 - 24 * i]
        return acc

    args = np.ones(20 * 50), np.ones(24 * 60)
    with_it = simulate(walk, args, Hierarchy(L1.levels, prefetcher="stride"))
    without = simulate(walk, args, L1)
    assert without["L1"].misses == 100
    assert with_it["L1"].misses == 2 * 4  # the first, its stride, and that twice again
    assert with_it["L1"].useful == 92
    jumps = np.random.default_rng(1).integers(0, 1 << 20, 500)
    assert replay(jumps, Hierarchy(L1.levels, prefetcher="stride"))["L1"].prefetches == 0


def test_the_tlb_is_a_level_of_its_own(rng):
    pages = Level("pages", 8 * 4096, 4, line=4096)
    addresses = rng.integers(0, 30 * 4096, 3000)
    as_cache = replay(addresses, Hierarchy((pages,)), size=1)
    with_tlb = replay(addresses, Hierarchy(SMALL, tlb=Tlb(8, 4, 4096)), size=1)
    assert with_tlb.tlb_misses == as_cache["pages"].misses
    assert with_tlb["L1"] == replay(addresses, Hierarchy(SMALL), size=1)["L1"]
    assert replay(addresses, Hierarchy(SMALL)).tlb_misses is None
    simulation = Simulation(Hierarchy(SMALL, tlb=Tlb()))
    assert [int(step(simulation, at, False)) for at in (0, 64, 0)] == [3 + TLB_MISS, 3, 0]


def test_a_write_over_two_lines_makes_both_dirty():
    trace = np.array([0, 60, 128, 192]), np.array([False, True, False, False])
    assert replay(trace, Hierarchy((Level("L1", 128, 2),)))["L1"].write_backs == 2


def test_an_access_over_two_lines_uses_both():
    totals = replay(np.array([60, 0, 64]), L1, size=8)
    assert (totals.accesses, totals["L1"].loads, totals["L1"].misses) == (3, 4, 2)


def test_what_is_below_a_level_changes_nothing_there(rng):
    moves = trace(rng)
    whole = replay(moves, Hierarchy(SMALL, tlb=Tlb(8, 4)))
    for depth in (1, 2):
        assert replay(moves, Hierarchy(SMALL[:depth])).levels == whole.levels[:depth]


# Traces


def test_pieces_make_no_difference(rng):
    addresses, writes = trace(rng, 200_000)
    whole = replay((addresses, writes), TEACHING)
    halves = replay(((addresses[at : at + 77], writes[at : at + 77]) for at in range(0, 200_000, 77)), TEACHING)
    assert whole == halves
    assert whole.accesses == 200_000


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (np.arange(3.0), TypeError, "array of float64.*int64"),
        (np.arange(3, dtype=np.int32), TypeError, "int64"),
        (np.zeros((2, 2), np.int64), TypeError, "one-dimensional"),
        ([[0, 8]], TypeError, "list.*int64"),
        ((np.arange(3), np.zeros(3, np.int64)), TypeError, "writes.*bool"),
        ((np.arange(3), np.zeros(2, bool)), TypeError, "writes.*one for each"),
        (np.array([-1]), ValueError, "outside"),
        (np.array([1 << 62]), ValueError, "outside"),
    ],
)
def test_a_wrong_trace_is_refused(wrong, error, text):
    with pytest.raises(error, match=f"^trace: .*{text}"):
        replay(wrong, L1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Level("L1", 48 << 10, 8), r"L1: size = 49152 makes 96 sets.*power of two: take 32768 or 65536"),
        (lambda: Level("L1", 1 << 10, 32), "L1: size = 1024 makes 0.5 sets.*take 2048"),
        (lambda: Level("L1", 1000, 4), "L1: size = 1000"),
        (lambda: Level("L1", 1 << 50, 4), "L1: size"),
        (lambda: Level("L1", 3072, 4, line=48), "L1: line = 48 is no power of two"),
        (lambda: Level("L1", 1024, 0), "L1: ways = 0"),
        (lambda: Level("L1", 1024, 4, policy="mru"), "L1: policy = 'mru'; take one of lru, plru"),
        (lambda: Level("L1", 12 * 64 * 64, 12, policy="plru"), "L1: ways = 12; a tree"),
        (lambda: Tlb(64, 4, 5000), "tlb: page = 5000"),
        (lambda: Tlb(48, 4), "tlb: 48 entries"),
        (lambda: Hierarchy(()), "levels: 0 of them"),
        (lambda: Hierarchy((Level("a", 1024, 4), Level("a", 1024, 4))), "levels: two"),
        (lambda: Hierarchy((Level("a", 1024, 4), Level("b", 1024, 4, line=128))), "levels: lines of different"),
        (lambda: Hierarchy(SMALL, prefetcher="psychic"), "prefetcher: 'psychic'"),
        (lambda: replay(np.arange(3), L1, size=0), "size: 0"),
    ],
)
def test_wrong_sizes_are_refused_with_what_would_do(make, text):
    with pytest.raises(ValueError, match=f"^{text}"):
        make()


def test_a_hierarchy_is_a_hierarchy():
    with pytest.raises(TypeError, match="hierarchy: Level given"):
        replay(np.arange(3), SMALL[0])
    with pytest.raises(TypeError, match="hierarchy: Level given"):
        simulate(np.sum, (np.arange(3),), SMALL[0])


# Functions


@njit
def columns(a, out):
    for j in range(a.shape[1]):
        for i in range(a.shape[0]):
            out[j] += a[i, j]


def test_a_function_is_told_by_level_array_and_line():
    a, out = np.ones((512, 16)), np.zeros(16)
    report = simulate(columns, (a, out), TEACHING)
    assert report.compiled
    assert (out == 512).all()
    # A column is 512 lines, a row two of them: eight sets of eight ways, so nothing stays.
    shares = {share.name: share for share in report.arrays}
    assert shares["a"].accesses == 512 * 16
    assert shares["a"].misses == (512 * 16, 1024, 1024)
    assert shares["out"].accesses == 2 * 512 * 16
    assert sum(share.accesses for share in report.lines) == report.accesses
    first = report.lines[0]
    assert first.name.startswith(f"columns:{columns.py_func.__code__.co_firstlineno + 4}  ")
    assert "a[i, j]" in first.name
    accesses, misses = report.over("a")
    assert accesses.shape == misses.shape == (512, 16)
    assert (accesses == 8).all()
    assert (misses == 8).all()
    assert (report.over("a", level=1)[1] == 1).all()
    assert report.over("out")[0][0] == 2 * 512 * 8
    text = str(report)
    assert "by array" in text
    assert f"{512 * 16:,}" in text
    with pytest.raises(KeyError, match="'b': the arrays are a, out"):
        report.over("b")
    with pytest.raises(KeyError, match="'L9': the levels are L1, L2, L3"):
        report["L9"]


@pytest.mark.parametrize("kept", [1, 3, 64])
def test_lines_fetched_are_the_misses_of_one_set(rng, kept):
    @njit
    def scatter(a, index, out):
        for i in range(index.size):
            out[index[i], 0] += a[i]

    args = rng.random(500), rng.integers(-300, 300, 500), np.zeros((300, 3), np.float32)
    one_set = Hierarchy((Level("lines", 64 * kept, kept),))
    assert simulate(scatter, args, one_set)["lines"].misses == fetched(scatter, args, kept=kept)


def test_what_a_function_makes_is_told_too():
    def doubled(x):
        y = np.zeros(x.size)
        for i in range(x.size):
            y[i] = 2 * x[i]
        return y

    report = simulate(doubled, (np.ones(80),), L1)
    assert report.result.tolist() == [2.0] * 80
    assert [(share.name, share.misses) for share in report.arrays] == [
        ("x", (10,)),
        ("made by the function", (10,)),
    ]
    slowly = simulate(lambda x: x * 2, (np.ones(80),), L1)
    assert not slowly.compiled
    assert slowly["L1"].misses == 20


def test_the_same_input_gives_the_same_count(rng):
    a = rng.random((64, 64))
    counts = [simulate(columns, (a.copy(), np.zeros(64)), TEACHING) for _ in range(2)]
    assert str(counts[0]) == str(counts[1])


def test_counters_have_names():
    assert slice(4, 11) == COUNTERS
    assert list(pieces(np.arange(0), 8)) == []
    assert cache.LevelCounts("L1", 1, 2, 3, 4, 5, 6, 7).misses == 6
