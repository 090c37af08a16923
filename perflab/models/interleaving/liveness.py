"""Which local variables of a rewritten function are needed after each of its stops."""

import ast
from collections.abc import Iterator


def names_in(node: ast.AST | None, context: type) -> Iterator[str]:
    """Return the names that a node loads, or stores."""
    if node is not None:
        yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context))


def live_before(
    body: list[ast.stmt],
    after: frozenset[str],
    at_break: frozenset[str],
    at_continue: frozenset[str],
    found: dict[int, frozenset[str]],
) -> frozenset[str]:
    """Return the variables that are live before a rewritten body.

    Parameters
    ----------
    body : list of statements
        As `perflab.models.interleaving.rewrite` makes them: each yield is a statement of its own, every loop
        ``while True``.
    after, at_break, at_continue : set of str
        The variables that are live after it, and where a break or a continue goes.
    found : dict
        Receives the variables that are live after each stop, by its number.
    """
    live = after
    for node in reversed(body):
        if isinstance(node, ast.If):
            branches = (live_before(part, live, at_break, at_continue, found) for part in (node.body, node.orelse))
            live = frozenset(names_in(node.test, ast.Load)).union(*branches)
        elif isinstance(node, ast.While):
            top: frozenset[str] = frozenset()
            while True:
                more = live_before(node.body, top, live, top, found)
                if more == top:
                    break
                top = more
            live = top
        elif isinstance(node, ast.Break):
            live = at_break
        elif isinstance(node, ast.Continue):
            live = at_continue
        elif isinstance(node, ast.Return | ast.Raise):
            live = frozenset(names_in(node, ast.Load))
        else:
            kept = live - frozenset(names_in(node, ast.Store))
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Yield) and node.value.value:
                found[node.value.value.elts[0].value] = kept
            if isinstance(node, ast.AugAssign):
                kept |= frozenset(names_in(node.target, ast.Store))
            live = kept | frozenset(names_in(node, ast.Load))
    return live
