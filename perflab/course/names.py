"""Which names the cells of a notebook define and use, so that what fails in one can be traced to another."""

import ast
import symtable
from collections.abc import Container, Iterable, Mapping

COMPILED = ("njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc")


def tree_of(source: str) -> ast.Module | None:
    """Return the syntax tree of a cell, its magics taken as IPython does; None if it is no Python."""
    python = _python(source)
    return None if python is None else ast.parse(python)


def defined(source: str) -> set[str]:
    """Return the names that a cell binds; nothing if it is no Python."""
    python = _python(source)
    if python is None:
        return set()
    table = symtable.symtable(python, "cell", "exec")
    return {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}


def used(tree: ast.AST | None) -> set[str]:
    """Return the names that code reads."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()


def functions(sources: Iterable[str]) -> dict[str, ast.FunctionDef]:
    """Return the functions that cells define, by name; a later definition counts."""
    found = {}
    for tree in map(tree_of, sources):
        found |= {node.name: node for node in (tree.body if tree else ()) if isinstance(node, ast.FunctionDef)}
    return found


def reached(names: Iterable[str], known: Mapping[str, ast.FunctionDef]) -> set[str]:
    """Return names and what the functions of these names use, and so on."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        found.add(name)
        left |= used(known.get(name)) - found
    return found


def is_compiled(function: ast.FunctionDef) -> bool:
    """Tell whether Numba compiles a function, by its decorators."""
    decorators = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return any(ast.unparse(d).split(".")[-1] in COMPILED for d in decorators)


def loops(function: ast.FunctionDef) -> list[int]:
    """Return the lines of the loops that may never end: each `while`, or each `for` if there is none."""
    for kind in (ast.While, ast.For):
        if lines := [node.lineno for node in ast.walk(function) if isinstance(node, kind)]:
            return sorted(lines)
    return []


def calls(tree: ast.AST | None, called: Container[str]) -> list[int]:
    """Return the lines that call something of these names, whatever it belongs to."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree else ()
    return sorted(node.lineno for node in found if ast.unparse(node.func).split(".")[-1] in called)


def _python(source: str) -> str | None:
    """Return a cell as plain Python, or None if it is none."""
    if _parses(source):
        return source
    from IPython.core.inputtransformer2 import TransformerManager  # takes its time, and most cells have no magics

    try:
        source = TransformerManager().transform_cell(source)
    except SyntaxError:
        return None
    return source if _parses(source) else None


def _parses(source: str) -> bool:
    try:
        compile(source, "cell", "exec", ast.PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
