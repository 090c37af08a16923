"""Turn expressions into instructions; the rules are in `perflab.models.pipeline.reading`."""

import ast
import builtins
import itertools
import math
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from perflab.models.pipeline.code import Code
from perflab.models.pipeline.values import OTHER, Linear, UnmodelledError, Value, combined, kind_of, of_object

INTEGER = {
    **dict.fromkeys((ast.Add, ast.Sub, ast.BitAnd, ast.BitOr, ast.BitXor), "add"),
    **dict.fromkeys((ast.LShift, ast.RShift), "shift"),
    **dict.fromkeys((ast.FloorDiv, ast.Mod), "div"),
    ast.Mult: "mul",
}
FLOAT = {ast.Add: "fadd", ast.Sub: "fadd", ast.Mult: "fmul", ast.Div: "fdiv"}
COUNTING = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
ROOTS = (math.sqrt, np.sqrt)
ABSOLUTES = (abs, math.fabs, np.abs, np.fabs)
CHOICES = (min, max, np.minimum, np.maximum)
SIZES = ("size", "shape", "ndim", "nbytes", "itemsize")
MAKERS = ("empty", "zeros", "ones", "full")
VIEWS = ("reshape", "ravel", "view")  # methods that make no loop of their own


class Expressions:
    """Evaluates expressions, outside the loop for their types only.

    Attributes
    ----------
    names : dict of str to Value
        What each name stands for at this point of the program.
    code : Code or None
        Where instructions go; None outside the loop.
    """

    def __init__(self, first: int, reached: dict[str, Any]) -> None:
        self.names = {name: of_object(value, name, known=True) for name, value in reached.items()}
        self.code: Code | None = None
        self.stored: set[str] = set()  # arrays that the loop stores to
        self.renamed: set[str] = set()  # names that stand for more than one thing in the function
        self._first, self._reached = first, reached

    def line(self, node: ast.AST) -> int:
        """Return the line of a node in its file."""
        return self._first + node.lineno - 1

    def refuse(self, node: ast.AST, way_out: str) -> UnmodelledError:
        """Return the error to raise for what the model cannot read."""
        return UnmodelledError(
            f"line {self.line(node)}, `{ast.unparse(node)}`: the model cannot read this; {way_out}"
        )

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.refuse(node, "use numbers, elements of arrays, and arithmetic of these")
        return method(node)

    def make(self, operation: str, kind: str, node: ast.AST, operands: list[Value], what: str = "") -> Value:
        """Return the value of an operation."""
        text = ast.unparse(node)
        if self.code is None:
            return Value(kind, text=text, linear=Linear(0, 0, text) if kind == "int" else None)
        return self.code.compute(operation, kind, text, self.line(node), operands, what)

    # Names and numbers

    def bind(self, name: str, value: Value) -> None:
        """Let a name stand for a value; of an array that may be another one the memory is not known."""
        self.names[name] = replace(value, memory="") if name in self.renamed else value

    def _name(self, node: ast.Name) -> Value:
        return self.names.get(node.id, OTHER)

    def _constant(self, node: ast.Constant) -> Value:
        return of_object(node.value, ast.unparse(node), known=True)

    def _attribute(self, node: ast.Attribute) -> Value:
        if node.attr == "T" and (array := self.value(node.value)).kind == "array" and self.code is None:
            return replace(array, text=ast.unparse(node))
        if node.attr in SIZES:
            return of_size(ast.unparse(node))
        if (found := self.object(node)) is not None:
            return of_object(found, ast.unparse(node), known=True)
        return self._element(node)

    def _subscript(self, node: ast.Subscript) -> Value:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            return of_size(ast.unparse(node))
        if self.code is None and isinstance(node.slice, ast.Slice):
            return self.value(node.value)  # a view
        inner, fields, indices = unwrapped(node)
        array = self.names.get(inner.id, OTHER) if isinstance(inner, ast.Name) else OTHER
        left = array.axes - len(indices)
        if left > 0 and not fields and not any(isinstance(i, ast.Slice) for i in indices):
            of = array.row or (inner.id,)
            row = () if self.code is None else (*of, *map(self.index, indices))
            return replace(array, text=ast.unparse(node), axes=left, row=row)
        return self._element(node)

    def object(self, node: ast.expr) -> Any:
        """Return the object that a dotted name stands for; None if it is none that the function reaches."""
        if isinstance(node, ast.Name):
            return self._reached.get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            return getattr(self.object(node.value), node.attr, None)
        return None

    # Elements of arrays

    def place(self, node: ast.expr) -> tuple[str, str, np.dtype, list[Value]]:
        """Return array (and field), its memory (and field), type and indices of an element."""
        inner, fields, indices = unwrapped(node)
        array = self.names.get(inner.id, OTHER) if isinstance(inner, ast.Name) else OTHER
        if array.kind != "array":
            raise self.refuse(
                node,
                f"it does not know {ast.unparse(inner)}: take elements of arguments, of slices, reshapes and rows "
                "of these, or of np.zeros and its kin",
            )
        if len(indices) != array.axes or any(isinstance(i, ast.Slice) for i in indices):
            raise self.refuse(node, "index every axis of an array by a number")
        dtype = array.dtype
        for name in fields:
            if name not in (dtype.names or ()):
                raise self.refuse(node, f"the array has no field {name}")
            dtype = dtype.fields[name][0]
        if kind_of(dtype) == "other":
            raise self.refuse(node, "take one field of a record, a number, at a time")
        name, *taken = array.row or (inner.id,)
        memory = ".".join([array.memory, *fields]) if array.memory else ""
        return ".".join([name, *fields]), memory, dtype, [*taken, *map(self.index, indices)]

    def index(self, node: ast.expr) -> Value:
        """Return an index; what counts with the loop needs nothing but what the loop counts."""
        value = self.value(node)
        if value.kind != "int":
            raise self.refuse(node, "index by an integer")
        if value.linear is None:
            return value
        return Value("int", COUNTER if value.linear.scale else None, linear=value.linear)

    def _element(self, node: ast.expr) -> Value:
        array, memory, dtype, index = self.place(node)
        if self.code is None:
            return of_type(dtype, ast.unparse(node))
        text = ast.unparse(node)
        changes = array in self.stored or (self.code.careful and bool(self.stored))
        return self.code.load(array, memory, kind_of(dtype), text, self.line(node), index, changes)

    # Arithmetic

    def _binop(self, node: ast.BinOp) -> Value:
        return self.arithmetic(node, type(node.op), self.value(node.left), self.value(node.right))

    def arithmetic(self, node: ast.AST, op: type[ast.operator], left: Value, right: Value) -> Value:
        """Return the value of ``left op right``."""
        if "other" in (left.kind, right.kind) or "array" in (left.kind, right.kind):
            raise self.refuse(node, "compute with numbers, and give arguments from which their types can be told")
        if op is ast.Pow:
            return self._power(node, left, right.constant)
        if op is ast.Div or "float" in (left.kind, right.kind):
            if op not in FLOAT:
                raise self.refuse(node, "write it with +, -, * and /")
            operands = [self._converted(v, "float", node) for v in (left, right)]
            return self.make(FLOAT[op], "float", node, operands, op.__name__)
        if left.constant is not None and right.constant is not None and op in COUNTING:
            return of_object(COUNTING[op](left.constant, right.constant), ast.unparse(node), known=True)
        if INTEGER[op] == "div" and right.constant:
            return self._divided(node, left, right.constant)
        made = self.make(INTEGER[op], "int", node, [left, right], op.__name__)
        form = combined(COUNTING[op], left, right) if op in COUNTING else None
        return made if form is None else Value("int", made.source, made.text, linear=form)

    def _divided(self, node: ast.AST, left: Value, divisor: int) -> Value:
        """Divide by a number that is known: by a shift, or a multiplication and a shift."""
        if divisor & (divisor - 1):
            left = self.make("mul", "int", node, [left], f"by {divisor}")
        return self.make("shift", "int", node, [left], f"{ast.unparse(node)}")

    def _power(self, node: ast.AST, base: Value, exponent: Any) -> Value:
        multiply = "fmul" if base.kind == "float" else "mul"
        if exponent in (2, 3, 4):
            square = self.make(multiply, base.kind, node, [base, base], "square")
            second = {2: None, 3: base, 4: square}[exponent]
            return square if second is None else self.make(multiply, base.kind, node, [square, second], "power")
        if exponent == 0.5 and base.kind == "float":
            return self.make("fsqrt", "float", node, [base])
        if self.code is None and base.kind == "float":  # outside of the loop: what it costs does not count
            return Value("float", text=ast.unparse(node))
        raise self.refuse(node, "write a power as multiplications")

    def _converted(self, value: Value, kind: str, node: ast.AST) -> Value:
        if value.kind == kind or value.source is None:
            return Value(kind, value.source, value.text, value.constant)
        if value.kind not in ("int", "float"):
            raise self.refuse(node, "convert numbers only")
        return self.make(f"to_{kind}", kind, node, [value], "convert")

    def _unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.USub) and value.constant is not None:
            return of_object(-value.constant, ast.unparse(node), known=True)
        if isinstance(node.op, ast.UAdd):
            return value
        return self.make("flogic" if value.kind == "float" else "add", value.kind, node, [value], "unary")

    # Comparisons and choices

    def flags(self, node: ast.expr) -> list[Value]:
        """Return what a branch on a condition waits for; a comparison of integers is part of the branch."""
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            operands = [self.value(node.left), self.value(node.comparators[0])]
            return operands if all(v.kind == "int" for v in operands) else [self._compared(node, operands)]
        return [self.value(node)]

    def _compared(self, node: ast.AST, operands: list[Value]) -> Value:
        if any(v.kind not in ("int", "float") for v in operands):
            raise self.refuse(node, "compare numbers, and give arguments from which their types can be told")
        if any(v.kind == "float" for v in operands):
            operands = [self._converted(v, "float", node) for v in operands]
            return self.make("fcompare", "int", node, operands, ast.unparse(node))
        return self.make("add", "int", node, operands, ast.unparse(node))

    def _compare(self, node: ast.Compare) -> Value:
        values = [self.value(part) for part in (node.left, *node.comparators)]
        parts = [
            self.make("select", "int", node, [self._compared(node, list(pair))], "truth")
            for pair in itertools.pairwise(values)
        ]
        return self._folded("add", "int", node, parts)

    def _boolop(self, node: ast.BoolOp) -> Value:
        return self._folded("add", "int", node, [self.value(part) for part in node.values])

    def _folded(self, operation: str, kind: str, node: ast.AST, values: list[Value]) -> Value:
        total = values[0]
        for value in values[1:]:
            total = self.make(operation, kind, node, [total, value], type(node).__name__)
        return total

    def _ifexp(self, node: ast.IfExp) -> Value:
        flags = self.flags(node.test)
        flag = flags[0] if len(flags) == 1 else self._compared(node.test, flags)
        choices = [self.value(node.body), self.value(node.orelse)]
        kind = "float" if any(v.kind == "float" for v in choices) else "int"
        return self.make("select", kind, node, [flag, *(self._converted(v, kind, node) for v in choices)])

    # Calls

    def _call(self, node: ast.Call) -> Value:
        called = self.object(node.func)
        if self.code is None and (array := self._made_array(node) or self._reshaped(node)) is not None:
            return array
        if called is len:
            return of_size(ast.unparse(node))
        if called is None or node.keywords:
            raise self.refuse(node, "write out what it does: the model has no instruction for a call")
        if called in ROOTS:
            return self.make("fsqrt", "float", node, [self._converted(self.value(node.args[0]), "float", node)])
        values = [self.value(arg) for arg in node.args]
        if called in ABSOLUTES:
            return self._absolute(node, values[0])
        if called in CHOICES and len(values) > 1:
            return self._least(node, values)
        if called in (int, bool) or (isinstance(called, type) and issubclass(called, np.integer | np.bool_)):
            return values[0] if values[0].kind == "int" else self._converted(values[0], "int", node)
        if called is float or (isinstance(called, type) and issubclass(called, np.floating)):
            return self._converted(values[0], "float", node)
        raise self.refuse(node, "write out what it does: the model has no instruction for a call")

    def _absolute(self, node: ast.Call, value: Value) -> Value:
        if value.kind == "float":
            return self.make("flogic", "float", node, [value])
        return self.make("select", "int", node, [self.make("add", "int", node, [value], "negative")], "absolute")

    def _least(self, node: ast.Call, values: list[Value]) -> Value:
        if any(v.kind == "float" for v in values):
            return self._folded("fminmax", "float", node, [self._converted(v, "float", node) for v in values])
        total = values[0]
        for value in values[1:]:
            flag = self.make("add", "int", node, [total, value], "compare")
            total = self.make("select", "int", node, [flag, total, value])
        return total

    def _made_array(self, node: ast.Call) -> Value | None:
        """Return an array that the function makes before the loop."""
        called = self.object(node.func)
        name = (
            getattr(called, "__name__", "") if getattr(np, getattr(called, "__name__", ""), None) is called else ""
        )
        if name.endswith("_like") and name.removesuffix("_like") in MAKERS:
            return replace(self.value(node.args[0]), memory=f"line {self.line(node)}:{node.col_offset}")
        if name not in MAKERS:
            return None
        given = [*node.args[2 if name == "full" else 1 :], *(k.value for k in node.keywords if k.arg == "dtype")]
        shape = node.args[0]
        axes = len(shape.elts) if isinstance(shape, ast.Tuple) else 1
        dtype = np.dtype(self.object(given[0]) if given else float)
        memory = f"line {self.line(node)}:{node.col_offset}"
        return Value("array", text=ast.unparse(node), dtype=dtype, axes=axes, memory=memory)

    def _reshaped(self, node: ast.Call) -> Value | None:
        """Return a view of an array with other axes."""
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "reshape"):
            return None
        array = self.value(node.func.value)
        shape = node.args[0] if len(node.args) == 1 else None
        axes = len(shape.elts) if isinstance(shape, ast.Tuple) else len(node.args)
        return replace(array, text=ast.unparse(node), axes=axes) if array.kind == "array" else None


COUNTER = "(counter)"  # the name of what the loop counts


def unwrapped(node: ast.expr) -> tuple[ast.expr, list[str], list[ast.expr]]:
    """Return what an element is taken from, by which fields, and by which indices."""
    fields: list[str] = []
    indices: list[ast.expr] = []
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute):
            fields.insert(0, node.attr)
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            fields.insert(0, node.slice.value)
        else:
            indices[:0] = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        node = node.value
    return node, fields, indices


def of_size(text: str) -> Value:
    """Return a size, which the loop leaves alone."""
    return Value("int", text=text, linear=Linear(0, 0, text))


def of_type(dtype: np.dtype, text: str) -> Value:
    """Return a number of that type which the loop leaves alone."""
    return of_size(text) if kind_of(dtype) == "int" else Value(kind_of(dtype), text=text)
