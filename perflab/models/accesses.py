"""Loads and stores of array elements as events: a part of `perflab.models.instrument`.

The value of an event is an address; the lower half of its code is ``size << 1 | write``. Events come in the order
of plain Python: ``a[i] += v`` loads ``a[i]``, then whatever ``v`` needs, then stores.

Only accesses to single elements and fields become events here. A view costs nothing. Whatever else touches an
array (NumPy's functions, arithmetic on whole arrays, an index that is an array) is refused once Numba has found
the types: `perflab.models.record` then takes the slow way, through `perflab.models.traced`.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core import ir

from perflab.models import hooks
from perflab.models.instrument import Instrumented, Part, UninstrumentableError
from perflab.models.traced import ATOMICS

# Attributes of arrays that are no memory.
METADATA = frozenset({"shape", "size", "ndim", "dtype", "strides", "nbytes", "itemsize"})
MAKERS = {
    **dict.fromkeys((np.empty, np.empty_like), "reserved"),
    **dict.fromkeys((np.zeros, np.ones, np.full, np.zeros_like, np.ones_like, np.full_like, np.arange), "made"),
}
# The slow way counts their elements.
_CONTAINERS = (
    types.List,
    types.ListType,
    types.Set,
    types.DictType,
    types.Bytes,
    types.ByteArray,
    types.MemoryView,
)
_VIEWS = frozenset({"reshape", "transpose", "view"})  # methods that touch nothing
_UNREAD = frozenset({len, range, np.empty_like, np.zeros_like, np.ones_like, np.full_like})


class Accesses(Part):
    """Makes an event of each access to an element of an array or to a field of a record."""

    hooks = hooks.HOOKS

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.hooks = dict(hooks.HOOKS)  # and one for each field
        self._loops = 0
        self._stored: Counter[str] = Counter()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # noqa: N802
        """Look first which names are bound once."""
        for part in ast.walk(node):
            if isinstance(part, ast.arg):
                self._stored[part.arg] += 1
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self._stored[part.id] += 1
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:  # noqa: N802
        """Refuse a global array: it is a constant of compiled code, whose place nobody knows."""
        if isinstance(node.ctx, ast.Load) and isinstance(self._global(node), np.ndarray):
            raise self.refuse(node, "an array that is no argument")
        return node

    # Loads

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:  # noqa: N802
        """``a[i]`` is a load, ``a[i:j]`` a view."""
        if _is_view(node.slice):
            return self.generic_visit(node)
        site = self.site("load", node)
        if field := _field(node.slice):
            return self._load_field(site, self.visit(node.value), field)
        verb = "pick" if isinstance(node.slice, ast.Constant) else "load"
        return self.call(verb, site, self.visit(node.value), self.visit(node.slice))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:  # noqa: N802
        """``table[i].x`` is a load of a field."""
        if isinstance(self._global(node), np.ndarray):
            raise self.refuse(node, "an array that is no argument")
        if node.attr in METADATA or self._global(node) is not None:
            return self.generic_visit(node)
        return self._load_field(self.site("load", node), self.visit(node.value), node.attr)

    def _load_field(self, site: ast.expr, owner: ast.expr, field: str) -> ast.expr:
        hook = f"load_{len(self.hooks)}"
        self.hooks[hook] = hooks.load_field(field)
        return self.call(hook, site, owner)

    def _store_field(self, site: ast.expr, value: ast.expr, owner: ast.expr, field: str) -> ast.expr:
        hook = f"store_{len(self.hooks)}"
        self.hooks[hook] = hooks.store_field(field)
        return self.call(hook, site, value, owner)

    def visit_Call(self, node: ast.Call) -> ast.AST:  # noqa: N802
        """Leave the name of a method alone; see that new arrays get a place."""
        function = self._global(node.func)
        if _in(function, MAKERS):
            raise self.refuse(
                node, "a new array that is not bound, once and outside of loops, to a name of its own"
            )
        if getattr(function, "__module__", None) in ATOMICS:
            raise self.refuse(node, "an atomic operation")  # said now, since compiling would take its time first
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        else:
            node.func = self.visit(node.func)
        node.args = [self.visit(arg) for arg in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_For(self, node: ast.For) -> ast.AST:  # noqa: N802
        """``for value in a`` loads each element."""
        if not all(isinstance(part, ast.Name | ast.Tuple | ast.expr_context) for part in ast.walk(node.target)):
            raise self.refuse(node.target, "a loop variable that is an element of an array")
        node.iter = self._iterated(node.iter)
        self._loops += 1
        node.body = self._all(node.body)
        node.orelse = self._all(node.orelse)
        self._loops -= 1
        return node

    def visit_While(self, node: ast.While) -> ast.AST:  # noqa: N802
        """Know that a loop repeats what is in it."""
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """As a loop."""
        node.iter = self._iterated(node.iter)
        node.ifs = [self.visit(test) for test in node.ifs]
        return node

    def _iterated(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Call):
            return self.visit(node)
        site = self.site("load", node)
        return self.call("elements", site, self.visit(node))

    # Stores

    def visit_Assign(self, node: ast.Assign) -> Any:  # noqa: N802
        """Values first, then the places, from left to right."""
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            node.value = self._new_array(node.targets[0].id, node.value) or self.visit(node.value)
            return node
        node.value = self.visit(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript | ast.Attribute):
            return self._store(node.targets[0], node.value)
        if all(
            isinstance(part, ast.Name | ast.Tuple | ast.expr_context) for t in node.targets for part in ast.walk(t)
        ):
            return node
        value = self.temporary()
        statements: list[ast.stmt] = [ast.Assign([ast.Name(value, ast.Store())], node.value, lineno=node.lineno)]
        for target in node.targets:
            statements += self._assigned(target, ast.Name(value, ast.Load()))
        return [ast.copy_location(statement, node) for statement in statements]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:  # noqa: N802
        """As an assignment; an annotation alone is nothing."""
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:  # noqa: N802
        """Load, compute, store; the place is found once."""
        target = node.target
        if isinstance(target, ast.Name):
            node.value = self.visit(node.value)
            return node
        before: list[ast.stmt] = []

        def once(part: ast.expr) -> ast.expr:
            if isinstance(part, ast.Name | ast.Constant):
                return part
            name = self.temporary()
            before.append(ast.Assign([ast.Name(name, ast.Store())], self.visit(part), lineno=node.lineno))
            return ast.Name(name, ast.Load())

        load, store = self.site("load", target), self.site("store", target)
        field = target.attr if isinstance(target, ast.Attribute) else _field(target.slice)
        owner = once(target.value)
        if field:
            value = ast.BinOp(self._load_field(load, owner, field), node.op, self.visit(node.value))
            after = self._store_field(store, value, owner, field)
        else:
            if _is_view(target.slice):
                raise self.refuse(node, "arithmetic on a whole slice")
            index = once(target.slice)
            value = ast.BinOp(self.call("load", load, owner, index), node.op, self.visit(node.value))
            after = self.call("store", store, value, owner, index)
        return [ast.copy_location(statement, node) for statement in (*before, ast.Expr(after))]

    def _store(self, target: ast.Subscript | ast.Attribute, value: ast.expr) -> ast.stmt:
        site = self.site("store", target)
        field = target.attr if isinstance(target, ast.Attribute) else _field(target.slice)
        if field:
            call = self._store_field(site, value, self.visit(target.value), field)
        else:
            if _is_view(target.slice):
                raise self.refuse(target, "an assignment to a whole slice")
            call = self.call("store", site, value, self.visit(target.value), self.visit(target.slice))
        return ast.copy_location(ast.Expr(call), target)

    def _assigned(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        """Return statements that assign to one target of several."""
        if isinstance(target, ast.Subscript | ast.Attribute):
            return [self._store(target, value)]
        if isinstance(target, ast.Name):
            return [ast.Assign([target], value, lineno=target.lineno)]
        if not isinstance(target, ast.Tuple):
            raise self.refuse(target, "unpacking into elements of arrays")
        names = [self.temporary() for _ in target.elts]
        unpacked = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
        statements: list[ast.stmt] = [ast.Assign([unpacked], value, lineno=target.lineno)]
        for part, name in zip(target.elts, names, strict=True):
            statements += self._assigned(part, ast.Name(name, ast.Load()))
        return statements

    # New arrays

    def _new_array(self, name: str, value: ast.expr) -> ast.expr | None:
        """Return the call that gives a new array its place, if `value` makes one that stays to the end."""
        function = self._global(value.func) if isinstance(value, ast.Call) else None
        if not _in(function, MAKERS):
            return None
        if self._loops or not self.outermost or self._stored[name] > 1:
            return None  # its memory is used again: the slow way knows when
        assert isinstance(value, ast.Call)
        value.args = [self.visit(arg) for arg in value.args]
        value.keywords = [self.visit(keyword) for keyword in value.keywords]
        return self.call(MAKERS[function], self.site("store", value), value)

    def _global(self, node: ast.expr) -> Any:
        """Return what an expression of global names stands for, or None."""
        if isinstance(node, ast.Name) and node.id not in self._stored:
            try:
                return self.reach(node.id)
            except KeyError:
                return getattr(builtins, node.id, None)
        if isinstance(node, ast.Attribute):
            return getattr(self._global(node.value), node.attr, None)
        return None

    def _all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return self.generic_visit(ast.Module(body, [])).body


def _in(function: Any, table: Any) -> bool:
    try:
        return function in table
    except TypeError:  # not hashable: no function
        return False


def _field(index: ast.expr) -> str | None:
    """Return the field that an index like ``["x"]`` names."""
    return index.value if isinstance(index, ast.Constant) and isinstance(index.value, str) else None


def _is_view(index: ast.expr) -> bool:
    """Tell whether an index is written with a slice, an ellipsis or a new axis."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return any(
        isinstance(part, ast.Slice) or (isinstance(part, ast.Constant) and part.value in (None, Ellipsis))
        for part in parts
    )


