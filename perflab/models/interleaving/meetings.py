"""Where two values meet in one variable, and the type that compiled code gives to both.

Numba gives a variable one type behind an `if` and in a loop, whichever way it came there: of an int64 and a uint64
it makes a float64. So do the values of ``x if c else y``, of ``a and b``, and of all returns of a function. Each
such place gets a name of its own, and Numba itself infers the type of that name.
"""

import ast
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable
from types import CellType, CodeType, FunctionType
from typing import Any

import numba
from numba.core import types
from numba.core.compiler import CompilerBase, DefaultPassBuilder, Flags
from numba.core.compiler_machinery import AnalysisPass, PassManager, register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.core.typed_passes import NopythonTypeInference
from numba.np.numpy_support import as_dtype, from_dtype

from perflab.models import arithmetic
from perflab.models.interleaving.liveness import names_in
from perflab.models.interleaving.memory import Shared

RETURNED = "returned"
Unifying = Callable[[str, Any], Any]


def is_meeting(name: str) -> bool:
    """Tell whether a name is that of a place where values meet."""
    return name.strip("_").isdecimal()


def with_meetings(body: list[ast.stmt], parameters: Iterable[str]) -> list[ast.stmt]:
    """Return a function's body with ``_3_ = x`` where values meet in x, and ``(_4_ := x if c else y)``.

    Those of a loop stand at the beginning of its body, before the test is made again.
    """
    needed: dict[ast.AST, frozenset[str]] = {}  # behind a statement
    tops: dict[ast.AST, frozenset[str]] = {}
    _live_before(body, frozenset(), frozenset(), frozenset(), needed, tops)
    return _Meetings(needed, tops, set(parameters)).block(body)


def _live_before(
    body: list[ast.stmt],
    after: frozenset[str],
    at_break: frozenset[str],
    at_continue: frozenset[str],
    needed: dict[ast.AST, frozenset[str]],
    tops: dict[ast.AST, frozenset[str]],
) -> frozenset[str]:
    """Return the variables that are live before a body; note those behind each statement, and at a loop's top."""
    live = after
    for node in reversed(body):
        if isinstance(node, ast.If):
            needed[node] = live
            branches = (
                _live_before(part, live, at_break, at_continue, needed, tops) for part in (node.body, node.orelse)
            )
            live = frozenset(names_in(node.test, ast.Load)).union(*branches)
        elif isinstance(node, ast.While | ast.For):
            is_for = isinstance(node, ast.For)
            end = frozenset() if not is_for and _is_true(node.test) else live
            end |= frozenset() if is_for else frozenset(names_in(node.test, ast.Load))
            top: frozenset[str] = frozenset()
            while True:
                inner = _live_before(node.body, top, live, top, needed, tops)
                more = end | (inner - frozenset(names_in(node.target, ast.Store)) if is_for else inner)
                if more == top:
                    break
                top = more
            needed[node], tops[node] = live, top
            live = top | (frozenset(names_in(node.iter, ast.Load)) if is_for else frozenset())
        elif isinstance(node, ast.Break):
            live = at_break
        elif isinstance(node, ast.Continue):
            live = at_continue
        elif isinstance(node, ast.Return | ast.Raise):
            live = frozenset(names_in(node, ast.Load))
        else:
            live = live - frozenset(names_in(node, ast.Store)) | frozenset(names_in(node, ast.Load))
            if isinstance(node, ast.AugAssign):
                live |= frozenset(names_in(node.target, ast.Store))
    return live


def _is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


class _Meetings(ast.NodeTransformer):
    """Names the places; `bound` are names of variables that something further up is assigned to."""

    def __init__(
        self, needed: dict[ast.AST, frozenset[str]], tops: dict[ast.AST, frozenset[str]], bound: set[str]
    ) -> None:
        self._needed, self._tops, self._bound = needed, tops, bound
        self._numbers = itertools.count(1)

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements in place of these."""
        found: list[ast.stmt] = []
        for node in body:
            if not isinstance(node, ast.If | ast.While | ast.For):
                found.append(self.visit(node))
                self._bound |= set(names_in(node, ast.Store))
                continue
            assigned = set(names_in(node, ast.Store))
            # Nothing meets at the top of a loop in what is first assigned in it.
            before = self._all(assigned & self._bound & self._tops.get(node, frozenset()), node)
            if isinstance(node, ast.For):
                node.iter = self.visit(node.iter)
            else:
                node.test = self._truth(node.test)
            node.body, node.orelse = [*before, *self.block(node.body)], self.block(node.orelse)
            self._bound |= assigned
            found += [node, *self._all(assigned & self._needed[node], node)]
        return found

    def _all(self, names: set[str], like: ast.AST) -> list[ast.stmt]:
        return [
            ast.copy_location(ast.Assign([self._place()], ast.Name(name, ast.Load())), like)
            for name in sorted(names)
        ]

    def _place(self) -> ast.Name:
        return ast.Name(f"_{next(self._numbers)}_", ast.Store())

    def _truth(self, test: ast.expr) -> ast.expr:
        """Go on inside a condition, of whose value only the truth matters."""
        if isinstance(test, ast.BoolOp):
            test.values = [self._truth(value) for value in test.values]
            return test
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test.operand = self._truth(test.operand)
            return test
        return self.visit(test)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Of what is negated only the truth matters."""
        return self._truth(node) if isinstance(node.op, ast.Not) else self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Give the value a name."""
        made = ast.copy_location(ast.NamedExpr(self._place(), node), node)
        self.generic_visit(node)
        return made

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Give the value a name."""
        node.test = self._truth(node.test)
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return ast.copy_location(ast.NamedExpr(self._place(), node), node)


# What Numba makes of them


