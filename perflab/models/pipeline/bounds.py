"""What no core can beat: the chain of dependences, the width, and the busiest units. All exact, as fractions."""

from fractions import Fraction
from itertools import combinations

from perflab.models.pipeline.core import Core
from perflab.models.pipeline.loop import Loop


def latency_bound(loop: Loop, core: Core) -> tuple[Fraction, tuple[int, ...]]:
    """Return cycles an iteration that dependences between iterations cost, and the instructions of that chain.

    It is the largest ratio of latency to iterations among all circles of dependences. Lawler's method: a circle
    whose latency exceeds a guess raises the guess to its own ratio, until none does.
    """
    latency = [core.operations[it.operation].latency for it in loop.body]
    edges = [(n, i, back) for i, it in enumerate(loop.body) for n, back in it.needs]
    best, chain = Fraction(0), ()
    while circle := _longer_circle(len(loop.body), edges, latency, best):
        best = Fraction(sum(latency[n] for n, _, _ in circle), sum(back for _, _, back in circle))
        chain = tuple(sorted({i for _, i, _ in circle}))
    return best, chain


def _longer_circle(
    size: int, edges: list[tuple[int, int, int]], latency: list[int], guess: Fraction
) -> list[tuple[int, int, int]]:
    """Return the edges of a circle with more latency than `guess` an iteration; Bellman and Ford's method."""
    far = [Fraction(0)] * size
    into: list[tuple[int, int, int] | None] = [None] * size
    last = None
    for _ in range(size):
        last = None
        for edge in edges:
            n, i, back = edge
            length = far[n] + latency[n] - guess * back
            if length > far[i]:
                far[i], into[i], last = length, edge, i
        if last is None:
            return []
    node = last
    for _ in range(size):  # back along the way until it is surely on the circle
        node = into[node][0]
    circle = [into[node]]
    while circle[-1][0] != node:
        circle.append(into[circle[-1][0]])
    return circle


def issue_bound(loop: Loop, core: Core) -> Fraction:
    """Return cycles an iteration that entering costs: instructions over width."""
    return Fraction(len(loop.body), core.width)


def unit_bound(loop: Loop, core: Core) -> tuple[Fraction, str]:
    """Return cycles an iteration that the busiest units cost, and which they are.

    Whatever can only go to some units has to share them; this is the largest load over all sets of units, and by
    Hall's theorem the best that any assignment can do.
    """
    used = [use for it in loop.body for use in core.operations[it.operation].uses]
    units = sorted({unit for names, _ in used for unit in names})
    best, busiest = Fraction(0), ""
    for size in range(1, len(units) + 1):
        for chosen in combinations(units, size):
            load = sum(cycles for names, cycles in used if set(names) <= set(chosen))
            if Fraction(load, size) > best:
                best, busiest = Fraction(load, size), "".join(chosen)
    return best, busiest


def path(loop: Loop, core: Core) -> int:
    """Return cycles from the start of one iteration to its last result, if nothing else were in the way."""
    done: list[int] = []
    for it in loop.body:
        start = max((done[n] for n, back in it.needs if not back), default=0)
        done.append(start + core.operations[it.operation].latency)
    return max(done)
