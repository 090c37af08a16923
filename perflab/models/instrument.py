"""Rewrite a Numba-style function so that it writes what it does to the tape.

`instrument` takes the source of a function and of every function that it calls, lets *parts* rewrite the syntax
trees, and compiles the result with Numba. The function itself stays as it is.

A part is a subclass of `Part`: an `ast.NodeTransformer` that replaces a piece of code by a call of one of its
`hooks`, functions that compiled code can call and that `perflab.models.tape.emit` an event. `Part.site` notes
where the piece stands in the source and returns its number, which goes into the event's code. A part that watches
branches, say, turns ``if test:`` into ``if branch(site, test):``, and needs nothing else:

    class Branches(Part):
        hooks = {"branch": branch}

        def visit_If(self, node):
            self.generic_visit(node)
            node.test = self.call("branch", self.site("branch", node.test), node.test)
            return node

    code = instrument(fn, (Branches,))
    with tape.recording(consumer):
        code.call(args)
"""

import ast
import inspect
import sys
import textwrap
import types
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from numba import njit, typeof
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from perflab.models.touches import PREFIX


class UninstrumentableError(TypeError):
    """A function that cannot be rewritten or compiled; the text says why, and at which line."""


@dataclass(frozen=True)
class Site:
    """A place in the source where something happens.

    Attributes
    ----------
    kind : str
        What happens there, in the words of the part: "load", "store", "branch".
    function : str
    line : int
        In the file, or in the cell of a notebook.
    text : str
        The expression.
    """

    kind: str
    function: str
    line: int
    text: str


class Part(ast.NodeTransformer):
    """Rewrites one function for one kind of event.

    Attributes
    ----------
    hooks : dict
        Functions that rewritten code calls, by name. Numba takes a site for a literal: a hook that asks for
        literals (``prefer_literal``) is compiled for each site anew.
    reach : callable
        ``reach(name)`` returns what a global name of the function stands for; KeyError if there is none.
    outermost : bool
        Whether it is the function that is called first.
    interpreted : dict or None
        The hooks for a plain function, which stays plain and computes as Python does. Without them it is compiled.
    """

    hooks: dict[str, Callable[..., Any]] = {}  # noqa: RUF012
    interpreted: dict[str, Callable[..., Any]] | None = None

    def __init__(
        self, function: str, first: int, sites: list[Site], reach: Callable[[str], Any], outermost: bool
    ) -> None:
        self._function, self._first, self._sites = function, first, sites
        self.reach, self.outermost = reach, outermost
        self._temporaries = 0
        self.is_interpreted = False

    def site(self, kind: str, node: ast.AST) -> ast.Constant:
        """Note a site; return its number as a constant of the syntax tree."""
        text = " ".join(ast.unparse(node).split())
        self._sites.append(Site(kind, self._function, self.line(node), text))
        return ast.Constant(len(self._sites) - 1)

    def line(self, node: ast.AST) -> int:
        """Return the line of a node in its file."""
        return self._first + node.lineno - 1

    def call(self, hook: str, *args: ast.expr, keywords: list[ast.keyword] | None = None) -> ast.Call:
        """Return a call of a hook."""
        return ast.Call(ast.Name(PREFIX + hook, ast.Load()), list(args), keywords or [])

    def temporary(self) -> str:
        """Return the name of a new local variable."""
        self._temporaries += 1
        return f"{PREFIX}{type(self).__name__.lower()}_{self._temporaries}"

    def refuse(self, node: ast.AST, why: str) -> UninstrumentableError:
        """Return the error to raise for a piece of code that this part cannot watch."""
        return UninstrumentableError(f"line {self.line(node)}, `{ast.unparse(node)}`: {why}")


