"""What of a learner's code may enter a clean room: definitions that compute and cannot reach the instrument.

An instrument that runs beside the code it watches can be fooled by it. So only what a function needs of the cells
is loaded for it, in a fresh sandbox, and only if it stays within a part of Python that has no way to the
instrument: no private names but its own, no change of anything that was imported, no attribute but those in
`perflab.check.vocabulary` and those of the code's own classes and records, and no string that anything evaluates.
"""

import ast
import builtins
import string
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from perflab.check.bench import ForbiddenError
from perflab.check.program import FUNCTIONS, Program, program_of
from perflab.check.signatures import SignatureError, parse
from perflab.check.vocabulary import (
    ATTRIBUTES,
    CLOSED,
    COMPILERS,
    ENUMS,
    INSTRUMENT,
    MODULES,
    NAMES,
    OPTIONS,
    OWN_NEVER,
    RECORD_API,
    SPECIAL,
    names_of,
    private_names,
)

STATEMENTS = {
    ast.AsyncFunctionDef: "an async function",
    ast.AsyncFor: "an async loop",
    ast.AsyncWith: "an async with statement",
    ast.Await: "an await",
}
REMEDY = "write it without that, or leave it to a cell of its own that the function does not need"


def admitted(
    cells: Sequence[str], wanted: set[str], given: Iterable[str] = (), ours: Collection[str] = ()
) -> list[str]:
    """Return what of a learner's cells some functions need, if all of it is harmless.

    Parameters
    ----------
    cells : sequence of str
        In the order in which they ran.
    wanted : set of str
        Names of the functions.
    given : iterable of str
        Cells of the course that run before; what they define may be used.
    ours : collection of str
        Names that stay the course's.

    Returns
    -------
    list of str
        For each cell what is kept of it, on the lines where it stands.

    Raises
    ------
    ForbiddenError
        Naming the line that has to go.
    """
    try:
        before = [ast.parse(source) for source in given]
        program = program_of(cells, wanted, before)
        _refuse_changes(program, set(ours))
        rules = _Rules(before, [one.node for one in program.kept])
        for one in program.kept:
            rules.check(one.node)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ForbiddenError(f"the code is nested too deeply: {type(error).__name__}") from error
    return list(program.cells)


def names_of_team(team: Iterable[Callable[..., Any]], parts: Collection[str]) -> set[str]:
    """Return the names that stay the course's where its functions call a learner's: theirs, and what they use.

    Parameters
    ----------
    team : iterable of callable
    parts : collection of str
        What the learner defines.
    """
    names: set[str] = set()
    for one in team:
        plain = getattr(one, "py_func", one)
        known = plain.__globals__
        names.add(plain.__name__)
        names |= {name for name in plain.__code__.co_names if not isinstance(known.get(name, sys), ModuleType)}
    return names - set(parts)


def _refuse_changes(program: Program, ours: set[str]) -> None:
    for one in program.kept:
        if taken := ours & (one.binds | one.later | one.stores | one.methods):
            name, line = min(taken), one.node.lineno
            raise ForbiddenError(
                f"line {line} has a definition of {name}, which is the course's: use another name"
            )


@dataclass(frozen=True)
class _Place:
    """How an expression is used.

    Attributes
    ----------
    call : ast.Call or None
        The call of which it is the function.
    decorates, owns, based_on : bool
        Whether it decorates a definition, an attribute of it is asked for, a class is derived from it.
    compared : ast.Compare or None
        Where it, or what it returns, is compared with something.
    """

    call: ast.Call | None = None
    decorates: bool = False
    owns: bool = False
    based_on: bool = False
    compared: ast.Compare | None = None


