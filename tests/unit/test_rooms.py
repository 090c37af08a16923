"""The rooms of perflab: imports go downwards only, and no file needs what it should not know."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "perflab"
# From the bottom up; a room imports from those below it and from itself.
ROOMS = (
    *("intrinsics", "atomics", "hints", "threads", "simd"),
    *("words", "models", "timing", "figures", "pictures", "counters", "codegen", "machine"),
    *("claims", "check", "guest", "course", "lms", "judge", "sphinxext", "cli"),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the dotted names that a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def upwards(path: Path, names: set[str]) -> list[str]:
    """Return the imports of `path` that go up."""
    rank = ROOMS.index(room(path))
    own = [name.split(".")[1] for name in names if name.startswith("perflab.")]
    return [name for name in own if name in ROOMS and ROOMS.index(name) > rank]


@pytest.mark.parametrize("path", [p for p in MODULES if room(p) != "__init__"], ids=lambda p: p.stem)
def test_imports_go_downwards(path):
    assert room(path) in ROOMS, "a new room: give it a place in ROOMS and in CONTRIBUTING.md"
    assert upwards(path, imported(path)) == []


def test_an_upward_import_is_seen():
    assert upwards(PACKAGE / "timing.py", {"perflab.course.read"}) == ["course"]


@pytest.mark.parametrize("path", sorted((PACKAGE / "models").rglob("*.py")), ids=lambda p: p.stem)
def test_models_need_numpy_and_numba_only(path):
    import sys

    outside = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert outside <= {"numpy", "numba", "perflab"}


PRIMITIVES = [path for path in MODULES if room(path) in ("intrinsics", "atomics", "hints", "threads", "simd")]


@pytest.mark.parametrize("path", PRIMITIVES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_primitives_need_no_more_than_numba_does(path):
    import sys

    outside = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert outside <= {"numpy", "numba", "llvmlite", "perflab"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_modules_stay_short_and_documented(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "say in a sentence what the module is for"
    assert len(text.splitlines()) <= 600, "one idea each"
