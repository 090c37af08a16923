"""The caches of a machine for the model, as far as its system tells."""

from typing import TYPE_CHECKING

from perflab.machine.description import Machine, describe

if TYPE_CHECKING:
    from perflab.models.cache import Hierarchy

LINE = 64  # bytes, where the system does not tell
MOST_LEVELS = 4


def hierarchy(machine: Machine | None = None) -> "Hierarchy":
    """Return the data caches of a machine as `perflab.models.cache` takes them: sizes and ways, all LRU.

    Parameters
    ----------
    machine : Machine, optional
        This one by default.

    Returns
    -------
    Hierarchy
        A number of sets that is no power of two, as large shared caches have, becomes the next smaller one.

    Raises
    ------
    ValueError
        If the system does not tell sizes and ways.
    """
    # Imported here: an exercise may forbid the model, and its sandbox lacks it then.
    from perflab.models.cache import Hierarchy, Level

    known = (machine or describe()).caches
    levels = {}
    for cache in known:
        if cache.kind in ("Data", "Unified") and cache.ways and cache.level not in levels:
            line = cache.line or LINE
            sets = cache.bytes // (cache.ways * line)
            if sets:
                sets = 1 << (sets.bit_length() - 1)
                levels[cache.level] = Level(f"L{cache.level}", sets * cache.ways * line, cache.ways, line)
    if not levels:
        raise ValueError("this system does not tell its caches; take perflab.models.cache.TEACHING")
    return Hierarchy(tuple(levels[level] for level in sorted(levels))[:MOST_LEVELS])
