"""Which cells of a notebook a result rests on: who reads it later can tell whether it still holds."""

import dis
import linecache
import os
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

GRADE_ID = "# grade_id: "  # first line of a tests cell, written when the notebook is generated
WITHOUT = "# without: "  # its second line, where answers may not use some modules


def tests_frame() -> FrameType | None:
    """Return the frame of the tests cell that is running, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        first = linecache.getline(frame.f_code.co_filename, 1) if frame.f_code.co_name == "<module>" else ""
        if first.startswith(GRADE_ID):
            return frame
        frame = frame.f_back
    return None


def cells() -> list[str]:
    """Return the cells that define what the tests cell that is running calls, and what that calls in turn.

    Returns
    -------
    list of str
        Names of files without their folder: a kernel makes one of the text of each cell.
    """
    frame = tests_frame()
    if frame is None:
        return []
    functions = [one for _, one in _behind(list(frame.f_code.co_names), frame.f_globals)]
    return sorted(
        {os.path.basename(one.__code__.co_filename) for one in functions if isinstance(one, FunctionType)}
    )


def forbidden(fn: Any) -> str | None:
    """Return a module that a function uses although the tests cell that is running says that none may, or None.

    A judge has no such module. In a learner's own kernel this tells who would lose there.
    """
    frame = tests_frame()
    line = linecache.getline(frame.f_code.co_filename, 2) if frame is not None else ""
    if frame is None or not line.startswith(WITHOUT):
        return None
    modules = line.removeprefix(WITHOUT).strip().split(", ")
    used: list[str] = []
    for function in _functions(fn):
        used += _imported(function.__code__)
        for value, one in _behind(_read(function.__code__), frame.f_globals):
            used += _imported(one.__code__) if isinstance(one, FunctionType) else [_home_of(value)]
    return next((one for one in modules for name in used if f"{name}.".startswith(f"{one}.")), None)


def _behind(left: list[str], names: dict[str, Any]) -> Iterator[tuple[Any, FunctionType | None]]:
    """Yield values of a notebook's names, each with a function of the notebook behind it, and what these read."""
    seen = set()
    while left:
        name = left.pop()
        if name in seen or name not in names:
            continue
        seen.add(name)
        mine = [function for function in _functions(names[name]) if function.__globals__ is names]
        for function in mine:
            yield names[name], function
            left += _read(function.__code__)
        if not mine:
            yield names[name], None


def _home_of(value: Any) -> str:
    return value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", None) or "")


def _imported(code: CodeType) -> Iterator[str]:
    """Yield what a function's code, or code inside it, imports: modules, and what it takes from them."""
    module = ""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            module = instruction.argval
            yield module
        elif instruction.opname == "IMPORT_FROM":
            yield f"{module}.{instruction.argval}"
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _imported(one)
        elif isinstance(one, str):  # as `importlib.import_module` takes it
            yield one


def _functions(value: Any) -> Iterator[FunctionType]:
    """Yield the Python functions behind a value: itself, what Numba compiles, the methods of a class."""
    value = getattr(value, "py_func", value)
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, type):
        yield from (member for member in vars(value).values() if isinstance(member, FunctionType))


def _read(code: CodeType) -> list[str]:
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return [*code.co_names, *(name for one in inner for name in _read(one))]