class _Rules:
    """What a piece of code may do, given what the course's cells and its own have bound.

    Parameters
    ----------
    given, own : list of ast.AST
    """

    def __init__(self, given: Sequence[ast.AST], own: Sequence[ast.AST]) -> None:
        self._modules: dict[
            str, set[str]
        ] = {}  # a name may stand for one of several, and then obeys all their rules
        self._imported: dict[str, set[str]] = {}
        self._closed: set[str] = set()
        for tree in (*given, *own):
            for node in ast.walk(tree):
                self._remember(node)
        fields = {name for tree in (*given, *own) for name in _fields(tree)}
        # The course may build the names of its records' fields from strings as it likes.
        fields |= {word for tree in given for node in ast.walk(tree) for word in _words(node)}
        self._private = {name for name in fields if name.startswith("_")}
        self._attributes = (fields - self._private - OWN_NEVER) | ATTRIBUTES
        self._bound = {name for tree in (*given, *own) for node in ast.walk(tree) for name in _bindings(node)}
        self._places: dict[int, _Place] = {}

    def _remember(self, node: ast.AST) -> None:
        """Note which names stand for modules, which for parts of them, and which for what no code may use."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                self._modules.setdefault(name, set()).add(alias.name if alias.asname else name)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name, whole = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if whole in MODULES:
                    self._modules.setdefault(name, set()).add(whole)
                elif node.module in MODULES and alias.name in names_of(node.module):
                    self._imported.setdefault(name, set()).add(whole)
                elif node.module != "__future__":
                    self._closed.add(name)

    def check(self, top: ast.stmt) -> None:
        """Raise where something is not allowed."""
        self._places = _places(top)
        for node in ast.walk(top):
            if why := self._objection(node):
                line = getattr(node, "lineno", top.lineno)
                raise ForbiddenError(f"line {line} has {why}{'' if ': ' in why else f': {REMEDY}'}")

    def _objection(self, node: ast.AST) -> str | None:
        if why := self._binding(node):
            return why
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Import):
            strange = [alias.name for alias in node.names if alias.name not in MODULES]
            return f"an import of {strange[0]}" if strange else None
        if isinstance(node, ast.ImportFrom):
            return _import(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.ClassDef):
            return self._class(node)
        if isinstance(node, ast.Try | ast.TryStar):
            return _try(node)
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            return "an except without a class: write except Exception"
        if isinstance(node, ast.comprehension) and node.is_async:
            return "an async comprehension"
        if isinstance(node, ast.MatchClass):
            return next((why for name in node.kwd_attrs if (why := self._of_any(name))), None)
        return STATEMENTS.get(type(node))

    def _binding(self, node: ast.AST) -> str | None:
        """Object to a name where it is bound without being an expression."""
        for name in _bound_by(node):
            if name in self._modules:
                return f"{name}, the name of a module, for something else: use another name"
            if _is_reserved(name):
                return f"the name {name}"
        return None

    def _class(self, node: ast.ClassDef) -> str | None:
        if node.keywords:
            return f"a class with {node.keywords[0].arg or '**'}="
        names = {whole for base in node.bases for whole in self._dotted(base)}
        if names & ENUMS:
            targets = [part.targets[0] for part in node.body if isinstance(part, ast.Assign)]
            plain = [part for part in node.body if isinstance(part, ast.Assign) and self._is_member(part)]
            if not plain or any(isinstance(one, ast.Name) and one.id.startswith("_") for one in targets):
                return f"{node.name}, an enumeration without members in plain sight: give it one like A = 1"
        return None

    def _is_member(self, node: ast.Assign) -> bool:
        """Tell whether an assignment in the body of an enumeration makes a member, whatever else there is."""
        target, value = node.targets[0], node.value
        plain = isinstance(value, ast.Constant) and isinstance(value.value, int | str)
        if isinstance(value, ast.Call) and not (isinstance(value.func, ast.Name) and value.func.id in self._bound):
            plain = self._dotted(value.func) == {"enum.auto"}
        return len(node.targets) == 1 and isinstance(target, ast.Name) and plain

    def _dotted(self, node: ast.expr) -> set[str]:
        """Return what of modules an expression may stand for."""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, set())
        return (
            {f"{module}.{node.attr}" for module in self._module(node.value)}
            if isinstance(node, ast.Attribute)
            else set()
        )

    def _of_any(self, name: str) -> str | None:
        """Object to an attribute of an object that may be anything."""
        if name in RECORD_API:
            return None
        if name.startswith("_"):
            if _is_special(name) or name not in self._private:
                return f"the attribute {name}"
            theirs = f"the attribute {name}, which this library or Numba uses too: choose another name"
            return theirs if name in private_names() else None
        return None if name in self._attributes else f"the attribute {name}"

    def _attribute(self, node: ast.Attribute) -> str | None:
        place = self._place(node)
        changes = not isinstance(node.ctx, ast.Load)
        if changes and isinstance(node.value, ast.Name) and node.value.id in self._imported:
            return f"a change of {ast.unparse(node)}"
        if changes and isinstance(node.value, ast.Attribute) and self._module(node.value.value):
            return f"a change of {ast.unparse(node)}"
        if modules := self._module(node.value):
            return next((why for module in sorted(modules) if (why := _of_module(node, module, place))), None)
        if node.attr in SPECIAL and _is_super(node.value):
            return None
        if node.attr == "format" and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            if place.call is not None and _formats_plainly(node.value.value):
                return None
            return "a format string with attributes or indexes in its fields: use an f-string"
        if node.attr == "format":
            return "the method format of a string that is none in plain sight: use an f-string"
        if node.attr == "base" and place.compared and _by_identity(place.compared):
            return None
        return self._of_any(node.attr)

    def _name(self, node: ast.Name) -> str | None:
        place = self._place(node)
        if _is_reserved(node.id) and not (node.id == "__name__" and isinstance(node.ctx, ast.Load)):
            return f"the name {node.id}"
        if node.id in self._modules:
            return None if place.owns else f"the module {node.id} as a value"
        if node.id in NAMES or node.id in self._closed:
            return f"the name {node.id}"
        if node.id in CLOSED:
            return self._used_so(node.id, place)
        for whole in self._imported.get(node.id, ()):
            if why := _misused(whole, node.id, place):
                return why
        return None

    def _used_so(self, name: str, place: _Place) -> str | None:
        """Object to a builtin that may be called in one way only."""
        call = place.call
        if call is None:
            return f"{name} as a value"
        if name == "super":
            return "super with arguments: call super()" if call.args or call.keywords else None
        if name != "type":
            return None
        alone = len(call.args) == 1 and not call.keywords and place.compared is not None
        # What is no class of somebody else's could keep the class that it is compared with: that of all classes.
        fits = alone and (_by_identity(place.compared) or all(map(self._is_class, _sides(place.compared))))
        return None if fits else "a use of type other than type(x) is y: write that, or use isinstance"

    def _is_class(self, node: ast.AST) -> bool:
        """Tell whether an expression is a builtin or an imported class, or a call of ``type``."""
        if isinstance(node, ast.Name):
            known = isinstance(getattr(builtins, node.id, None), type) and node.id not in self._bound
            return known or node.id in self._imported.keys() - self._bound
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id == "type"
        return bool(self._module(getattr(node, "value", None)))

    def _call(self, node: ast.Call) -> str | None:
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            return self._getattr(node)
        found = self._dotted(node.func)
        return _compiler_call(node, min(found & COMPILERS)) if found & COMPILERS else None

    def _getattr(self, node: ast.Call) -> str | None:
        name = node.args[1] if len(node.args) in (2, 3) else None
        if node.keywords or not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            return f"{node.func.id} with a name that is no string in plain sight"
        return self._of_any(name.value)

    def _place(self, node: ast.AST) -> _Place:
        return self._places.get(id(node), _Place())

    def _module(self, node: ast.AST) -> set[str]:
        """Return the modules that an expression may stand for."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, set())
        if isinstance(node, ast.Attribute):
            return {f"{above}.{node.attr}" for above in self._module(node.value)}
        return set()


