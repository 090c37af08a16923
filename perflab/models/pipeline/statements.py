"""Turn the statements of a loop into instructions; the rules are in `perflab.models.pipeline.reading`."""

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from perflab.models.pipeline.code import Code
from perflab.models.pipeline.expressions import COUNTER, Expressions, of_type, unwrapped
from perflab.models.pipeline.loop import Loop
from perflab.models.pipeline.values import OTHER, Linear, UnmodelledError, Value, of_object

LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise)


class Statements(Expressions):
    """Reads a function up to a loop for its types, then the loop for its instructions."""

    def __init__(
        self,
        function: str,
        first: int,
        reached: dict[str, Any],
        arguments: dict[str, Any],
        ways: Mapping[int, bool] | None = None,
    ) -> None:
        super().__init__(first, reached)
        self.names |= {name: replace(of_object(value, name), memory=name) for name, value in arguments.items()}
        self._function, self._ways = function, ways
        self._step = 1

    def names_of(self, definition: ast.FunctionDef) -> None:
        """Note which names stand for more than one thing."""
        stored = [n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        given = [arg.arg for arg in ast.walk(definition.args) if isinstance(arg, ast.arg)]
        self.renamed = {name for name, times in Counter([*stored, *given]).items() if times > 1}
        for name in given:
            self.bind(name, self.names[name])

    def before(self, statements: list[ast.stmt], loop: ast.stmt) -> bool:
        """Note the types of what is assigned before a loop; return whether the loop is among these."""
        for statement in statements:
            if statement is loop:
                return True
            if isinstance(statement, ast.For | ast.While | ast.If):
                if isinstance(statement, ast.For):
                    self._note_variable(statement)
                if self.before(statement.body, loop) or self.before(statement.orelse, loop):
                    return True
                continue
            try:
                self.statement(statement)
            except UnmodelledError:  # it is not in the loop; what it makes is of no known type
                self.names |= dict.fromkeys(_assigned(statement), OTHER)
        return False

    def _note_variable(self, loop: ast.For) -> None:
        if isinstance(loop.target, ast.Name):
            over = self.names.get(loop.iter.id, OTHER) if isinstance(loop.iter, ast.Name) else OTHER
            name = loop.target.id
            if over.axes > 1:
                self.bind(name, replace(over, text=name, axes=over.axes - 1))
            else:
                self.names[name] = of_object(0, name) if over.dtype is None else of_type(over.dtype, name)

    def read(self, loop: ast.For | ast.While, used_after: set[str]) -> Loop:
        """Return the loop; `used_after` are names whose values count after it."""
        changed = _assigned(loop)
        for name in changed:
            before = self.names.get(name, OTHER)
            # An array that the loop names anew would be another one each time.
            self.names[name] = OTHER if before.kind == "array" else Value(before.kind, name)
        self.code, self.stored = Code(careful=self._ways is not None), _stored(loop)
        if isinstance(loop, ast.While):
            self._branch(loop.test)
            self._path(loop.body)
        else:
            self._begin(loop)
            self._path(loop.body)
            head, counter = f"for {ast.unparse(loop.target)}", self.names[COUNTER]
            step = Value("int", self.code.emit("add", f"{head}: step {self._step}", self.line(loop), [counter]))
            self.names[COUNTER] = step
            self.code.emit("branch", f"{head}: again?", self.line(loop), [step])
        return self.code.finish(self._function, self.names, used_after & changed, self._step)

    def _begin(self, loop: ast.For) -> None:
        """Set up the variable of a for loop, and what it counts."""
        if not isinstance(loop.target, ast.Name):
            raise self.refuse(loop.target, "loop over range(...) with one variable")
        self.names[COUNTER] = counter = Value("int", COUNTER, linear=Linear(1, 0))
        over = self.names.get(loop.iter.id, OTHER) if isinstance(loop.iter, ast.Name) else OTHER
        called = loop.iter.func if isinstance(loop.iter, ast.Call) else None
        if getattr(called, "id", getattr(called, "attr", "")) in ("range", "prange"):
            if len(loop.iter.args) == 3:
                self._step = self.value(loop.iter.args[2]).constant or 0
                if not self._step:
                    raise self.refuse(loop.iter, "give the step of range as a number")
            self.names[loop.target.id] = counter
        elif over.kind == "array" and over.axes == 1:
            name = loop.iter.id
            element = of_type(over.dtype, name).kind
            text = f"{name}[...]"
            self.names[loop.target.id] = self.code.load(
                name, over.memory, element, text, self.line(loop), [counter], True
            )
        elif over.kind == "array":
            row = (loop.iter.id, counter)
            taken = replace(over, text=f"{loop.iter.id}[...]", axes=over.axes - 1, row=row)
            self.bind(loop.target.id, taken)
        else:
            raise self.refuse(loop.iter, "loop over range(...) or over an array by its name")

    def _path(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Read a statement."""
        if isinstance(node, ast.Assign):
            self._assign_all(node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assign(node.target, self.value(node.value))
        elif isinstance(node, ast.AugAssign):
            value = self.arithmetic(node, type(node.op), self.value(node.target), self.value(node.value))
            self._assign(node.target, value)
        elif isinstance(node, ast.If) and self.code is not None:
            self._branch(node.test)
            leaves = any(isinstance(last, LEAVING) for last in node.body)
            self._path(node.body if (self._ways or {}).get(self.line(node), not leaves) else node.orelse)
        elif not isinstance(node, ast.Pass) and not _is_docstring(node):
            raise self.refuse(node, "use assignments and ifs in the loop")

    def _assign_all(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Tuple):
                if not isinstance(node.value, ast.Tuple) or len(node.value.elts) != len(target.elts):
                    raise self.refuse(node, "assign one value to each name")
                values = [self.value(part) for part in node.value.elts]  # all before the first is assigned
                for part, value in zip(target.elts, values, strict=True):
                    self._assign(part, value)
            else:
                self._assign(target, self.value(node.value))

    def _assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif self.code is not None:
            if isinstance(root := unwrapped(target)[0], ast.Name) and self.names.get(root.id, OTHER).row:
                raise self.refuse(target, "store by all indices of the array, not through a row of it")
            array, memory, _, index = self.place(target)
            self.code.store(array, memory, ast.unparse(target), self.line(target), index, value)

    def _branch(self, test: ast.expr) -> None:
        """Read a condition as branches: one for each operand of ``and`` and ``or``."""
        if isinstance(test, ast.BoolOp):
            for part in test.values:
                self._branch(part)
        elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self._branch(test.operand)
        else:
            flags = self.flags(test)
            if any(v.source is not None for v in flags):  # else the compiler decides before the loop
                self.code.emit("branch", ast.unparse(test), self.line(test), flags)


def _assigned(node: ast.AST) -> set[str]:
    """Return names that a statement assigns."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _stored(loop: ast.stmt) -> set[str]:
    """Return arrays, or their fields, that a loop stores to."""
    stores = [
        n for n in ast.walk(loop) if isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store)
    ]
    return {
        ".".join([root.id, *fields]) for root, fields, _ in map(unwrapped, stores) if isinstance(root, ast.Name)
    }


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
