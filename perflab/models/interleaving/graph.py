"""The states of a program as a graph: ways through it, and states from which none leads out."""

import itertools
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from perflab.models.interleaving.machine import State

# Twice the thread, plus one where a store leaves its buffer.
Move = int


@dataclass
class Graph:
    """The states that were seen: how each was first reached, and what follows it."""

    states: list[State] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    parents: array = field(default_factory=lambda: array("q"))
    moves: array = field(default_factory=lambda: array("q"))
    following: list[tuple[int, ...]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    stuck: frozenset[int] = frozenset()

    def add(self, state: State, parent: int, move: Move) -> int:
        """Add a state that was reached by `move` from `parent`; return its number."""
        number = self.numbers[state] = len(self.states)
        self.states.append(state)
        self.parents.append(parent)
        self.moves.append(move)
        return number

    def schedule(self, number: int) -> list[Move]:
        """Return the moves that lead to a state."""
        moves = []
        while self.parents[number] >= 0:
            moves.append(self.moves[number])
            number = self.parents[number]
        return moves[::-1]

    def find_stuck(self) -> None:
        """Find the states from which no schedule comes to an end."""
        self.stuck = frozenset(range(len(self.states))) - _reached(self._before(), self.ends)

    def trap(self) -> int:
        """Return a stuck state where all that can still happen goes in circles, as early as there is one."""
        number, before = min(self.stuck), self._before()
        while True:
            ahead = _reached(self.following, [number])
            onwards = ahead - _reached(before, [number])
            if not onwards:
                return number
            number = min(onwards)

    def _before(self) -> list[list[int]]:
        before: list[list[int]] = [[] for _ in self.states]
        for number, following in enumerate(self.following):
            for other in following:
                before[other].append(number)
        return before

    def count(self) -> int | None:
        """Return the number of ways from the first state to the ends, or None if there are cycles."""
        missing = [0] * len(self.states)
        for following in self.following:
            for other in following:
                missing[other] += 1
        ways = [0] * len(self.states)
        ways[0], open_, done = 1, [0], 0
        while open_:
            number = open_.pop()
            done += 1
            for other in self.following[number]:
                ways[other] += ways[number]
                missing[other] -= 1
                if not missing[other]:
                    open_.append(other)
        return sum(ways[end] for end in self.ends) if done == len(self.states) else None


def _reached(following: Sequence[Sequence[int]], start: list[int]) -> set[int]:
    seen, open_ = set(start), list(start)
    while open_:
        for number in following[open_.pop()]:
            if number not in seen:
                seen.add(number)
                open_.append(number)
    return seen


def tidied(schedule: list[Move], fails: Callable[[list[Move]], bool]) -> list[Move]:
    """Return a schedule of the same moves that fails in the same way, and changes threads less often."""

    def changes(moves: list[Move]) -> int:
        return sum(a // 2 != b // 2 for a, b in itertools.pairwise(moves))

    best, least = schedule, changes(schedule)
    improved = True
    while improved:
        improved = False
        for at in range(1, len(best)):
            thread = best[at] // 2
            before = next((i for i in range(at - 1, -1, -1) if best[i] // 2 == thread), -1)
            if before == at - 1:
                continue
            other = [*best[: before + 1], best[at], *best[before + 1 : at], *best[at + 1 :]]
            if changes(other) < least and fails(other):
                best, least, improved = other, changes(other), True
    return best