class Meetings:
    """The places of one function where values meet, and the types that they have for arguments of some types.

    Parameters
    ----------
    fn : function
    names : dict
        The values of its global variables and of those of enclosing functions.
    definition : code object
        Defines the function with its places named, see `with_meetings`.
    """

    def __init__(self, fn: FunctionType, names: dict[str, Any], definition: CodeType) -> None:
        self._name, self._names, self._definition = fn.__code__.co_name, names, definition
        # What it may compute with; it may be another thing when the function is explored again.
        self._reached = tuple((name, id(names[name])) for name in fn.__code__.co_names if name in names)
        self._reached += tuple((name, id(names[name])) for name in fn.__code__.co_freevars)

    def __call__(self, args: tuple[Any, ...]) -> Unifying:
        """Return ``unified(place, value)`` for a call with these arguments.

        Where Numba cannot compile the function, so that no type is right, values stay as they are.
        """
        try:
            key = self._definition, self._reached, tuple(map(_type_of, args))
        except (ValueError, NumbaError):
            return _as_it_is
        if key not in _known:
            while len(_known) >= KEPT:
                del _known[next(iter(_known))]
            names = dict(self._names)
            exec(self._definition, names)
            found = _inferred(_typed(names[self._name], {}).py_func, key[-1])
            _known[key] = _unifying(found), self._names
        return _known[key][0]


# Inference takes longer than most explorations. The names keep the ids in a key honest.
KEPT = 512
_known: dict[tuple[Any, ...], tuple[Unifying, dict[str, Any]]] = {}


def _as_it_is(_: str, value: Any) -> Any:
    return value


def _unifying(found: dict[str, types.Type]) -> Unifying:
    places = {place: (_class_of(kind), kind) for place, kind in found.items()}

    def unified(place: str, value: Any) -> Any:
        if place not in places:
            return value
        already, kind = places[place]
        return value if value.__class__ is already else _cast(value, kind)

    return unified if found else _as_it_is


def _class_of(kind: types.Type) -> type | None:
    """Return the class of what stands for numbers of a type."""
    kind = types.unliteral(kind)
    if isinstance(kind, types.Number | types.Boolean):
        return arithmetic.typed(0, as_dtype(kind)).__class__
    return None


def _cast(value: Any, kind: types.Type) -> Any:
    kind = types.unliteral(kind)
    if isinstance(kind, types.Optional):
        return None if value is None else _cast(value, kind.type)
    if isinstance(value, tuple) and isinstance(kind, types.BaseTuple) and len(kind) == len(value):
        parts = map(_cast, value, kind)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    if isinstance(kind, types.Number | types.Boolean) and arithmetic.is_number(value):
        return arithmetic.typed(value, as_dtype(kind))
    return value


def _type_of(value: Any) -> types.Type:
    if isinstance(value, Shared):
        return types.Array(from_dtype(value.dtype), value.ndim, "C")
    if isinstance(value, tuple):
        parts = tuple(map(_type_of, value))
        if hasattr(value, "_make"):
            return types.BaseTuple.from_types(parts, type(value))
        return types.BaseTuple.from_types(parts)
    if isinstance(value, FunctionType) and is_own(value):
        return numba.typeof(_typed(value, {}))
    return numba.typeof(value)


def is_own(fn: Any) -> bool:
    """Tell whether a plain function is the program's own rather than a library's."""
    if not isinstance(fn, FunctionType):
        return False
    root = (fn.__module__ or "").partition(".")[0]
    return root not in ("numpy", "numba", "perflab") and root not in sys.stdlib_module_names


def _typed(fn: FunctionType, known: dict[FunctionType, Dispatcher]) -> Dispatcher:
    """Return a function as Numba can infer its types: all that are the program's own are compiled ones."""
    if fn not in known:
        names = fn.__globals__ | closure_of(fn)
        cells = tuple(CellType(names[name]) for name in fn.__code__.co_freevars) or None
        made = FunctionType(fn.__code__, names, fn.__name__, fn.__defaults__, cells)
        made.__kwdefaults__ = fn.__kwdefaults__
        known[fn] = numba.njit(made)
        for name in fn.__code__.co_names:
            if is_own(names.get(name)):
                names[name] = _typed(names[name], known)
        for name, cell in zip(fn.__code__.co_freevars, cells or (), strict=True):
            if is_own(names[name]):
                cell.cell_contents = _typed(names[name], known)
    return known[fn]


def closure_of(fn: FunctionType) -> dict[str, Any]:
    """Return the variables of enclosing functions, as they are now: Numba freezes them too."""
    cells = zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


class _Inference(CompilerBase):
    """Numba's compiler, as far as types."""

    def define_pipelines(self) -> list[PassManager]:
        passes = PassManager("types of meetings")
        passes.passes.extend(DefaultPassBuilder.define_untyped_pipeline(self.state).passes)
        passes.add_pass(NopythonTypeInference, "types")
        passes.add_pass(_Done, "done")
        passes.finalize()
        return [passes]


@register_pass(mutates_CFG=False, analysis_only=True)
class _Done(AnalysisPass):
    _name = "types_of_meetings"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.cr = {**state.typemap, RETURNED: state.return_type}
        return True


def _inferred(fn: FunctionType, kinds: tuple[types.Type, ...]) -> dict[str, types.Type]:
    """Return the types of the places in a function, by name; nothing if Numba cannot compile it."""
    typing, target = cpu_target.typing_context, cpu_target.target_context
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inference = _Inference(typing, target, None, kinds, None, Flags(), {})
            found = inference.compile_extra(fn)
    except (NumbaError, NotImplementedError, TypeError, ValueError, KeyError, AttributeError):
        return {}
    return {name.partition(".")[0]: kind for name, kind in found.items() if name == RETURNED or is_meeting(name)}
