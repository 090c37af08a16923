"""Natural loops of a control-flow graph."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

Block = TypeVar("Block", bound=Hashable)


@dataclass(frozen=True)
class NaturalLoop:
    """A loop of a graph.

    Attributes
    ----------
    header : block
        Where it is entered.
    blocks : frozenset
        All its blocks, those of inner loops included.
    depth : int
        1 for an outermost loop.
    innermost : bool
    """

    header: Hashable
    blocks: frozenset
    depth: int
    innermost: bool


def natural_loops(graph: dict[Block, list[Block]], entry: Block) -> list[NaturalLoop]:
    """Return the natural loops of a graph, one for each header.

    Parameters
    ----------
    graph : dict
        The successors of each block.
    entry : block

    References
    ----------
    Aho, A. V., Lam, M. S., Sethi, R., Ullman, J. D.: Compilers, 2nd edition, section 9.6.
    """
    dominators = _dominators(graph, entry)
    before: dict[Block, list[Block]] = {}
    for block, successors in graph.items():
        for one in successors:
            before.setdefault(one, []).append(block)
    bodies: dict[Block, set[Block]] = {}
    for block, successors in graph.items():
        for header in successors:
            if block in dominators and header in dominators[block]:
                bodies.setdefault(header, {header}).update(_body(header, block, before))
    return [
        NaturalLoop(
            header,
            frozenset(body),
            depth=sum(header in other for other in bodies.values()),
            innermost=not any(other != header and other in body for other in bodies),
        )
        for header, body in bodies.items()
    ]


def _body(header: Block, back: Block, before: dict[Block, list[Block]]) -> set[Block]:
    """Return the blocks from which the end of a back edge is reached without its header."""
    body, queue = {header}, [back]
    while queue:
        block = queue.pop()
        if block not in body:
            body.add(block)
            queue += before.get(block, [])
    return body


def _dominators(graph: dict[Block, list[Block]], entry: Block) -> dict[Block, set[Block]]:
    order, queue = [], [entry]
    while queue:
        block = queue.pop()
        if block not in order:
            order.append(block)
            queue += graph.get(block, [])
    before: dict[Block, list[Block]] = {block: [] for block in order}
    for block in order:
        for one in graph.get(block, []):
            before[one].append(block)
    found = {block: set(order) for block in order}
    found[entry] = {entry}
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            new = set.intersection(*(found[one] for one in before[block])) | {block}
            if new != found[block]:
                found[block], changed = new, True
    return found
