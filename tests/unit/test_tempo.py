"""Limits of seconds in tests: they grow with a slower machine, and no test has one of its own."""

import ast
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import tempo

TESTS = Path(__file__).parents[1]
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time"}


@pytest.fixture
def slow(monkeypatch):
    """A machine that is forty times as slow as the typical one."""
    monkeypatch.setattr(tempo, "piece", lambda: (30 * tempo.TYPICAL, 40 * tempo.TYPICAL))
    monkeypatch.setattr(tempo, "_known", {})


def test_a_piece_takes_time():
    cpu, wall = tempo.piece()
    assert 0 < cpu < 1.5 * wall


def test_a_slow_machine_gets_more_time(slow):
    assert tempo.slowness() == pytest.approx(30)
    assert tempo.patience(2) == pytest.approx(80)


def test_a_fast_machine_gets_no_less(monkeypatch):
    monkeypatch.setattr(tempo, "piece", lambda: (0.5 * tempo.TYPICAL, 0.5 * tempo.TYPICAL))
    monkeypatch.setattr(tempo, "_known", {})
    assert tempo.patience(2) == 2


@pytest.mark.parametrize(("lasts", "fails"), [(1, False), (70, False), (90, True)])
def test_a_block_may_take_as_much_longer_as_the_machine_is_slow(slow, monkeypatch, lasts, fails):
    clock = iter((1000, 1000 + lasts, 2000, 2000))
    monkeypatch.setattr(tempo, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    said = pytest.raises(AssertionError, match=r"90\.0 s, and 2 s were expected") if fails else nullcontext()
    with said, tempo.within(2):
        pass


def test_each_load_has_a_measurement_of_its_own(slow, monkeypatch):
    tempo.slowness()
    monkeypatch.setattr(tempo, "piece", lambda: (60 * tempo.TYPICAL, 80 * tempo.TYPICAL))
    assert tempo.slowness("busy") == pytest.approx(60)
    assert tempo.slowness() == pytest.approx(30)
    monkeypatch.setattr(tempo, "FRESH", 0)
    assert tempo.slowness() == pytest.approx(60)


def clocked(tree: ast.AST) -> list[int]:
    """Return the lines that fail where a clock has gone on for longer than seconds that are written there."""

    def asks_a_clock(node: ast.AST) -> bool:
        return any(isinstance(one, ast.Attribute) and one.attr in CLOCKS for one in ast.walk(node))

    return [
        node.lineno
        for claim in ast.walk(tree)
        if isinstance(claim, ast.Assert)
        for node in ast.walk(claim.test)
        if isinstance(node, ast.Compare) and asks_a_clock(node.left)
        if any(isinstance(bound, ast.Constant) for bound in node.comparators)
        if any(isinstance(op, ast.Lt | ast.LtE) for op in node.ops)
    ]


def waits(tree: ast.AST) -> list[int]:
    """Return the lines that give up after seconds that are written there; shorter ones than 1 s look again."""

    def seconds(call: ast.Call) -> list[ast.expr]:
        named = [k.value for k in call.keywords if k.arg in {"timeout", "call", "wall"}]
        waiting = isinstance(call.func, ast.Attribute) and call.func.attr in {"wait", "join", "communicate"}
        return named + call.args[:1] * waiting

    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for limit in seconds(node)
        if isinstance(limit, ast.Constant)
        and isinstance(limit.value, float | int)
        and 1 <= limit.value < tempo.NET
    ]


def test_no_test_knows_how_fast_the_machine_is():
    found = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        if "attacks" not in path.parts
        for line in (lambda tree: clocked(tree) + waits(tree))(ast.parse(path.read_text()))
    }
    assert not found


@pytest.mark.parametrize(
    ("look", "text"),
    [
        (clocked, "assert time.monotonic() - start < 5"),
        (waits, "subprocess.run(command, timeout=60)"),
        (waits, "Limits(memory=1, call=6.0)"),
        (waits, "program.wait(5)"),
    ],
)
def test_a_limit_of_seconds_is_seen(look, text):
    assert look(ast.parse(text)) == [1]
