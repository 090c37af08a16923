"""What the code of a chapter does: which cells measure on the reader's machine, and which run a model.

Told from the names that a cell uses, by way of the functions that its page defines: a cell that calls a function
that calls `perflab.timing.compare` measures; a cell that only defines one does not.
"""

import ast
from collections.abc import Iterator, Sequence

INSTRUMENTS = (
    *(f"perflab.timing.{name}" for name in ("compare", "paired", "seconds_of")),
    *(f"perflab.counters.{name}" for name in ("count", "measure")),
    *(f"perflab.codegen.{name}" for name in ("inspect", "measure")),
    *(f"perflab.machine.{name}" for name in ("ceilings", "hierarchy", "latency_curve", "numbers", "throughput")),
    *("perflab.threads.run", "perflab.hints.cycles"),
    *("time.perf_counter", "time.process_time", "time.thread_time", "time.monotonic"),
    *("timeit", "cProfile", "tracemalloc", "resource.getrusage", "os.times"),
)
MODELS = ("perflab.models",)


class Evidence:
    """The names that the cells of a page use.

    Parameters
    ----------
    cells : sequence of str
        All cells of the page that run, in order.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        nodes = [node for cell in cells for node in ast.walk(_parsed(cell))]
        self._imports = dict(pair for node in nodes for pair in _imports(node))
        self._functions: dict[str, list[ast.AST]] = {}
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self._functions.setdefault(node.name, []).append(node)

    def measures(self, cells: Sequence[str], by: str | None = None) -> bool:
        """Tell whether one of `cells` measures: by an instrument, or by the page's own function `by`."""
        return self._uses(cells, INSTRUMENTS, by)

    def models(self, cells: Sequence[str], by: str | None = None) -> bool:
        """Tell whether one of `cells` runs a model: of the course, or the page's own function `by`."""
        return self._uses(cells, MODELS, by)

    def _uses(self, cells: Sequence[str], tools: tuple[str, ...], by: str | None) -> bool:
        own = self._functions.keys() & {by}
        return any(
            name in own or any(name == tool or name.startswith((f"{tool}.", f"{tool}_")) for tool in tools)
            for cell in cells
            for name in self._reached(cell)
        )

    def _reached(self, cell: str) -> set[str]:
        """Return the dotted names that run when a cell runs, through the functions of the page."""
        reached, waiting = set(), [_parsed(cell)]
        while waiting:
            for name in self._used(waiting.pop()):
                if name not in reached:
                    reached.add(name)
                    waiting += self._functions.get(name, ())
        return reached

    def _used(self, tree: ast.AST) -> Iterator[str]:
        """Yield the dotted names in `tree`, but for those in the bodies of functions that it defines."""
        inside = list(ast.iter_child_nodes(tree))
        # Whoever uses a class uses its methods.
        methods = {id(node) for node in inside if isinstance(tree, ast.ClassDef)}
        while inside:
            node = inside.pop()
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and id(node) not in methods:
                continue
            if isinstance(node, ast.Import | ast.ImportFrom):
                continue
            name = _dotted(node)
            if name is None:
                inside += ast.iter_child_nodes(node)
                continue
            head, dot, rest = name.partition(".")
            yield self._imports.get(head, head) + dot + rest


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, with what they stand for."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(node: ast.AST) -> str | None:
    """Return ``a.b.c`` of a chain of attributes that begins with a name that is read."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Load) else None
    if isinstance(node, ast.Attribute) and (head := _dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def _parsed(cell: str) -> ast.Module:
    """Return the tree of a cell, without IPython's own commands; of what is no Python, nothing."""
    lines = ["" if line.startswith(("%", "!")) else line for line in cell.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], [])
