"""What some functions need of a notebook's cells: the text of one program, line by line where the cells have it.

A clean room runs that text and nothing else, so it matters little what else the cells did: what this overlooks is
not done at all. It takes definitions, imports and constants, and statements that fill or change them: loops,
assignments to parts, calls of methods and of functions that write into what they are given.
"""

import ast
import builtins
import copy
import re
import symtable
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from perflab.check.bench import ForbiddenError
from perflab.check.vocabulary import MODULES

MOST_STATEMENTS = 5_000  # at the top level of all cells together
MOST_MAGICS = 100  # lines of a cell: IPython reads a cell anew for each
LONGEST_WITH_MAGICS = 50_000  # characters of such a cell
SAME_BODY = ("time", "capture")  # magics of a cell that run it as if they were not there
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
IMPORTS = ast.Import | ast.ImportFrom
# Methods of lists, sets, dictionaries, deques and arrays, and functions of NumPy.
MUTATORS = {
    *(
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "extendleft",
        "fill",
        "insert",
        "pop",
        "popitem",
    ),
    *("popleft", "put", "remove", "resize", "reverse", "rotate", "setdefault", "setflags", "sort", "subtract"),
    *("update", "difference_update", "intersection_update", "symmetric_difference_update"),
    *("copyto", "fill_diagonal", "place", "put_along_axis", "putmask", "shuffle"),
}
# Functions that change what belongs to the whole process, and so to every function.
STATE = {"seed", "setrecursionlimit", "set_num_threads"}
# Of those the first four call what they are given.
PURE = frozenset(dir(builtins)) - {"map", "filter", "next", "iter", "exec", "eval", "setattr", "delattr"}
_MAGIC = re.compile(r"(?m)^\s*[%!?]|\?\s*$|=\s*[%!]")