def _places(top: ast.AST) -> dict[int, _Place]:
    """Return how expressions are used, by their ids; most are not used in any way that matters."""
    places = {}
    for node in ast.walk(top):
        if isinstance(node, ast.Call):
            places[id(node.func)] = _Place(call=node)
        elif isinstance(node, ast.Attribute):
            places[id(node.value)] = _Place(owns=True)
        elif isinstance(node, ast.ClassDef):
            places |= {id(base): _Place(based_on=True) for base in node.bases}
        elif isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                places[id(side)] = _Place(compared=node)
    for node in ast.walk(top):
        for one in getattr(node, "decorator_list", ()):
            if id(one) not in places:
                places[id(one)] = _Place(decorates=True)
        if isinstance(node, ast.Call) and (compared := places.get(id(node), _Place()).compared):
            places[id(node.func)] = _Place(call=node, compared=compared)
    return places


def _of_module(node: ast.Attribute, module: str, place: _Place) -> str | None:
    whole = f"{module}.{node.attr}"
    if not isinstance(node.ctx, ast.Load):
        return f"a change of {ast.unparse(node)}"
    if node.attr.startswith("_"):
        return f"the attribute {node.attr}"
    if whole in MODULES:
        return None if place.owns else f"the module {ast.unparse(node)} as a value"
    if module not in MODULES or node.attr not in names_of(module):
        return f"the attribute {node.attr} of {module}"
    return _misused(whole, ast.unparse(node), place)


def _misused(whole: str, name: str, place: _Place) -> str | None:
    """Object to what may be used in one way only."""
    if whole in COMPILERS and not (place.call or place.decorates):
        return f"{name} as a value: call it, or decorate a function with it"
    if whole in ENUMS and not place.based_on:
        return f"{name} as a value: derive a class from it"
    return None


