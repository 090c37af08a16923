"""Turn a Numba-style function into a generator that stops at every call and at every access to a shared array.

The rewritten function computes what the original does. Where it needs something from outside itself, it yields a
request ``(number of the stop, kind, operands)`` and goes on with what is sent back, so that whoever drives it
decides when each access happens. Statements are taken apart for it, in the order in which Python evaluates them:
every yield is a statement of its own, and every loop a ``while True``. So nothing is hidden at a stop but the
local variables, and `Stop.live` names those that are still needed.
"""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from perflab.models.interleaving.liveness import live_before
from perflab.models.interleaving.meetings import RETURNED, Meetings, closure_of, is_meeting, with_meetings
from perflab.models.interleaving.running import HELPERS, OPERATORS, UnrewritableError

# What knows the types that meet in a function, and the local variable that holds them for its arguments.
MEETINGS, UNIFIED = "_meetings_", "_0_"
# Kinds of requests.
LOAD, STORE, CALL = "load", "store", "call"


@dataclass(frozen=True)
class Stop:
    """A place where a rewritten function stops.

    Attributes
    ----------
    function : str
    line : int
        In its file.
    text : str
        The line, stripped.
    live : tuple of str
        Local variables whose values are needed later.
    """

    function: str
    line: int
    text: str
    live: tuple[str, ...]


@dataclass(frozen=True)
class Rewritten:
    """A function that stops.

    Attributes
    ----------
    name : str
    start : callable
        Called like the original; returns a generator.
    stops : tuple of Stop
        By number.
    parameters : tuple of str
    lines : tuple of str
        Of the original's source.
    first : int
        Number of its first line.
    """

    name: str
    start: Callable[..., Any]
    stops: tuple[Stop, ...]
    parameters: tuple[str, ...]
    lines: tuple[str, ...]
    first: int

    def source(self, line: int) -> str:
        """Return a line of the original, stripped."""
        return self.lines[line - self.first].strip()


def rewrite(fn: FunctionType) -> Rewritten:
    """Return `fn`, a plain Python function, as one that stops.

    Raises
    ------
    UnrewritableError
        If its source is out of reach, or a statement is none that can be taken apart.
    """
    in_place = frozenset(name for name in IN_PLACE if name not in fn.__globals__)
    code, named, places, lines, first = _taken_apart(fn.__code__, fn.__name__, in_place)
    closed = {**fn.__globals__, **closure_of(fn)}
    meetings = Meetings(fn, closed, named)
    names = {**closed, **HELPERS, MEETINGS: meetings}
    exec(code, names)
    start = names[fn.__code__.co_name]
    start.__defaults__, start.__kwdefaults__ = fn.__defaults__, fn.__kwdefaults__
    variables = frozenset(start.__code__.co_varnames)
    stops = tuple(
        Stop(fn.__name__, line, lines[line - first].strip(), tuple(sorted(live & variables)))
        for line, live in places
    )
    return Rewritten(fn.__name__, start, stops, tuple(inspect.signature(fn).parameters), lines, first)