@dataclass
class Statement:
    """A statement at the top level of a cell.

    Attributes
    ----------
    node : ast.stmt
    cell : int
        The number of its cell.
    binds, uses : set of str
        Global names that it binds, and that it or what it defines looks up.
    later : set of str
        Global names that the function which it defines binds or changes when it is called.
    stores, methods : set of str
        Names whose parts it assigns to, and of which it calls a method that may change something.
    state : set of str
        Names by which it calls functions that change the whole process.
    hands : set of (str, str, bool)
        Names of functions that it calls, names that it hands to each, and whether it does not want the result.
    calls : set of str
        Names of what it may call, by itself or as an argument of another function.
    fills : bool
        Whether the function which it defines may write into what it is given.
    """

    node: ast.stmt
    cell: int
    binds: set[str]
    uses: set[str]
    later: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    state: set[str] = field(default_factory=set)
    hands: set[tuple[str, str, bool]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    fills: bool = False


@dataclass(frozen=True)
class Program:
    """What is kept of some cells.

    Attributes
    ----------
    cells : tuple of str
        For each cell what is kept of it; all else is empty lines.
    kept : tuple of Statement
    """

    cells: tuple[str, ...]
    kept: tuple[Statement, ...]


def program_of(cells: Sequence[str], wanted: set[str], given: Iterable[ast.Module]) -> Program:
    """Return what some functions need of cells.

    Parameters
    ----------
    cells : sequence of str
        In the order in which they ran. What IPython would not run is skipped.
    wanted : set of str
        Names of the functions.
    given : iterable of ast.Module
        What runs before.

    Raises
    ------
    ForbiddenError
        If a name that is needed is bound by nothing that could be kept.
    """
    sources: list[str] = []
    statements: list[Statement] = []
    future = False
    for number, cell in enumerate(cells):
        source, tree = _parsed(cell)
        sources.append(source)
        if len(statements) + len(tree.body) > MOST_STATEMENTS:
            raise ForbiddenError(f"there are more than {MOST_STATEMENTS:,} statements: remove what is not needed")
        future = future or any(map(_is_future, tree.body))
        statements += _statements(tree.body, number, future)
    before = [_scopes(node, 0) for tree in given for node in tree.body]
    kept = _needed(statements, wanted, [*before, *statements])
    _refuse_unknown(kept, wanted, set().union(*(one.binds for one in before)))
    return Program(tuple(_texts(sources, kept)), tuple(kept))


def first_line(node: ast.stmt) -> int:
    """Return the line where a statement begins, with its decorators."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def _parsed(cell: str) -> tuple[str, ast.Module]:
    """Return a cell as Python, with its tree; an empty one for a cell of which IPython runs nothing."""
    cell = cell.replace("\r\n", "\n").replace("\r", "\n")
    nothing = "", ast.Module([], [])
    try:
        return cell, ast.parse(cell)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    if len(cell) > LONGEST_WITH_MAGICS or len(_MAGIC.findall(cell)) > MOST_MAGICS:
        return nothing
    # Imported here: few cells have magics.
    from IPython.core.inputtransformer2 import TransformerManager

    body = cell.lstrip("\n")
    blank = "\n" * (len(cell) - len(body))
    if (magic := re.match(r"%%(\w+)[^\n]*\n", body)) and magic[1] in SAME_BODY:
        blank, body = blank + "\n", body[magic.end() :]
    body = re.sub(r"(?m)^%time[ \t]+", "", body)
    try:
        source = blank + TransformerManager().transform_cell(body)
        return source, ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError, RuntimeError):
        return nothing


def _statements(body: list[ast.stmt], cell: int, future: bool) -> Iterator[Statement]:
    for node in body:
        statement = _scopes(node, cell, future)
        if isinstance(node, FUNCTIONS):
            decorators = node.decorator_list
            _note_effects([*decorators, *node.args.defaults, *filter(None, node.args.kw_defaults)], statement)
            statement.calls |= {name for one in decorators for name in _loads(one)}
            inner = Statement(node, cell, set(), set())
            _note_effects(node.body, inner)
            statement.later |= (inner.stores | inner.methods) & statement.uses  # other names are its own
            statement.fills = bool(inner.stores or inner.methods)
        else:
            _note_effects([node], statement)
        yield statement


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _scopes(node: ast.stmt, cell: int, future: bool = False) -> Statement:
    """Return which global names a statement binds and uses, by Python's own rules of scope.

    With `future`, annotations are never evaluated.
    """
    found = Statement(node, cell, set(), set())
    if isinstance(node, ast.ImportFrom) and (_is_future(node) or any(alias.name == "*" for alias in node.names)):
        found.binds.add("*")  # nobody knows what else
        return found
    try:
        before = "from __future__ import annotations\n" if future else ""
        apart = _Comprehensions().visit(copy.deepcopy(node))
        table = symtable.symtable(before + ast.unparse(apart), "<cell>", "exec")
    except SyntaxError:  # such as an await, which IPython allows at the top level
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        found.binds |= {part.id for part in names if not isinstance(part.ctx, ast.Load)}
        found.uses |= {part.id for part in names}
        return found
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            found.binds.add(symbol.get_name())
        if symbol.is_referenced():
            found.uses.add(symbol.get_name())
    if future:
        found.binds.discard("annotations")
    pending = list(table.get_children())
    while pending:
        inner = pending.pop()
        pending += inner.get_children()
        for symbol in filter(symtable.Symbol.is_global, inner.get_symbols()):
            found.uses.add(symbol.get_name())
            if symbol.is_assigned() or symbol.is_imported():
                (found.later if isinstance(node, FUNCTIONS) else found.binds).add(symbol.get_name())
    return found


class _Comprehensions(ast.NodeTransformer):
    """Make each comprehension a generator: since Python 3.12 it alone keeps its names in a scope of its own."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.GeneratorExp:
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> ast.GeneratorExp:
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def _note_effects(nodes: list[ast.AST], into: Statement) -> None:
    """Note what code changes that it does not bind: parts of things, by assignment, by methods or by functions."""
    parts = [part for node in nodes for part in ast.walk(node)]
    alone = {id(part.value) for part in parts if isinstance(part, ast.Expr)}
    for part in parts:
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            into.stores |= _root(part)
        elif isinstance(part, ast.Attribute) and part.attr in MUTATORS:
            into.methods |= _root(part)
        elif isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            into.stores.add(part.target.id)
        elif isinstance(part, ast.Call):
            function = _root(part.func)
            handed = {name for value in (*part.args, *part.keywords) for name in _loads(value)}
            into.calls |= function | handed
            name = getattr(part.func, "attr", "")
            unwanted = id(part) in alone or name in MUTATORS or any(one.arg == "out" for one in part.keywords)
            if isinstance(part.func, ast.Attribute) and id(part) in alone:
                into.methods |= function
            if name in STATE:
                into.state |= function
            into.hands |= {(one, other, unwanted) for one in function - PURE for other in handed}


def _loads(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _root(node: ast.AST) -> set[str]:
    """Return the name that a chain of attributes, indexes and calls begins with, if any."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return set()
    return {node.id}


def _foreign(statements: list[Statement]) -> set[str]:
    """Return names of what is imported from where no clean room imports: it fills nobody's tables."""
    found = set()
    for one in statements:
        if isinstance(one.node, ast.Import) and any(alias.name not in MODULES for alias in one.node.names):
            found |= one.binds
        elif isinstance(one.node, ast.ImportFrom):
            found |= one.binds if one.node.module not in MODULES or one.node.module == "perflab" else set()
    return found


def _needed(statements: list[Statement], wanted: set[str], all_of_them: list[Statement]) -> list[Statement]:
    """Return the statements that some names need, in their order; `all_of_them` are with those that run before."""
    foreign = _foreign(all_of_them)
    modules = set().union(*(one.binds for one in all_of_them if isinstance(one.node, IMPORTS)))
    index = _Index(statements)
    own = index.closure(wanted)
    data = {name for one in statements if not _defines(one) for name in one.binds}
    filling = index.functions_that({n for n, one in enumerate(statements) if one.fills})
    functions = {one.node.name for one in statements if isinstance(one.node, FUNCTIONS)}
    fillers = {statements[n].node.name for n in filling} - wanted
    changing: set[int] = set()
    kept: set[int] = set()
    needed: set[str] = set()
    pending = [*wanted, "*"]

    def keep(numbers: Iterable[int]) -> None:
        for number in set(numbers) - kept:
            kept.add(number)
            pending.extend(statements[number].uses)

    keep(n for n, one in enumerate(statements) if one.state and not one.state & foreign)
    while pending:
        name = pending.pop()
        if name in needed:
            continue
        needed.add(name)
        keep(index.binds[name])
        keep(index.stores[name])
        if name in data:
            keep(index.methods[name])
            keep(
                number
                for number, function, unwanted in index.handed[name]
                if (function in fillers if function in functions else unwanted and function not in foreign)
            )
        # What the wanted functions do when somebody tries them is no part of what they need.
        later = set() if name in modules else set(index.later[name])
        changes = index.functions_that(later - own - changing, own | changing)
        for number in changes:
            keep(index.calls[statements[number].node.name])
        changing |= changes
    return [statement for number, statement in enumerate(statements) if number in kept]


class _Index:
    """Statements by the names that they bind, use, change and call."""

    def __init__(self, statements: list[Statement]) -> None:
        self._statements = statements
        self.binds: dict[str, list[int]] = defaultdict(list)
        self.stores: dict[str, list[int]] = defaultdict(list)
        self.methods: dict[str, list[int]] = defaultdict(list)
        self.calls: dict[str, list[int]] = defaultdict(list)
        self.later: dict[str, list[int]] = defaultdict(list)
        self.users: dict[str, list[int]] = defaultdict(list)  # functions only
        self.handed: dict[str, list[tuple[int, str, bool]]] = defaultdict(list)
        for number, one in enumerate(statements):
            for index, names in (
                (self.binds, one.binds),
                (self.stores, one.stores),
                (self.methods, one.methods),
                (self.calls, one.calls),
                (self.later, one.later),
                (self.users, one.uses if isinstance(one.node, FUNCTIONS) else ()),
            ):
                for name in names:
                    index[name].append(number)
            for function, name, unwanted in one.hands:
                self.handed[name].append((number, function, unwanted))

    def closure(self, names: Iterable[str]) -> set[int]:
        """Return the statements that bind some names, and those that bind what they use."""
        found: set[int] = set()
        seen: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                for number in set(self.binds[name]) - found:
                    found.add(number)
                    pending.extend(self._statements[number].uses)
        return found

    def functions_that(self, these: set[int], without: Collection[int] = ()) -> set[int]:
        """Return functions and, all the way up, those that use them."""
        found: set[int] = set()
        pending = list(these)
        while pending:
            number = pending.pop()
            if number not in found and number not in without:
                found.add(number)
                pending += self.users[self._statements[number].node.name]
        return found


def _defines(statement: Statement) -> bool:
    return isinstance(statement.node, FUNCTIONS | IMPORTS | ast.ClassDef)


def _refuse_unknown(kept: list[Statement], wanted: set[str], known: set[str]) -> None:
    """Refuse a program that uses names that nothing in it binds."""
    bound = set().union(known, *(one.binds | one.later for one in kept))
    if missing := wanted - bound:
        raise ForbiddenError(f"no cell that runs defines {min(missing)}: look for an error in its cell")
    bound |= {*dir(builtins), "__name__", "__debug__"}
    for one in kept:
        unknown = one.uses - bound
        for part in ast.walk(one.node) if unknown else ():
            if isinstance(part, ast.Name) and part.id in unknown:
                raise ForbiddenError(
                    f"line {part.lineno} uses {part.id}, which no cell binds in plain sight: define it at the top "
                    "of a cell, without exec, globals or a magic command"
                )


def _texts(sources: list[str], kept: list[Statement]) -> Iterator[str]:
    """Yield what is kept of each cell, on the lines where it stands."""
    future = ""
    for number, source in enumerate(sources):
        lines = source.split("\n")
        out = [""] * len(lines)
        for one in (one for one in kept if one.cell == number):
            first, last = first_line(one.node), one.node.end_lineno or one.node.lineno
            begin = one.node.col_offset  # of a statement after a semicolon
            taken = [line.encode() for line in lines[first - 1 : last]]
            taken[-1] = taken[-1][: one.node.end_col_offset]
            taken[0] = taken[0][begin:]
            for row, line in enumerate(taken, first - 1):
                out[row] = f"{out[row]}; {line.decode()}" if out[row] and row == first - 1 else line.decode()
        if any(line.startswith("from __future__") for line in out):
            future = next(line for line in out if line.startswith("from __future__"))
        elif future and any(out):
            out.insert(0, future)  # IPython keeps it for all later cells
        yield "\n".join(out).rstrip()
