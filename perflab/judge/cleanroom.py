"""What of a student's code may enter a clean room: definitions that compute and cannot reach the instrument.

An instrument that runs beside the code it watches can be fooled by it. So only the definitions of answer cells are
loaded for it, in a fresh sandbox, and only if they stay within a small part of Python: no private names, no change
of anything that was imported, nothing that could tell a watched call from another one.
"""

import ast

PLAIN = ("math", "collections", "heapq", "bisect", "itertools", "functools", "operator", "dataclasses", "typing")
# What may be imported from the packages that instruments share with the code.
PARTS = {
    "numpy": None,  # the package itself; its corners are refused by name below
    "numba": {"njit", "jit", "prange", "vectorize", "guvectorize", "types", "typed", "literal_unroll"}
    | {"int8", "int16", "int32", "int64", "intp", "uint8", "uint16", "uint32", "uint64", "uintp"}
    | {"float32", "float64", "complex64", "complex128", "boolean", "carray", "farray"},
    "perflab": {"atomics", "hints", "simd", "threads"},
}
NAMES = (
    *("eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "dir", "getattr"),
    *("setattr", "delattr", "hasattr", "object", "super", "memoryview", "id", "help", "type", "isinstance"),
    *("issubclass", "callable", "print", "classmethod", "staticmethod", "property"),
)
# Of numpy and numba: doors to files, to C, to the compiler and to the modules of others.
ATTRIBUTES = (
    *("ctypeslib", "lib", "f2py", "testing", "core", "memmap", "fromfile", "tofile", "load", "save", "savez"),
    *("loadtxt", "savetxt", "genfromtxt", "ctypes", "extending", "objmode", "py_func", "compile", "overloads"),
    *("inspect_llvm", "recompile", "sys", "os", "setflags", "misc", "config", "typing", "experimental"),
)


class ForbiddenError(ValueError):
    """Code that a clean room does not admit; the text says what and where."""


def admitted(cells: list[str], wanted: set[str]) -> list[str]:
    """Return what of a student's cells some functions need: definitions, imports, constants, if all are harmless.

    Parameters
    ----------
    cells : list of str
        In the order in which they ran.
    wanted : set of str
        Names of the functions.

    Raises
    ------
    ForbiddenError
        Naming the line that has to go.
    """
    try:
        trees = [ast.parse(source) for source in cells]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ForbiddenError(f"no Python: {error}") from error
    nodes = [[(node, _bound(node)) for node in tree.body] for tree in trees]
    needed, more = set(), set(wanted)
    while more - needed:
        needed |= more
        used = [_used(node) for cell in nodes for node, bound in cell if bound & needed]
        more = set().union(*used)
    kept = [[node for node, bound in cell if bound & needed] for cell in nodes]
    for top in (node for cell in kept for node in cell):
        for node in ast.walk(top):
            if why := _objection(node):
                raise ForbiddenError(f"line {getattr(node, 'lineno', top.lineno)}: {why}")
    return ["\n\n".join(map(ast.unparse, cell)) for cell in kept]


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a top-level statement of a cell binds: definitions, imports and assignments."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        # Of ``module.name = ...`` and ``table[i] = ...`` what is changed counts as bound.
        return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return set()


def _used(node: ast.stmt) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _objection(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        if node.attr.startswith("_") or node.attr in ATTRIBUTES:
            return f"the attribute {node.attr}"
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        if not own and not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name | ast.Attribute):
            # A record of an array, ``table[i].x``, is another matter.
            return f"a change of {ast.unparse(node)}"
    if isinstance(node, ast.Name):
        hidden = node.id.startswith("__") and node.id != "__name__"
        return f"the name {node.id}" if hidden or node.id in NAMES else None
    if isinstance(node, ast.Import):
        strange = [alias.name for alias in node.names if alias.name not in (*PLAIN, "numpy", "numba")]
        return f"an import of {strange[0]}" if strange else None
    if isinstance(node, ast.ImportFrom):
        return _import(node)
    refused = {
        ast.Global: "a global statement",
        ast.Nonlocal: "a nonlocal statement",
        ast.Try: "a try statement",
        ast.With: "a with statement",
        ast.AsyncFunctionDef: "an async function",
        ast.Delete: "a del statement",
    }
    return refused.get(type(node))


def _import(node: ast.ImportFrom) -> str | None:
    if node.level == 0 and node.module in PLAIN:
        return None
    allowed = PARTS.get(node.module or "", set()) if node.level == 0 else set()
    names = [alias.name for alias in node.names]
    strange = [name for name in names if name.startswith("_") or name in ATTRIBUTES or name == "*"]
    if allowed is not None:
        strange += [name for name in names if name not in allowed]
    return f"an import of {node.module}.{strange[0]}" if strange else None
