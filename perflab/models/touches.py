"""Rewrite a Python function so that whatever it reads or writes goes through a hook, and runs as before.

Watched arrays tell of their elements by themselves. What Python keeps in lists, tuples, strings, sets,
dictionaries, objects and captured variables does not; and arithmetic on numbers is Python's, also where a function
is compiled in truth. So the rewritten function asks a hook for each element, each step of a loop, each call, each
operation. What the hooks do, `perflab.models.containers` says.
"""

import ast
import copy
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any

from perflab.models.sources import Definition, UntraceableError, definition_of

PREFIX = "_perflab_"  # of names that rewriting adds
OPERATORS: dict[type[ast.AST], str] = {
    **{ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv"},
    **{ast.Mod: "mod", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or_"},
    **{ast.BitXor: "xor", ast.BitAnd: "and_", ast.MatMult: "matmul", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt"},
    **{ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne", ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert"},
    **{ast.In: "within", ast.NotIn: "without", ast.Is: "is_", ast.IsNot: "is_not"},
}


def touching(fn: FunctionType) -> CodeType:
    """Return the code of a function that calls hooks; they are global names, `PREFIX` and the name of the hook.

    Raises
    ------
    UntraceableError
        If the function has no source, or uses names of the hooks.
    """
    return _compiled(fn.__code__, definition_of(fn))


_known: dict[CodeType, CodeType] = {}


def _compiled(original: CodeType, definition: Definition) -> CodeType:
    if original not in _known:
        definition = copy.deepcopy(definition)
        for node in ast.walk(definition):
            for name in (getattr(node, field, None) for field in ("id", "arg", "name", "attr")):
                if isinstance(name, str) and name.startswith(PREFIX):
                    raise UntraceableError(f"the name {name} is taken; choose another one")
        _known[original] = _code_of(definition, original)
    return _known[original]


def _code_of(definition: Definition, original: CodeType) -> CodeType:
    made: Any = _Touches(frozenset(original.co_freevars)).outermost(definition)
    body: list[ast.stmt] = [made]
    if isinstance(made, ast.Lambda):
        body = [ast.copy_location(ast.Expr(made), made)]
    elif made.name not in original.co_freevars:
        body = [ast.Global([made.name]), made]  # where it calls itself, it calls what has its name outside
    outer = ast.FunctionDef(
        name="outer",
        args=ast.arguments([], [ast.arg(name) for name in original.co_freevars], None, [], [], None, []),
        body=body,
        decorator_list=[],
        returns=None,
        lineno=1,
        col_offset=0,
    )
    outer.type_params = []
    module = ast.fix_missing_locations(ast.Module([outer], []))
    code = compile(module, original.co_filename, "exec", dont_inherit=True)
    for _ in range(2):
        code = next(const for const in code.co_consts if isinstance(const, CodeType))
    return code


def hooks_of(hooks: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Return hooks by the names that rewritten code calls them by."""
    return {f"{PREFIX}{name}": hook for name, hook in hooks.items()}


class _Touches(ast.NodeTransformer):
    """Rewrites one function and what is inside it; `_captured` are names of variables of enclosing functions."""

    def __init__(self, own: frozenset[str]) -> None:
        self._own = own  # of the world outside: they never change
        self._captured: frozenset[str] = frozenset()
        self._around: frozenset[str] = frozenset()  # names that enclosing functions bind
        self._temporaries = 0

    def outermost(self, node: Definition) -> Definition:
        """Rewrite the function itself, whose defaults and decorators are values by now."""
        self._around = _bound_by(node)
        _strip(node.args)
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
            return node
        node.decorator_list, node.returns = [], None
        node.body = self._all(node.body)
        return node

    def _all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in body:
            made = self.visit(statement)
            found += made if isinstance(made, list) else [made]
        return found

    def _call(self, hook: str, *args: ast.expr, like: ast.AST) -> ast.expr:
        return ast.copy_location(ast.Call(ast.Name(PREFIX + hook, ast.Load()), list(args), []), like)

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"{PREFIX}{self._temporaries}"

    # Functions inside

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Know what it captures."""
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        outer = self._enter(node)
        node.body = self._all(node.body)
        self._captured, self._around = outer
        return node

    def _enter(self, node: Definition) -> tuple[frozenset[str], frozenset[str]]:
        outer, bound = (self._captured, self._around), _bound_by(node)
        self._captured = (_read_by(node) - bound) & self._around - self._own
        self._around |= bound
        return outer

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """Know what it captures."""
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        outer = self._enter(node)
        node.body = self.visit(node.body)
        self._captured, self._around = outer
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Ask for a captured variable: functions that capture are memory like another."""
        if isinstance(node.ctx, ast.Load) and node.id in self._captured:
            return self._call("captured", node, like=node)
        return node

    # Elements and fields

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Rewrite an element, read or written."""
        owner, index = self.visit(node.value), self._index(node.slice)
        if isinstance(node.ctx, ast.Load):
            return self._call("load", owner, index, like=node)
        node.value, node.slice = self._call("stored", owner, like=node), index
        return node

    def _index(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Slice):
            none = ast.copy_location(ast.Constant(None), node)
            parts = [self.visit(part) if part else none for part in (node.lower, node.upper, node.step)]
            return self._call("slice", *parts, like=node)
        if isinstance(node, ast.Tuple):
            node.elts = [self._index(part) for part in node.elts]
            return node
        return self.visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Rewrite a field, read or written."""
        owner = self.visit(node.value)
        if isinstance(node.ctx, ast.Load):
            return self._call("field", owner, ast.copy_location(ast.Constant(node.attr), node), like=node)
        node.value = self._call("stored_field", owner, like=node)
        return node

    # Loops and unpacking

    def visit_For(self, node: ast.For) -> ast.AST:
        """Each step of a loop."""
        node.iter = self._iterated(node.iter, node.target)
        node.target = self.visit(node.target)
        node.body, node.orelse = self._all(node.body), self._all(node.orelse)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Each step of a loop."""
        node.iter = self._iterated(node.iter, node.target)
        node.target = self.visit(node.target)
        node.ifs = [self.visit(test) for test in node.ifs]
        return node

    def _iterated(self, node: ast.expr, target: ast.expr) -> ast.expr:
        made = self._call("steps", self.visit(node), like=node)
        return self._call("unpacking", made, like=node) if isinstance(target, ast.Tuple | ast.List) else made

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        """Each step of what is spread out."""
        if isinstance(node.ctx, ast.Load):
            node.value = self._call("steps", self.visit(node.value), like=node)
        else:
            node.value = self.visit(node.value)
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        """Each step of a loop."""
        node.value = self._call("steps", self.visit(node.value), like=node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Read what is unpacked."""
        unpacked = any(isinstance(target, ast.Tuple | ast.List) for target in node.targets)
        node.value = self._value(node.value, unpacked)
        node.targets = [self.visit(target) for target in node.targets]
        return node

    def _value(self, node: ast.expr, unpacked: bool) -> ast.expr:
        if unpacked and isinstance(node, ast.Tuple | ast.List):
            return self.visit(node)  # nothing is made of these
        made = self.visit(node)
        return self._call("unpacked", made, like=node) if unpacked else made

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """As an assignment; an annotation alone is nothing."""
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return self.visit_Assign(ast.copy_location(ast.Assign([node.target], node.value), node))

    def visit_Match(self, node: ast.Match) -> ast.AST:
        """Read what patterns look at."""
        node.subject = self._call("whole", self.visit(node.subject), like=node.subject)
        for case in node.cases:
            case.guard = case.guard and self.visit(case.guard)
            case.body = self._all(case.body)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """Read what becomes text."""
        node.value = self._call("whole", self.visit(node.value), like=node.value)
        return node

    # Operations

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Load, compute, store; the place is found once."""
        target, before = node.target, []

        def once(part: ast.expr) -> ast.expr:
            name = self._temporary()
            before.append(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], part), node))
            return ast.copy_location(ast.Name(name, ast.Load()), node)

        if isinstance(target, ast.Name):
            old: ast.expr = self.visit_Name(ast.copy_location(ast.Name(target.id, ast.Load()), target))
            new: ast.expr = target
        elif isinstance(target, ast.Attribute):
            owner = once(self.visit(target.value))
            old = self._call("field", owner, ast.Constant(target.attr), like=target)
            new = ast.Attribute(self._call("stored_field", owner, like=target), target.attr, ast.Store())
        else:
            owner = once(self.visit(target.value))
            index = once(self._index(target.slice))
            old = self._call("load", owner, index, like=target)
            new = ast.Subscript(self._call("stored", owner, like=target), index, ast.Store())
        value = self._operated(node.op, old, self.visit(node.value), node, "i")
        return [*before, ast.copy_location(ast.Assign([new], value), node)]

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Ask for a computation."""
        return self._operated(node.op, self.visit(node.left), self.visit(node.right), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Ask for a computation, but for what is a condition or a number as it is written."""
        if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant):
            return self.generic_visit(node)
        return self._call("unary", self._operator(node.op), self.visit(node.operand), like=node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Ask for a computation; one after the other as long as they hold."""
        parts = [self.visit(part) for part in (node.left, *node.comparators)]
        if len(node.ops) == 1:
            if isinstance(node.ops[0], ast.Is | ast.IsNot):
                node.left, node.comparators = parts[0], parts[1:]
                return node
            return self._operated(node.ops[0], *parts, node)
        later = [self._later(part) for part in parts[1:]]
        operators = ast.Tuple([self._operator(op) for op in node.ops], ast.Load())
        return self._call("chain", operators, parts[0], *later, like=node)

    def _later(self, part: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Lambda(ast.arguments([], [], None, [], [], None, []), part), part)

    def _operated(self, op: ast.AST, left: ast.expr, right: ast.expr, like: ast.AST, place: str = "") -> ast.expr:
        return self._call("operated", self._operator(op, place), left, right, like=like)

    def _operator(self, op: ast.AST, place: str = "") -> ast.expr:
        return ast.Name(f"{PREFIX}{place}{OPERATORS[type(op)].rstrip('_')}", ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Ask for a call: of a rewritten function, or of one that may go over all that it gets."""
        node.func = self.visit(node.func)
        node.args = [self.visit(arg) for arg in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return node
        node.args.insert(0, node.func)
        node.func = ast.copy_location(ast.Name(f"{PREFIX}call", ast.Load()), node)
        return node


def _strip(arguments: ast.arguments) -> None:
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None


def _parts_of(node: Definition) -> list[ast.AST]:
    body = node.body if isinstance(node.body, list) else [node.body]
    return [part for statement in body for part in ast.walk(statement)]


def _bound_by(node: Definition) -> frozenset[str]:
    """Return names that a function, or one inside it, binds."""
    parts = _parts_of(node)
    outer = {name for part in parts if isinstance(part, ast.Nonlocal) for name in part.names}
    bound = {part.arg for part in (*ast.walk(node.args), *parts) if isinstance(part, ast.arg)}
    bound |= {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    bound |= {part.name for part in parts if isinstance(part, ast.FunctionDef)}
    return frozenset(bound - outer)


def _read_by(node: Definition) -> frozenset[str]:
    names = (part for part in _parts_of(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))
    return frozenset(name.id for name in names)
