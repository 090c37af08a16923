"""What a memory hierarchy is made of: levels, a prefetcher, a TLB; and a fixed one to learn with."""

from dataclasses import dataclass

POLICIES = ("lru", "plru", "fifo", "random")
PREFETCHERS = (None, "next-line", "stride")
LARGEST = 1 << 40  # bytes: more is a mistake


def _is_power(number: object) -> bool:
    return isinstance(number, int) and number > 0 and number & (number - 1) == 0


@dataclass(frozen=True)
class Level:
    """One cache.

    Parameters
    ----------
    name : str
        "L1", for the reports.
    size : int
        Bytes: `ways` times `line` times a power of two, the number of sets.
    ways : int
        Lines of a set; as many as there are lines make it fully associative.
    line : int
        Bytes of a line, a power of two.
    policy : {"lru", "plru", "fifo", "random"}
        Which line of a full set goes: the one used least recently; the one that a tree of bits takes for that,
        which needs a power of two of ways; the oldest; any, by a generator that starts with `seed`.
    write_back : bool
        Whether a written line waits until it is evicted; otherwise each write goes on to the next level as well.
    write_allocate : bool
        Whether a write that misses fetches the line; otherwise it goes on to the next level alone.
    seed : int
        Of the generator of "random".

    Raises
    ------
    ValueError
        Naming the argument that is wrong, and what would do.
    """

    name: str
    size: int
    ways: int
    line: int = 64
    policy: str = "lru"
    write_back: bool = True
    write_allocate: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_power(self.line):
            raise ValueError(f"{self.name}: line = {self.line!r} is no power of two; take 64 bytes")
        if not isinstance(self.ways, int) or self.ways < 1:
            raise ValueError(f"{self.name}: ways = {self.ways!r}; take a whole number from 1 on")
        if self.policy not in POLICIES:
            raise ValueError(f"{self.name}: policy = {self.policy!r}; take one of {', '.join(POLICIES)}")
        if self.policy == "plru" and not (_is_power(self.ways) and self.ways <= 64):
            raise ValueError(
                f"{self.name}: ways = {self.ways}; a tree (plru) has a power of two of them, up to 64"
            )
        sets = self.size / (self.ways * self.line)
        if self.size > LARGEST or sets < 1 or not _is_power(int(sets)) or sets != int(sets):
            below = self.ways * self.line << max(int(sets).bit_length() - 1, 0)
            raise ValueError(
                f"{self.name}: size = {self.size!r} makes {sets:g} sets of {self.ways} lines of {self.line} B; "
                f"their number has to be a power of two: take {min(below, LARGEST)} or {min(2 * below, LARGEST)}"
            )

    @property
    def sets(self) -> int:
        """How many sets there are."""
        return self.size // (self.ways * self.line)


@dataclass(frozen=True)
class Tlb:
    """What keeps translations of pages: a level of its own, beside the caches.

    Parameters
    ----------
    entries : int
        `ways` times a power of two.
    ways : int
    page : int
        Bytes of a page, a power of two.

    Raises
    ------
    ValueError
        Naming the argument that is wrong.
    """

    entries: int = 64
    ways: int = 4
    page: int = 4096

    def __post_init__(self) -> None:
        if not _is_power(self.page):
            raise ValueError(f"tlb: page = {self.page!r} is no power of two; take 4096 or {2 << 20}")
        if self.ways < 1 or self.entries % self.ways or not _is_power(self.entries // self.ways):
            raise ValueError(
                f"tlb: {self.entries!r} entries in sets of {self.ways!r}; their quotient has to be a power of two"
            )


@dataclass(frozen=True)
class Hierarchy:
    """Caches, from the one next to the core to the one next to memory.

    Parameters
    ----------
    levels : tuple of Level
        1 to 4 of them, with lines of one size.
    prefetcher : {None, "next-line", "stride"}
        What the first level fetches without being asked: on a miss the line after it; or, once the same place in
        the source has moved on by the same stride twice, the line one stride ahead.
    tlb : Tlb, optional

    Raises
    ------
    ValueError
        Naming the argument that is wrong.
    """

    levels: tuple[Level, ...]
    prefetcher: str | None = None
    tlb: Tlb | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.levels) <= 4:
            raise ValueError(f"levels: {len(self.levels)} of them; give 1 to 4")
        if len({level.line for level in self.levels}) > 1:
            raise ValueError("levels: lines of different sizes; give them one")
        if len({level.name for level in self.levels}) < len(self.levels):
            raise ValueError("levels: two of them have one name")
        if self.prefetcher not in PREFETCHERS:
            raise ValueError(f"prefetcher: {self.prefetcher!r}; take one of {PREFETCHERS}")

    @property
    def line(self) -> int:
        """Bytes of a line."""
        return self.levels[0].line


TEACHING = Hierarchy(
    (Level("L1", 32 << 10, 8), Level("L2", 1 << 20, 16), Level("L3", 16 << 20, 16)), tlb=Tlb(64, 4)
)
"""A core of the last ten years, without a prefetcher: 32 KiB, 1 MiB and 16 MiB, LRU, write-back."""

L1 = Hierarchy(TEACHING.levels[:1])
"""Its first level alone."""