@dataclass
class Instrumented:
    """A function that writes events, and what its sites are.

    Attributes
    ----------
    dispatcher : Dispatcher or function
        The compiled function; or the plain one, if that is what was given, and all parts have hooks for it.
    sites : list of Site
        By number.
    """

    dispatcher: Callable[..., Any]
    sites: list[Site]
    _functions: list[Callable[..., Any]] = field(repr=False)
    _reached: list[tuple[dict[str, Any], str, Any]] = field(repr=False)

    def compile(self, args: tuple[Any, ...]) -> None:
        """Compile for arguments like these, without a call.

        Raises
        ------
        UninstrumentableError
            If Numba does not compile it.
        """
        if not isinstance(self.dispatcher, Dispatcher):
            return
        try:
            self.dispatcher.compile(tuple(typeof(arg) for arg in args))
        except (NumbaError, ValueError, TypeError, NotImplementedError) as error:
            raise UninstrumentableError(f"Numba does not compile it: {_first_line(error)}") from error

    def compilations(self) -> Iterator[Any]:
        """Return the results of all compilations so far, of the function and of those that it calls."""
        for function in self._functions:
            yield from list(getattr(function, "overloads", {}).values())

    def arguments(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return arguments with the defaults of those that are missing."""
        try:
            bound = inspect.signature(self.dispatcher).bind(*args)
        except TypeError as error:
            raise UninstrumentableError(str(error)) from error
        bound.apply_defaults()
        return bound.args

    def call(self, args: tuple[Any, ...]) -> Any:
        """Call it, within `perflab.models.tape.recording`."""
        return self.dispatcher(*args)

    def fresh(self) -> bool:
        """Tell whether the names that the source uses still stand for what they stood for."""
        return all(names.get(name) is value for names, name, value in self._reached)


_known: "weakref.WeakKeyDictionary[Callable[..., Any], dict[Any, Instrumented]]" = weakref.WeakKeyDictionary()


def instrument(fn: Callable[..., Any], parts: tuple[type[Part], ...]) -> Instrumented:
    """Return a function that does what `fn` does and writes events to the tape.

    Parameters
    ----------
    fn : callable
        A Numba function or a plain one within Numba's part of Python. The functions that it calls are instrumented
        too, unless they are NumPy's, Numba's or the standard library's.
    parts : tuple of subclasses of Part
        Applied in this order.

    Raises
    ------
    UninstrumentableError
        If there is no source, or a part refuses a line.
    """
    plain = fn.py_func if isinstance(fn, Dispatcher) else fn
    if not isinstance(plain, types.FunctionType):
        raise UninstrumentableError(f"it is a {type(fn).__name__}, which has no Python source")
    known = _known.setdefault(plain, {})
    if parts not in known or not known[parts].fresh():
        known[parts] = _Instrumenter(parts).whole(fn)
    return known[parts]


class _Instrumenter:
    """Rewrites a function and those that it calls."""

    def __init__(self, parts: tuple[type[Part], ...]) -> None:
        self._parts = parts
        self._sites: list[Site] = []
        self._functions: dict[tuple[Callable[..., Any], bool], Callable[..., Any]] = {}
        self._reached: list[tuple[dict[str, Any], str, Any]] = []

    def whole(self, fn: Callable[..., Any]) -> Instrumented:
        outermost = self.function(fn)
        return Instrumented(outermost, self._sites, list(self._functions.values()), self._reached)

    def function(self, fn: Any, inside: bool = False) -> Callable[..., Any]:
        """Rewrite a function; `inside` tells whether compiled code calls it."""
        plain = fn.py_func if isinstance(fn, Dispatcher) else fn
        interpreted = not isinstance(fn, Dispatcher) and not inside
        interpreted = interpreted and all(kind.interpreted is not None for kind in self._parts)
        if (plain, interpreted) in self._functions:
            return self._functions[plain, interpreted]
        tree, first = parsed(plain)
        outer = inspect.getclosurevars(plain).nonlocals
        names: dict[str, Any] = {"__name__": plain.__module__, "__builtins__": __builtins__}

        def reach(name: str) -> Any:
            return outer[name] if name in outer else plain.__globals__[name]

        for kind in self._parts:
            part = kind(plain.__name__, first, self._sites, reach, not self._functions)
            part.is_interpreted = interpreted
            tree = part.visit(tree)
            hooks = part.interpreted if interpreted else part.hooks
            names |= {PREFIX + name: hook for name, hook in (hooks or {}).items()}
        module = ast.fix_missing_locations(ast.Module([tree], []))
        ast.increment_lineno(module, first - 1)
        exec(compile(module, plain.__code__.co_filename, "exec"), names)
        rewritten = names[plain.__name__]
        rewritten.__defaults__, rewritten.__kwdefaults__ = plain.__defaults__, plain.__kwdefaults__
        options = {}
        if isinstance(fn, Dispatcher):
            options = {k: v for k, v in fn.targetoptions.items() if k in ("fastmath", "error_model")}
        if not interpreted:
            rewritten = njit(**options)(rewritten)
        self._functions[plain, interpreted] = names[plain.__name__] = (
            rewritten  # before its names: it may call itself
        )
        for name in _names(plain.__code__):
            if name == plain.__name__ and name in plain.__globals__ and _is(plain.__globals__[name], plain):
                continue
            space = outer if name in outer else plain.__globals__
            if name in space:
                self._reached.append((space, name, space[name]))
                names[name] = self.reached(space[name], not interpreted)
        return rewritten

    def reached(self, value: Any, inside: bool) -> Any:
        """Return what rewritten code finds in place of a value."""
        if isinstance(value, Dispatcher):
            return self.function(value, inside)
        if isinstance(value, types.FunctionType) and not _is_library(value.__module__):
            return self.function(value, inside)
        return value


def _is(value: Any, plain: types.FunctionType) -> bool:
    return (value.py_func if isinstance(value, Dispatcher) else value) is plain


def _is_library(module: str | None) -> bool:
    home = (module or "").partition(".")[0]
    return home in ("numpy", "numba", "perflab") or (home != "__main__" and home in sys.stdlib_module_names)


def parsed(fn: types.FunctionType) -> tuple[ast.FunctionDef, int]:
    """Return the definition of a function without decorators and annotations, and the line where it begins."""
    try:
        lines, first = inspect.getsourcelines(fn)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError) as error:
        raise UninstrumentableError(f"there is no source of {fn.__name__} to read ({error})") from error
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise UninstrumentableError(f"line {first}: {fn.__name__} is no function of a def statement")
    for node in ast.walk(definition):
        name = getattr(node, "id", getattr(node, "arg", None))
        if isinstance(name, str) and name.startswith(PREFIX):
            raise UninstrumentableError(f"line {first}: the name {name} is taken; choose another one")
    definition.decorator_list, definition.returns = [], None
    # Defaults are values by now, which the rewritten function takes over.
    definition.args.defaults = [ast.Constant(None) for _ in definition.args.defaults]
    definition.args.kw_defaults = [default and ast.Constant(None) for default in definition.args.kw_defaults]
    for arg in ast.walk(definition.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None
    return definition, max(first, 1)


def _names(code: types.CodeType) -> set[str]:
    """Return names that a function's code, or code inside it, may look up."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return {*code.co_names, *code.co_freevars}.union(*map(_names, inner))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Failed in", "No implementation", "During:"))]
    return (told or lines or [type(error).__name__])[0]
