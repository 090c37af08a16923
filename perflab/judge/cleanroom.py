"""What of a student's code may enter a clean room: definitions that compute and cannot reach the instrument.

An instrument that runs beside the code it watches can be fooled by it. So only the definitions of answer cells are
loaded for it, in a fresh sandbox, and only if they stay within a small part of Python: no private names, no change
of anything that was imported, no attribute but those in `perflab.judge.vocabulary` and the code's own.
"""

import ast
from collections.abc import Collection, Iterable

from perflab.judge.vocabulary import ATTRIBUTES, INNER, MODULES, REFUSED, SPECIAL, is_module, names_of

# Builtins that reach behind objects, or tell a watched array from another one.
NAMES = (
    *("eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "dir", "getattr"),
    *("setattr", "delattr", "hasattr", "object", "super", "memoryview", "id", "help", "type", "isinstance"),
    *("issubclass", "callable", "classmethod", "staticmethod", "property", "exit", "quit"),
)
STATEMENTS = {
    ast.Global: "a global statement",
    ast.Nonlocal: "a nonlocal statement",
    ast.Try: "a try statement",
    ast.TryStar: "a try statement",
    ast.With: "a with statement",
    ast.AsyncFunctionDef: "an async function",
    ast.Await: "an await",
    ast.Delete: "a del statement",
    ast.MatchClass: "a pattern that looks into objects",
}


class ForbiddenError(ValueError):
    """Code that a clean room does not admit; the text says what and where."""


def admitted(
    cells: list[str], wanted: set[str], given: Iterable[str] = (), ours: Collection[str] = ()
) -> list[str]:
    """Return what of a student's cells some functions need: definitions, imports, constants, if all are harmless.

    Parameters
    ----------
    cells : list of str
        In the order in which they ran.
    wanted : set of str
        Names of the functions.
    given : iterable of str
        Cells of the course that run before; what they define may be used.
    ours : collection of str
        Names that stay the course's.

    Raises
    ------
    ForbiddenError
        Naming the line that has to go.
    """
    try:
        trees = [ast.parse(source) for source in cells]
        nodes = [[(node, _bound(node)) for node in tree.body] for tree in trees]
        needed, more = set(), {*wanted, "*"}  # what a star binds nobody knows
        while more - needed:
            needed |= more
            used = [_used(node) for cell in nodes for node, bound in cell if bound & needed]
            more = set().union(*used)
        kept = [[node for node, bound in cell if bound & needed] for cell in nodes]
        for node, bound in (both for cell in nodes for both in cell):
            if bound & needed and (taken := bound & set(ours)):
                raise ForbiddenError(f"line {node.lineno}: a definition of {min(taken)}, which is the course's")
        rules = _Rules([ast.parse(source) for source in given], [node for cell in kept for node in cell])
        for top in (node for cell in kept for node in cell):
            rules.check(top)
        return ["\n\n".join(map(ast.unparse, cell)) for cell in kept]
    except ForbiddenError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ForbiddenError(f"no Python: {error}") from error


class _Rules:
    """What a piece of code may do, given what the course's cells and its own have bound.

    Parameters
    ----------
    given, own : list of ast.AST
    """

    def __init__(self, given: list[ast.AST], own: list[ast.AST]) -> None:
        self._modules: dict[str, str] = {}
        self._closed: set[str] = set()
        for tree in (*given, *own):
            for node in ast.walk(tree):
                self._remember(node)
        theirs = set().union(*map(_identifiers, given))
        self._attributes = (theirs | set().union(*map(_identifiers, own))) - INNER | ATTRIBUTES

    def _remember(self, node: ast.AST) -> None:
        """Note which names stand for modules, and which for what no code may use."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._modules[(alias.asname or alias.name).partition(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name, whole = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if is_module(whole):
                    self._modules[name] = whole
                elif node.module not in MODULES or alias.name not in names_of(node.module):
                    self._closed.add(name)

    def check(self, top: ast.AST) -> None:
        """Raise where something is not allowed."""
        parts = {id(node.value) for node in ast.walk(top) if isinstance(node, ast.Attribute)}
        for node in ast.walk(top):
            if why := self._objection(node, id(node) in parts):
                raise ForbiddenError(f"line {getattr(node, 'lineno', getattr(top, 'lineno', 1))}: {why}")

    def _objection(self, node: ast.AST, has_attribute: bool) -> str | None:
        if isinstance(node, ast.Attribute):
            return self._attribute(node, has_attribute)
        if isinstance(node, ast.Name):
            return self._name(node, has_attribute)
        if isinstance(node, ast.Import):
            strange = [alias.name for alias in node.names if alias.name not in MODULES or "." in alias.name]
            return f"an import of {strange[0]}" if strange else None
        if isinstance(node, ast.ImportFrom):
            return _import(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.startswith("__"):
            return None if node.name in SPECIAL else f"a definition of {node.name}"
        return STATEMENTS.get(type(node))

    def _attribute(self, node: ast.Attribute, has_attribute: bool) -> str | None:
        if node.attr.startswith("_"):
            return f"the attribute {node.attr}"
        module = self._module(node.value)
        if module is None:
            return None if node.attr in self._attributes else f"the attribute {node.attr}"
        if not isinstance(node.ctx, ast.Load):
            return f"a change of {ast.unparse(node)}"
        if f"{module}.{node.attr}" in MODULES:
            return None if has_attribute else f"the module {ast.unparse(node)} as a value"
        known = module in MODULES and node.attr in names_of(module)
        return None if known else f"the attribute {node.attr} of {module}"

    def _name(self, node: ast.Name, has_attribute: bool) -> str | None:
        hidden = node.id.startswith("__") and node.id not in ("__name__", "__slots__")
        if hidden or node.id in NAMES or node.id in self._closed:
            return f"the name {node.id}"
        if node.id in self._modules and not has_attribute:
            return f"the module {node.id} as a value"
        return None

    def _module(self, node: ast.AST) -> str | None:
        """Return the module that an expression stands for, if it is one."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id)
        if isinstance(node, ast.Attribute) and (above := self._module(node.value)):
            return f"{above}.{node.attr}"
        return None


def _import(node: ast.ImportFrom) -> str | None:
    module = node.module if node.level == 0 else None
    if module not in MODULES:
        return f"an import of {node.module}"
    for alias in node.names:
        known = alias.name in names_of(module) and alias.name not in REFUSED
        if not known and f"{module}.{alias.name}" not in MODULES:
            return f"an import of {module}.{alias.name}"
    return None


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


def _identifiers(tree: ast.AST) -> set[str]:
    """Return what code calls the parts of its own classes and records."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found.add(node.attr)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Fields of records and of namedtuples.
            found |= {word for word in node.value.replace(",", " ").split() if word.isidentifier()}
    return found
