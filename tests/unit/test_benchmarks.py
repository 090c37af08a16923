"""Every script has its form; the Numba and C kernels agree with each other and with slow truths."""

import ast
import importlib
import importlib.util
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from programs import require

FOLDER = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
NAMES = [
    *("reduction", "dot", "triad", "transpose", "matmul", "compaction"),
    *("escape", "histogram", "chase", "mandelbrot", "checksum", "edit_distance", "prefix_sum", "stamped"),
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_measures_and_has_a_main(script):
    tree = ast.parse(script.read_text(encoding="utf-8"), filename=str(script))
    assert ast.get_docstring(tree)
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# Numba against C


@pytest.fixture(scope="module")
def duel():
    """Load the script without running it."""
    spec = importlib.util.spec_from_file_location("duel", FOLDER / "numba_against_c.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def libraries(duel, tmp_path_factory):
    """Compile the C side once."""
    require(["gcc"], "gcc libc6-dev")
    return duel.compile_c(tmp_path_factory.mktemp("c"))


def small(kernel, rng):
    """Return small arguments, where it can be no multiple of a vector: what is left over counts too."""

    def levels(n, high):
        return rng.integers(0, high, n, dtype=np.uint8)

    order = rng.permutation(101)
    following = np.empty(101, np.int64)
    following[order] = np.roll(order, -1)
    makers = {
        "reduction": lambda: (rng.random(203),),
        "dot": lambda: (rng.random(203), rng.random(203)),
        "triad": lambda: (np.zeros(203), rng.random(203), rng.random(203), 3.0),
        "transpose": lambda: (rng.random((24, 24)), np.zeros((24, 24))),
        "matmul": lambda: (rng.random((28, 28)), rng.random((28, 28)), np.zeros((28, 28))),
        # Enough that every level occurs, the one at the limit and the one below it too.
        "compaction": lambda: (levels(4003, 256), np.zeros(4004, np.int32)),
        "escape": lambda: (
            levels(203, 256),
            levels(768, 256).reshape(256, 3),
            1 + levels(256, 3),
            np.zeros(609, np.uint8),
        ),
        "histogram": lambda: (levels(203, 256), np.zeros(256, np.int64)),
        "chase": lambda: (following, 77),
        "mandelbrot": lambda: (rng.uniform(-2, 0.6, 203), rng.uniform(-1.2, 1.2, 203), 50),
        "checksum": lambda: (levels(9001, 256),),
        "edit_distance": lambda: (levels(41, 4), levels(41, 4), np.zeros(42, np.int64), np.zeros(42, np.int64)),
        "prefix_sum": lambda: (rng.integers(0, 100, 203), np.zeros(203, np.int64)),
        "stamped": lambda: (rng.integers(0, 4, 203), np.zeros(203, np.uint64)),
    }
    return makers[kernel]()


def truth(kernel, args):
    """Return the result of a kernel, or what becomes of its output array, computed another way."""
    return {
        "reduction": lambda a: a.sum(),
        "dot": lambda a, b: a @ b,
        "triad": lambda a, b, c, s: b + s * c,
        "transpose": lambda a, out: a.T,
        "matmul": lambda a, b, c: a @ b,
        "compaction": lambda priority, out: (priority >= 128).sum(),
        "escape": lambda name, text, width, out: width[name].sum(dtype=np.int64),
        "histogram": lambda a, counts: np.bincount(a, minlength=256),
        "chase": lambda following, steps: walked(following, steps),
        "mandelbrot": lambda re, im, limit: sum(escape(c, limit) for c in re + 1j * im),
        "checksum": lambda a: (zlib.adler32(a) >> 16) << 32 | zlib.adler32(a) & 0xFFFF,
        "edit_distance": lambda a, b, above, row: distance(a, b),
        "prefix_sum": lambda a, out: a.cumsum(),
        "stamped": lambda turns, results: 0,  # no counter goes back
    }[kernel](*args)


def walked(following, steps):
    at = 0
    for _ in range(steps):
        at = following[at]
    return at


def escape(c, limit):
    z, steps = 0j, 0
    while steps < limit and abs(z) <= 2:
        z, steps = z * z + c, steps + 1
    return steps


def distance(a, b):
    table = np.add.outer(np.arange(a.size + 1), np.arange(b.size + 1))
    for i in range(a.size):
        for j in range(b.size):
            replaced = table[i, j] + int(a[i] != b[j])
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, replaced)
    return table[-1, -1]


OUTPUT = {"triad": 0, "transpose": 1, "matmul": 2, "histogram": 1, "prefix_sum": 1}  # the rest return theirs


def test_the_kernels_are_these(duel):
    assert list(duel.KERNELS) == NAMES


@pytest.mark.parametrize("kernel", NAMES)
def test_numba_and_c_agree(duel, libraries, kernel):
    ours, theirs, given = (small(kernel, np.random.default_rng(3)) for _ in range(3))
    result = duel.KERNELS[kernel][0](*ours)
    other = duel.c_function(libraries[kernel], kernel)(theirs)()
    # Only the two sums may be reordered: all else is equal to the last bit, untouched arguments included.
    tolerance = 1e-12 if kernel in ("reduction", "dot") else 0
    if result is not None:
        np.testing.assert_allclose(result, other, rtol=tolerance)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    outcome = ours[OUTPUT[kernel]] if kernel in OUTPUT else result
    np.testing.assert_allclose(outcome, truth(kernel, given), rtol=1e-12)


@pytest.mark.parametrize(("result", "written"), [(2.0, 5.0), (1.0, 6.0)])
def test_the_script_notices_a_wrong_kernel(duel, result, written):
    def kernel(a, result=1.0, written=5.0):
        a[0] = written
        return result

    def make(rng):
        return (np.zeros(9),)

    duel.check_equal(kernel, make, lambda args: lambda: kernel(*args))
    with pytest.raises(AssertionError):
        duel.check_equal(kernel, make, lambda args: lambda: kernel(*args, result, written))


def test_without_gcc_there_is_a_sentence_and_no_failure(duel, monkeypatch, capsys):
    monkeypatch.setattr(duel.shutil, "which", lambda name: None)
    duel.main()
    assert "No gcc here" in capsys.readouterr().out


# Atomics against C


@pytest.fixture(scope="module")
def atomic():
    """Load the script as if it were run: it imports its neighbor."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("primitives_against_c")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def atomic_library(atomic, tmp_path_factory):
    """Compile the C side once."""
    require(["gcc"], "gcc libc6-dev")
    return atomic.compile_c(tmp_path_factory.mktemp("c"))


# What is returned, and what stands in the first array afterwards, for 150 turns.
ATOMIC_OUTCOMES = {
    "compare_exchange": (150, {0: 150}),
    "fetch_add": (sum(sum(range(k, i, 8)) for i in range(150) for k in [i % 8]), {0: sum(range(0, 150, 8))}),
    "transfer": (sum(range(150)), {0: 150, 8: 150}),
    "hand_over": (sum(range(150)), {0: 150, 8: 150}),
}


@pytest.mark.parametrize("kernel", ATOMIC_OUTCOMES)
def test_atomics_and_c_agree(atomic, atomic_library, kernel):
    fn, make, _ = atomic.KERNELS[kernel]
    bind = atomic.c_function(atomic_library, kernel)
    returned, left = ATOMIC_OUTCOMES[kernel]
    for side in (lambda args: fn(*args), lambda args: bind(args)()):
        args = (*make(None)[:-1], 150)
        assert side(args) == returned
        assert {i: args[0][i] for i in left} == left
    atomic.check_equal(fn, make, bind)


def test_the_kernels_are_those_that_have_an_outcome(atomic):
    assert list(atomic.KERNELS) == list(ATOMIC_OUTCOMES)


# Reference solutions against C


@pytest.fixture(scope="module")
def solved():
    """Load the script as if it were run: it imports its neighbor."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("solutions_against_c")
    finally:
        sys.path.remove(str(FOLDER))


def test_solutions_and_c_agree(solved, tmp_path):
    require(["gcc"], "gcc libc6-dev")
    for solution in solved.SOLUTIONS.values():
        library = solved.compile_c(solution.exercise.split("/")[0], tmp_path)
        solved.check_equal(*solved.sides(solution, library))


def test_a_solution_that_differs_from_c_is_seen(solved, tmp_path):
    require(["gcc"], "gcc libc6-dev")
    library = solved.compile_c("algorithms", tmp_path)
    ours, make, bind = solved.sides(solved.SOLUTIONS["memoization"], library)
    with pytest.raises(AssertionError):
        solved.check_equal(lambda a, b: ours(a, b) + 1, make, bind)


# Timed cells


@pytest.fixture(scope="module")
def timed_cells():
    """Load the script without running it."""
    spec = importlib.util.spec_from_file_location("timed_cells", FOLDER / "timed_cells.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["timed_cells"] = module
    spec.loader.exec_module(module)
    return module


def a_row(timed_cells, **changed):
    usual = {
        "exercise": "cpu/one",
        "cell": "one_speed",
        "answer": "solved",
        "load": "quiet",
        "of": 3.0,
        "full": 2.0,
    }
    measured = {"ratio": 5.0, "lowest": 4.5, "lost": 0, "points": [3.0, 3.0], "unsure": 0}
    return timed_cells.Row(**(usual | measured | changed))


@pytest.mark.parametrize(
    ("changed", "mark"),
    [
        ({}, ""),
        ({"lowest": 3.9}, "thin"),
        ({"lowest": 2.5}, "TOO THIN"),
        ({"lowest": 2.5, "load": "busy"}, ""),
        ({"lowest": 2.5, "answer": "naive"}, ""),
    ],
)
def test_a_thin_margin_on_a_quiet_machine_is_marked(timed_cells, changed, mark):
    assert a_row(timed_cells, **changed).mark == mark


def test_what_was_lost_and_how_far_points_spread_is_in_the_table(timed_cells):
    row = a_row(timed_cells, load="busy", lost=1, points=[3.0, 2.0], unsure=1)
    cells = [next(iter(column.cells)) for column in timed_cells.told([row]).columns]
    assert cells == ["one_speed", "solved, busy", "2", "5", "4.5", "2.25", "1 of 2", "1 of 3", "1 of 2", ""]


def test_a_timed_cell_is_run_as_often_as_asked(timed_cells):
    exercise = next(one for one in timed_cells.read_all(FOLDER.parent / "solutions") if timed_cells.timed(one))
    (row, *_) = timed_cells.measured(exercise, "solved", None, "quiet", 1)
    assert row.cell == timed_cells.timed(exercise)[0].grade_id
    assert len(row.points) == 1
    assert 0 < row.lowest <= row.ratio
