"""A cell that hangs, crashes or does not compile costs itself; others keep their points, and all are told why."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from notebooks import notebook
from tempo import NET, patience

from perflab.course.checking import outcome
from perflab.course.reasons import troubles
from perflab.course.running import run

LONG = NET  # what ends by itself may take them on a busy machine


def ran(book, limit=LONG, original=None, **options):
    """Run a notebook; return the points and the reason of each tests cell, and the other troubles."""
    fates = run(book, limit, **options)
    found = {fate.name: outcome(fate, fates, original) for fate in fates if fate.role == "tests"}
    points, why = ({name: getattr(one, what) for name, one in found.items()} for what in ("points", "why"))
    return points, why, troubles(fates)


def test_an_endless_loop_costs_what_calls_it_and_nothing_else():
    answer = (
        "def a():\n    n = 0\n    while True:\n        n += 1\n\n"
        "def b():\n    return 1.0\n\ndef c():\n    return a()\n"
    )
    tests = [(name, "tests", f"{name[0]}()") for name in ("a1", "b1", "a2", "c1")]
    limit = patience(5)  # plenty for the small cells beside the one that never ends
    points, why, _ = ran(notebook(("x_answer", "answer", answer), *tests), limit)
    assert points == {"a1": 0.0, "b1": 1.0, "a2": None, "c1": None}
    assert why["a1"].startswith(f"a1 did not end within {limit:g} s: line ")
    assert " of x_answer, in `a`, was running" in why["a1"]
    assert why["a2"] == why["c1"] == "Not run, since it calls what did not end in a1. Mend that first."
    assert why["b1"] == ""


def test_a_notebook_runs_where_a_loop_runs_already():
    """As it does in a notebook's kernel."""

    async def here():
        return ran(notebook(("x_answer", "answer", "def a():\n    return 1.0\n"), ("a1", "tests", "a()")))

    with ThreadPoolExecutor(1) as beside:
        points, why, _ = beside.submit(asyncio.run, here()).result()
    assert (points, why) == ({"a1": 1.0}, {"a1": ""})


def test_a_crash_costs_what_calls_it_and_a_new_kernel_goes_on():
    answer = "import os\n\ndef a():\n    os._exit(3)\n\ndef b():\n    return 1.0\n"
    tests = [(name, "tests", f"{name[0]}()") for name in ("b1", "a1", "a2", "b2")]
    said = []
    points, why, _ = ran(notebook(("x_answer", "answer", answer), *tests), step=said.append)
    assert points == {"b1": 1.0, "a1": 0.0, "a2": None, "b2": 1.0}
    assert why["a1"] == "a1 ended the kernel, with exit status 3. Leave out the call in line 4 of x_answer."
    assert why["a2"] == "Not run, since it calls what took the kernel down in a1. Mend that first."
    # What b2 may rest on ran again, in the new kernel.
    assert said == ["x_answer", "b1", "a1", "x_answer", "b1", "b2"]


def test_an_index_outside_an_array_is_found_with_its_line():
    answer = (
        "import numpy as np\nfrom numba import njit\n\n@njit\ndef fill(array):\n    for i in range(array.size):\n"
        "        array[i + 2_000_000_000] = 1\n"
    )
    points, why, _ = ran(notebook(("x_answer", "answer", answer), ("t", "tests", "fill(np.zeros(4))")))
    assert points == {"t": 0.0}
    assert why["t"].startswith("The kernel died in t while `fill` was running (SIG")
    assert "With indices checked: IndexError" in why["t"]
    assert why["t"].endswith("Mend that index in x_answer.")


def test_what_grading_would_not_count_is_not_counted_here():
    given = (
        "import os\nimport numpy as np\nfrom perflab import check\n\ndef make(rng):\n    return (np.ones(8),)\n\n"
        "def slow(a):\n    return float(os.path.isdir(os.sep)) * sum(a)\n"
    )
    helper = "def scaled(x):\n    return float(os.path.isdir(os.sep)) * x\n"
    answer = "def {name}(a):\n    total = 0.0\n    for x in a:\n        total += {value}\n    return total\n"
    checks = [
        f"check.correct({name}, against=slow, on=[make], points=1)\n"
        f"check.counts({name}, 'accesses', on=make, zero=50, full=8, points=1)"
        for name in ("plain", "scaling")
    ]
    plain, scaling = (answer.format(name=n, value=v) for n, v in (("plain", "x"), ("scaling", "scaled(x)")))
    points, why, _ = ran(
        notebook(
            ("given", "given", given),
            (None, "own", helper),
            ("x_answer", "answer", plain + scaling),
            ("plain", "tests", checks[0]),
            ("scaling", "tests", checks[1]),
        )
    )
    assert points == {"plain": 1.0, "scaling": 0.0}
    assert (
        "scaling cannot be counted: line 2 has the attribute isdir of os.path: write it without that"
        in why["scaling"]
    )