def _compiler_call(node: ast.Call, whole: str) -> str | None:
    """Object to options of a compiler that run code of their own, and to signatures that Numba would evaluate."""
    strange = [keyword.arg for keyword in node.keywords if keyword.arg not in OPTIONS]
    if strange:
        return f"{whole.rpartition('.')[2]} with the option {strange[0] or '**'}"
    inlined = [keyword.value for keyword in node.keywords if keyword.arg == "inline"]
    if any(not isinstance(value, ast.Constant) for value in inlined):
        return "the option inline with something else than a string"
    positional = 2 if whole.endswith("guvectorize") else 1
    if len(node.args) > positional or any(isinstance(arg, ast.Starred) for arg in node.args):
        return f"{whole.rpartition('.')[2]} with options that have no names: write them as name=value"
    several = isinstance(node.args[0], ast.List | ast.Tuple) if node.args else False
    for arg in node.args[0].elts if several else node.args[:1]:
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
            try:
                parse(arg.value)
            except SignatureError as error:
                return str(error)
    return None


def _import(node: ast.ImportFrom) -> str | None:
    module = node.module if node.level == 0 else None
    if module == "__future__":
        return None
    if module not in MODULES:
        return f"an import of {'.' * node.level}{node.module or ''}"
    for alias in node.names:
        if alias.name == "*":
            return f"an import of everything from {module}: import the names that you use"
        if alias.name not in names_of(module) and f"{module}.{alias.name}" not in MODULES:
            return f"an import of {module}.{alias.name}"
    return None


def _try(node: ast.Try | ast.TryStar) -> str | None:
    leaving = ast.Return | ast.Break | ast.Continue
    leaves = any(isinstance(part, leaving) for final in node.finalbody for part in ast.walk(final))
    return "a return, break or continue in a finally: put it behind the try" if leaves else None


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_reserved(name: str) -> bool:
    """Tell whether a name is Python's or the instrument's own."""
    return (_is_special(name) and name not in ("__slots__", "__debug__")) or name.startswith(INSTRUMENT)


def _bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds without an `ast.Name`."""
    if isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias) and node.asname:
        yield from [node.asname] if _is_reserved(node.asname) else []  # a module may have any other name
    elif isinstance(node, FUNCTIONS | ast.ClassDef):
        yield from [] if node.name in SPECIAL else [node.name]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from (name for name in node.names if _is_reserved(name))


def _bindings(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node binds, but for those of imports."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif not isinstance(node, ast.alias | ast.Global | ast.Nonlocal):
        yield from _bound_by(node)


def _by_identity(node: ast.Compare) -> bool:
    return all(isinstance(one, ast.Is | ast.IsNot) for one in node.ops)


def _sides(node: ast.Compare) -> list[ast.expr]:
    """Return what is compared with what by == and !=; something that fits nothing for other comparisons."""
    fits = all(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
    return [node.left, *node.comparators] if fits else [ast.Constant(None)]


def _is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _formats_plainly(text: str) -> bool:
    """Tell whether no field of a format string looks into an object."""
    try:
        fields = [(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        return True  # it raises when it runs
    return all(not set(".[") & set(name) and ("{" not in spec or _formats_plainly(spec)) for name, spec in fields)


def _fields(tree: ast.AST) -> Iterator[str]:
    """Yield what code calls the parts of its own classes and records, where it defines them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from _fields_of_class(node)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield node.attr
        elif isinstance(node, ast.Call):
            yield from _fields_of_call(node)
        elif isinstance(node, ast.List | ast.Tuple):
            # Of a record's dtype: ("name", type), or the same with a shape.
            for pair in node.elts:
                if isinstance(pair, ast.Tuple) and len(pair.elts) in (2, 3):
                    yield from _strings(pair.elts[0])
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "names":
                    yield from _strings(value)


def _fields_of_class(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            yield part.name
        elif isinstance(part, ast.Assign | ast.AnnAssign):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id
                    if target.id == "__slots__" and part.value is not None:
                        yield from _strings(part.value)


def _fields_of_call(node: ast.Call) -> Iterator[str]:
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called == "namedtuple":
        names = node.args[1] if len(node.args) > 1 else named.get("field_names")
        if names is not None:
            yield from _strings(names)
    elif called == "dtype" or "dtype" in named:
        spec = node.args[:1] if called == "dtype" else [named["dtype"]]
        yield from (word for part in spec for inner in ast.walk(part) for word in _words(inner))


def _strings(node: ast.AST) -> Iterator[str]:
    """Yield the words of a string, or of several in a list."""
    for part in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
        yield from _words(part)


def _words(node: ast.AST) -> Iterator[str]:
    """Yield the words of a string constant that could be names."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (word for word in node.value.replace(",", " ").split() if word.isidentifier())