def complete(code: Instrumented) -> None:
    """Make sure that compiled code touches arrays in no way that makes no event.

    Raises
    ------
    UninstrumentableError
        Naming the line.
    """
    for compiled in code.compilations():
        annotation = compiled.type_annotation
        if hidden := next((kind for kind in annotation.typemap.values() if isinstance(kind, _CONTAINERS)), None):
            raise UninstrumentableError(f"it keeps a {hidden}, whose elements are no array's")
        for block in annotation.blocks.values():
            for statement in block.body:
                if why := _untold(statement, annotation.typemap):
                    raise UninstrumentableError(f"line {statement.loc.line}: {why}")


def _untold(statement: ir.Stmt, typemap: dict[str, types.Type]) -> str | None:
    """Say how a statement touches an array behind the hooks' back, or return None."""

    def has_array(var: ir.Var) -> bool:
        return any(map(_is_memory, _leaves(typemap[var.name])))

    if isinstance(statement, ir.SetItem | ir.StaticSetItem | ir.SetAttr):
        return "an assignment that cannot be watched" if has_array(statement.target) else None
    if not isinstance(statement, ir.Assign):
        return None
    if has_array(statement.target) and isinstance(statement.value, ir.Global | ir.FreeVar | ir.Const):
        return "an array that is no argument"
    if not isinstance(statement.value, ir.Expr):
        return None
    expr = statement.value
    if expr.op in ("build_tuple", "build_list", "exhaust_iter", "cast", "phi"):
        return None
    method = typemap[expr.func.name] if expr.op == "call" else None
    if isinstance(method, types.BoundFunction) and _is_memory(method.this):
        name = str(method.typing_key).rpartition(".")[2]
        return None if name in _VIEWS else f"the method {name} of an array"
    if not any(has_array(var) for var in expr.list_vars()):
        # Nobody knows the place of an array that comes from elsewhere.
        known = expr.op == "call" and (isinstance(method, types.Dispatcher) or _is_told(method))
        return "an array that is no argument" if has_array(statement.target) and not known else None
    if expr.op == "getattr":
        known = expr.attr in METADATA or not _is_scalar(typemap[statement.target.name])
        return None if known else f"the attribute {expr.attr}"
    if expr.op in ("getitem", "static_getitem"):
        whole = typemap[expr.value.name]
        index = typemap[expr.index.name] if isinstance(expr.index, ir.Var) else types.none
        view = not _is_memory(whole) or not any(isinstance(part, types.Array) for part in _leaves(index))
        return None if view and not _is_scalar(typemap[statement.target.name]) else "an index that is an array"
    if expr.op == "call":
        function = typemap[expr.func.name]
        key = getattr(function, "typing_key", None)
        if isinstance(function, types.Dispatcher) or _is_told(function):
            return None
        return f"a call of {getattr(key, '__name__', function)} on an array"
    return "arithmetic on whole arrays or another operation that touches all of one"


def _is_told(function: types.Type | None) -> bool:
    """Tell whether a function's events tell all that it touches, or whether it touches nothing."""
    key = getattr(function, "typing_key", None)
    return hooks.is_hook(key) or _in(key, _UNREAD) or _in(key, MAKERS)


def _leaves(kind: types.Type) -> Iterator[types.Type]:
    if isinstance(kind, types.BaseTuple):
        for part in kind.types:
            yield from _leaves(part)
    else:
        yield kind


def _is_memory(kind: types.Type) -> bool:
    return isinstance(kind, types.Array | types.Record)


def _is_scalar(kind: types.Type) -> bool:
    return isinstance(kind, types.Number | types.Boolean | types.CharSeq | types.UnicodeCharSeq)