def test_compiled_code_that_never_ends_names_its_loop():
    answer = "from numba import njit\n\n@njit\ndef forever(n):\n    while n:\n        n += 0\n    return n\n"
    book = notebook(("x_answer", "answer", answer), ("t", "tests", "forever(3)"))
    _, why, _ = ran(book, patience(4))
    assert "`forever` was running, compiled by Numba. See what ends the loop in line 5 of x_answer" in why["t"]


RELEASED = notebook(
    ("given", "given", "import math"),
    *[(f"{name}_answer", "answer", f"def {name}():\n    raise NotImplementedError\n") for name in "abcdef"],
    *[(f"{name}_tests", "tests", f"{name}()") for name in "abcdef"],
)
BROKEN = {
    "a": ("def a():\n    x = (1,\n    return 1.0\n", "a_answer, line 2: SyntaxError: '(' was never closed."),
    "b": ("def b():\n    x = 1\n      return 1.0\n", "b_answer, line 3: IndentationError: unexpected indent."),
    "c": ("import not_there\n\ndef c():\n    return 1.0\n", "c_answer, line 1: ModuleNotFoundError: "),
    "d": ("def d2():\n    return 1.0\n", ""),
    "e": ("1 / 0\n\ndef e():\n    return 1.0\n", "e_answer, line 1: ZeroDivisionError: division by zero."),
    "f": ("def f():\n    return 1.0\n", ""),
}


@pytest.fixture(scope="module")
def broken():
    cells = [(f"{name}_answer", "answer", source) for name, (source, _) in BROKEN.items()]
    tests = [(f"{name}_tests", "tests", f"{name}()") for name in BROKEN]
    own = [("", "own", "helper(")]
    return ran(notebook(("given", "given", "import math"), *cells, *own, *tests), original=RELEASED)


def test_cells_that_do_not_run_are_named_with_their_lines(broken):
    said = broken[2]
    expected = [text for _, text in BROKEN.values() if text]
    assert all(one.startswith(text) for one, text in zip(said, expected, strict=False))
    assert said[len(expected)] == "your cell after f_answer, line 1: SyntaxError: incomplete input."
    assert len(said) == len(expected) + 1
    assert "not among what the course installs" in said[2]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a", "`a` is not defined. Its cell, a_answer, ended with SyntaxError: '(' was never closed in line 2."),
        ("b", "`b` is not defined. Its cell, b_answer, ended with IndentationError: unexpected indent in line 3."),
        ("d", "`d` is not defined: d_answer does not define it, but `d2`. Use the name that the exercise gives."),
        ("e", "`e` is not defined. Its cell, e_answer, ended with ZeroDivisionError: division by zero in line 1."),
        ("f", ""),
    ],
)
def test_a_tests_cell_says_why_a_name_is_missing(broken, name, sentence):
    assert broken[1][f"{name}_tests"] == sentence
    assert broken[0][f"{name}_tests"] == (0.0 if sentence else 1.0)


def test_a_helper_that_numba_has_cached_is_compiled_again_when_it_changes():
    def total(body):
        helper = f"from numba import njit\n\n@njit(cache=True)\ndef helper(v):\n    return {body}\n"
        use = "@njit(cache=True)\ndef total(v):\n    return helper(v)\n"
        cells = ("x_helper", "answer", helper), ("x_answer", "answer", use), ("t", "tests", "total(3.0) / 9")
        return ran(notebook(*cells))[0]["t"]

    assert total("v + v") == pytest.approx(6 / 9)
    assert total("v * v") == 1.0


def test_pictures_run_only_when_asked():
    def ran_show(pictures):
        book = notebook(("g", "given", "x = 1"), ("s", "show", "x"), ("t", "tests", "1.0"))
        return [fate.name for fate in run(book, LONG, pictures)]

    assert ran_show(False) == ["g", "t"]
    assert ran_show(True) == ["g", "s", "t"]