@lru_cache(maxsize=512)
def _taken_apart(
    original: CodeType, name: str, in_place: frozenset[str]
) -> tuple[CodeType, CodeType, tuple[tuple[int, frozenset[str]], ...], tuple[str, ...], int]:
    """Return code that defines the rewritten function, and the original with names where values meet.

    After them line and live variables of each stop, and the source.
    """
    try:
        lines, first = inspect.getsourcelines(original)
    except (OSError, TypeError) as error:
        raise UnrewritableError(
            f"{name}: its source cannot be read ({error}); define it in a file or in a cell of a notebook"
        ) from error
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError as error:
        raise UnrewritableError(f"{name}: write it as a def of its own, not inside other code") from error
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise UnrewritableError(f"{name}: write it as a def, not as {type(definition).__name__.lower()}")
    ast.increment_lineno(definition, first - 1)
    for node in ast.walk(definition):
        taken = getattr(node, "id", getattr(node, "arg", None))
        if isinstance(taken, str) and (taken in HELPERS or taken == MEETINGS or taken.strip("_").isdecimal()):
            raise UnrewritableError(f"{name}: the explorer needs the name {taken} for itself; choose another one")
    parameters = _parameters(definition.args)
    definition.body = with_meetings(definition.body, parameters)
    named_too = copy.deepcopy(definition)
    rewriting = _Rewriting(name, in_place, lines, first)
    body = rewriting.block(definition.body)
    body.insert(0, ast.Assign([_store(UNIFIED)], _meetings_of(parameters)))
    live: dict[int, frozenset[str]] = {}
    live_before(body, frozenset(), frozenset(), frozenset(), live)
    # A function without any stop is a generator all the same.
    never = ast.If(ast.Constant(False), [ast.Expr(ast.Yield(None))], [])
    code = _defining(_bare(definition, [never, *body]), name)
    named = _defining(_bare(named_too, named_too.body), name)
    places = tuple((line, live[number]) for number, line in enumerate(rewriting.lines))
    return code, named, places, tuple(lines), first


def _defining(definition: ast.FunctionDef, name: str) -> CodeType:
    module = ast.fix_missing_locations(ast.Module([definition], []))
    return compile(module, f"<{name} for the explorer>", "exec")


def _parameters(arguments: ast.arguments) -> list[str]:
    return [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _meetings_of(parameters: list[str]) -> ast.expr:
    """Return the call that says, once the arguments are known, which types meet."""
    return _call(MEETINGS, ast.Tuple([_load(name) for name in parameters], ast.Load()))


def _bare(definition: ast.FunctionDef, body: list[ast.stmt]) -> ast.FunctionDef:
    """Return a definition with another body, without decorators, annotations, and with defaults to be replaced."""
    arguments = definition.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]
    definition.decorator_list, definition.returns, definition.body = [], None, body
    return definition


# Called in place: they touch no shared memory and no other thread can tell when they run.
IN_PLACE = (
    *("range", "len", "abs", "min", "max", "int", "float", "bool", "divmod", "round", "pow", "enumerate", "zip"),
)

_ADVICE = {
    ast.With: "a with statement; take and give back what it holds by calls",
    ast.Try: "a try statement; return a flag in place of raising",
    ast.Lambda: "a lambda; write a def outside and call it",
    ast.FunctionDef: "a def inside the function; move it outside",
    ast.ListComp: "a list comprehension; write the loop",
    ast.SetComp: "a set comprehension; write the loop",
    ast.DictComp: "a dict comprehension; write the loop",
    ast.GeneratorExp: "a generator expression; write the loop",
    ast.NamedExpr: "an assignment inside an expression; give it a line of its own",
    ast.Yield: "a yield; threads are plain functions",
    ast.YieldFrom: "a yield; threads are plain functions",
    ast.Global: "a global statement; Numba cannot assign to globals",
    ast.Delete: "a del statement; leave it out",
    ast.Match: "a match statement; write if and elif",
}


