"""Find the definition of a function in its file: of a ``def`` and of a ``lambda``, inside other code too."""

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType

Definition = ast.FunctionDef | ast.Lambda


class UntraceableError(TypeError):
    """A function, or something that it uses, whose accesses cannot be watched."""


def definition_of(fn: FunctionType) -> Definition:
    """Return the definition of a function, with the lines of its file; the tree is shared: copy it to change it.

    Raises
    ------
    UntraceableError
        If there is none to read.
    """
    code = fn.__code__
    lines = linecache.getlines(code.co_filename, fn.__globals__)
    found = [node for node in _definitions("".join(lines)) if _fits(node, code)]
    if not found:
        raise UntraceableError(f"there is no source of {fn.__name__} to read: define it in a file or in a cell")
    return found[-1]


@lru_cache(maxsize=64)
def _definitions(text: str) -> tuple[Definition, ...]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, Definition))


def _fits(node: Definition, code: CodeType) -> bool:
    parameters = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    names = tuple(argument.arg for argument in parameters)
    if names != code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return False
    if isinstance(node, ast.FunctionDef):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        return node.name == code.co_name and first == code.co_firstlineno
    if code.co_name != "<lambda>" or node.lineno != code.co_firstlineno:
        return False
    body = node.body
    start, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    places = list(_places(code))
    return bool(places) and start == min(first for first, _ in places) and end == max(last for _, last in places)


def _places(code: CodeType) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where the instructions of a lambda stand: lines and columns of beginning and end."""
    for line, end_line, column, end_column in code.co_positions():
        if None not in (line, end_line, column, end_column) and (end_line, end_column) > (line, column):
            yield (line, column), (end_line, end_column)