class _Rewriting:
    """Takes one function apart; `lines` are those of its stops."""

    def __init__(self, name: str, in_place: frozenset[str], source: list[str], first: int) -> None:
        self._name, self._in_place, self._source, self._first = name, in_place, source, first
        self.lines: list[int] = []
        self._names = 0
        self._out: list[ast.stmt] = []

    # Statements

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements in place of these."""
        outer, self._out = self._out, []
        for statement in statements:
            method = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if method is None or not isinstance(statement, ast.stmt):
                raise self._refused(statement)
            method(statement)
        made, self._out = self._out, outer
        return made or [ast.Pass()]

    def _refused(self, node: ast.AST) -> UnrewritableError:
        what = _ADVICE.get(type(node), f"{type(node).__name__.lower()}; write it with if, while, for and calls")
        line = getattr(node, "lineno", self._first)
        text = self._source[line - self._first].strip() if 0 <= line - self._first < len(self._source) else ""
        return UnrewritableError(f"{self._name}, line {line} ({text}): the explorer cannot take apart {what}")

    def _emit(self, statement: ast.stmt, like: ast.AST) -> None:
        for node in ast.walk(statement):
            if "lineno" in node._attributes and not hasattr(node, "lineno"):
                ast.copy_location(node, like)
        self._out.append(statement)

    def _pass(self, node: ast.Pass) -> None:
        self._emit(node, node)

    _break = _continue = _pass

    def _expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            value = self._value(node.value)
            if not isinstance(value, ast.Name | ast.Constant):
                self._emit(ast.Expr(value), node)

    def _return(self, node: ast.Return) -> None:
        value = node.value and self._value(node.value)
        self._emit(ast.Return(value and self._unified(RETURNED, value)), node)

    def _assert(self, node: ast.Assert) -> None:
        self._emit(ast.Assert(self._value(node.test), node.msg), node)

    def _raise(self, node: ast.Raise) -> None:
        self._emit(ast.Raise(node.exc, node.cause), node)

    def _assign(self, node: ast.Assign) -> None:
        if _meets(node):
            self._meet(node)
            return
        value = self._value(node.value)
        if len(node.targets) > 1:
            value = self._named(value, node)
        for target in node.targets:
            self._set(target, value)

    def _meet(self, node: ast.Assign) -> None:
        """Give a variable the type that it has from here on; there may be no value yet."""
        place, variable = node.targets[0].id, node.value.id
        unified = ast.Assign([_store(variable)], self._unified(place, node.value))
        unbound = ast.ExceptHandler(_load("UnboundLocalError"), None, [ast.Pass()])
        self._emit(ast.Try([unified], [unbound], [], []), node)

    def _unified(self, place: str, value: ast.expr) -> ast.expr:
        return _call("_unified_", _load(UNIFIED), ast.Constant(place), value)

    def _annassign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._set(node.target, self._value(node.value))

    def _augassign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            made = self._computed(_load(node.target.id), node.op, self._value(node.value), node, "i")
            self._emit(ast.Assign([node.target], made), node)
            return
        if not isinstance(node.target, ast.Subscript):
            raise self._refused(node.target)
        array = self._named(self._value(node.target.value), node)
        index = self._named(self._value(node.target.slice), node)
        before = self._item(array, index, node)
        after = self._named(self._computed(before, node.op, self._value(node.value), node), node)
        self._put(array, index, after, node)

    def _set(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._emit(ast.Assign([target], value), target)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = [self._new() for _ in target.elts]
            self._emit(ast.Assign([ast.Tuple([_store(part) for part in parts], ast.Store())], value), target)
            for element, part in zip(target.elts, parts, strict=True):
                self._set(element, _load(part))
        elif isinstance(target, ast.Subscript):
            value = self._named(value, target)
            array = self._named(self._value(target.value), target)
            self._put(array, self._named(self._value(target.slice), target), value, target)
        else:
            raise self._refused(target)

    def _if(self, node: ast.If) -> None:
        test = self._value(node.test)
        self._emit(ast.If(test, self.block(node.body), self.block(node.orelse) if node.orelse else []), node)

    def _while(self, node: ast.While) -> None:
        if node.orelse:
            raise self._refused(node.orelse[0])
        outer, self._out = self._out, []
        self._emit(ast.Expr(_call("_turn_")), node)
        body = self._met(node.body)
        test = self._value(node.test)
        if not (isinstance(test, ast.Constant) and test.value):
            self._emit(ast.If(ast.UnaryOp(ast.Not(), test), [ast.Break()], []), node)
        head, self._out = self._out, outer
        self._emit(ast.While(ast.Constant(True), [*head, *self.block(body)], []), node)

    def _for(self, node: ast.For) -> None:
        if node.orelse:
            raise self._refused(node.orelse[0])
        values = self._named(_call("_sequence_", self._value(node.iter)), node)
        position = _load(self._new())
        self._emit(ast.Assign([_store(position.id)], ast.Constant(0)), node)
        outer, self._out = self._out, []
        self._emit(ast.Expr(_call("_turn_")), node)
        body = self._met(node.body)
        ended = ast.Compare(position, [ast.GtE()], [_call("len", values)])
        self._emit(ast.If(ended, [ast.Break()], []), node)
        self._set(node.target, self._item(values, position, node))
        self._emit(ast.AugAssign(_store(position.id), ast.Add(), ast.Constant(1)), node)
        head, self._out = self._out, outer
        self._emit(ast.While(ast.Constant(True), [*head, *self.block(body)], []), node)

    def _met(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Let variables meet at the top of a loop; return what follows in its body."""
        for number, node in enumerate(body):
            if not _meets(node):
                return body[number:]
            self._meet(node)
        return []

    # Expressions: what stops moves in front of the statement

    def _value(self, node: ast.expr) -> ast.expr:
        """Return an expression without stops in the place of `node`."""
        if _is_done(node):
            return node
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value >= 1 << 63:
            return _call("_standing_", node)  # a uint64
        if isinstance(node, ast.Constant | ast.Name | ast.JoinedStr):
            return node
        if isinstance(node, ast.Attribute):
            return ast.copy_location(ast.Attribute(self._value(node.value), node.attr, ast.Load()), node)
        if isinstance(node, ast.Subscript):
            array = self._value(node.value)
            return self._item(array, self._value(node.slice), node)
        if isinstance(node, ast.Slice):
            parts = (part and self._value(part) for part in (node.lower, node.upper, node.step))
            return ast.Slice(*parts)
        if isinstance(node, ast.BinOp):
            left = self._value(node.left)
            return self._computed(left, node.op, self._value(node.right), node)
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant):
                return ast.copy_location(ast.UnaryOp(node.op, self._value(node.operand)), node)
            return _call("_negated_", _operator(node.op), self._value(node.operand))
        if isinstance(node, ast.Tuple | ast.List):
            return type(node)([self._value(element) for element in node.elts], ast.Load())
        if isinstance(node, ast.Starred):
            return ast.Starred(self._value(node.value), ast.Load())
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.NamedExpr) and is_meeting(node.target.id):
            return self._unified(node.target.id, self._value(node.value))
        if isinstance(node, ast.BoolOp):
            return self._either(node, node.values)
        if isinstance(node, ast.IfExp):
            return self._choice(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        raise self._refused(node)

    def _computed(
        self, left: ast.expr, operator: ast.operator, right: ast.expr, node: ast.AST, place: str = ""
    ) -> ast.expr:
        return ast.copy_location(_call("_computed_", _operator(operator, place), left, right), node)

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, node: ast.AST) -> ast.expr:
        if type(operator) not in OPERATORS:
            return ast.copy_location(ast.Compare(left, [operator], [right]), node)
        return ast.copy_location(_call("_computed_", _operator(operator), left, right), node)

    def _compare(self, node: ast.Compare) -> ast.expr:
        left = self._value(node.left)
        if len(node.ops) == 1:
            return self._compared(left, node.ops[0], self._value(node.comparators[0]), node)
        # a < b < c is a < b and b < c, with b evaluated once.
        middle = self._named(self._value(node.comparators[0]), node)
        first = self._compared(left, node.ops[0], middle, node)
        rest = ast.copy_location(ast.Compare(middle, node.ops[1:], node.comparators[1:]), node)
        return self._either(ast.copy_location(ast.BoolOp(ast.And(), []), node), [first, rest])

    def _either(self, node: ast.BoolOp, values: list[ast.expr]) -> ast.expr:
        """Take `a and b` and `a or b` apart where b stops: it may not be evaluated."""
        first = self._value(values[0])
        if len(values) == 1:
            return first
        outer, self._out = self._out, []
        rest = self._either(node, values[1:])
        between, self._out = self._out, outer
        if not between:
            return ast.copy_location(ast.BoolOp(node.op, [first, rest]), node)
        result = _load(self._new())  # also of a constant, since it is assigned to once more
        self._emit(ast.Assign([_store(result.id)], first), node)
        test = result if isinstance(node.op, ast.And) else ast.UnaryOp(ast.Not(), result)
        self._emit(ast.If(test, [*between, ast.Assign([_store(result.id)], rest)], []), node)
        return result

    def _choice(self, node: ast.IfExp) -> ast.expr:
        test = self._value(node.test)
        result = self._new()
        outer = self._out
        branches = []
        for part in (node.body, node.orelse):
            self._out = []
            self._emit(ast.Assign([_store(result)], self._value(part)), node)
            branches.append(self._out)
        self._out = outer
        self._emit(ast.If(test, *branches), node)
        return _load(result)

    def _called(self, node: ast.Call) -> ast.expr:
        if any(keyword.arg is None for keyword in node.keywords):
            raise self._refused(node)
        callee = self._value(node.func)
        args = [self._value(arg) for arg in node.args]
        keywords = [(keyword.arg, self._value(keyword.value)) for keyword in node.keywords]
        if isinstance(callee, ast.Name) and callee.id in self._in_place and not keywords:
            if callee.id == "range":
                return ast.copy_location(_call("_counted_", *args), node)
            if callee.id in ("len", "enumerate", "zip"):
                return ast.copy_location(ast.Call(callee, args, []), node)
            return ast.copy_location(_call("_called_", callee, ast.Tuple(args, ast.Load())), node)
        named = ast.Dict([ast.Constant(name) for name, _ in keywords], [value for _, value in keywords])
        return self._stop(node, CALL, callee, ast.Tuple(args, ast.Load()), named)

    # Stops

    def _item(self, array: ast.expr, index: ast.expr, node: ast.AST) -> ast.expr:
        """Read an element: a stop if it is one of a shared array."""
        result = self._named(_call("_item_", array, index), node)
        outer, self._out = self._out, []
        loaded = self._stop(node, LOAD, result)
        self._emit(ast.Assign([_store(result.id)], loaded), node)
        between, self._out = self._out, outer
        self._emit(ast.If(_is_cell(result), between, []), node)
        return result

    def _put(self, array: ast.expr, index: ast.expr, value: ast.expr, node: ast.AST) -> None:
        """Write an element: a stop if it is one of a shared array."""
        cell = self._named(_call("_place_", array, index), node)
        outer, self._out = self._out, []
        self._stop(node, STORE, cell, value)
        between, self._out = self._out, outer
        own = ast.Expr(_call("_put_", array, index, value))
        self._emit(ast.If(_is_cell(cell), between, [own]), node)

    def _stop(self, node: ast.AST, kind: str, *operands: ast.expr) -> ast.Name:
        number = len(self.lines)
        self.lines.append(node.lineno)
        request = ast.Tuple([ast.Constant(number), ast.Constant(kind), *operands], ast.Load())
        return self._named(ast.Yield(request), node)

    def _new(self) -> str:
        self._names += 1
        return f"_{self._names}_"

    def _named(self, value: ast.expr, node: ast.AST) -> ast.Name | ast.Constant:
        """Give a value a name, so that it is evaluated here and once."""
        if isinstance(value, ast.Constant):
            return value
        name = self._new()
        self._emit(ast.Assign([_store(name)], value), node)
        return _load(name)


def _meets(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return False
    return is_meeting(node.targets[0].id)


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_load(name), list(args), [])


def _operator(operator: ast.AST, place: str = "") -> ast.Name:
    return _load(f"_{place}{OPERATORS[type(operator)]}_")


def _is_done(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in HELPERS


def _is_cell(value: ast.expr) -> ast.Compare:
    return ast.Compare(ast.Attribute(value, "__class__", ast.Load()), [ast.Is()], [_load("_Cell_")])
