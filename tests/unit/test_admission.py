"""The clean room admits what computes, and nothing that could reach the instrument beside it."""

import sys
from pathlib import Path

import pytest

from perflab.check.admission import admitted
from perflab.check.bench import ForbiddenError
from perflab.check.vocabulary import ATTRIBUTES, INNER, names_of
from perflab.models import lines, traced

GIVEN = """
import os
import numpy as np
from numba import njit
from perflab import check
from time import perf_counter

PARTICLE = np.dtype([("x", np.float32), ("mass", np.float32)])

class Point:
    def shift(self):
        self.left = 0
"""

PRELUDE = "import numpy as np\nfrom numba import njit\nfrom perflab import check\nURGENT = 5\n"
# What takes arrays out of sight, or reaches any memory.
REFUSED_STYLES = ("memoryview", "a.data", "np.lib.stride_tricks", "np.vectorize", "np.fromfunction", "type()")


def table(name):
    """Return the sources of a file, by their names."""
    text = (Path(__file__).parent / "admission" / name).read_text()
    parts = (part.partition("\n") for part in text.removeprefix("# %% ").split("\n# %% "))
    return {title: source.rstrip() + "\n" for title, _, source in parts}


HARMLESS, HARMFUL, STYLES = table("harmless.txt"), table("harmful.txt"), table("styles.txt")
HARMFUL["too deep"] = "def f(x):\n    return " + "(" * 5000 + "x" + ")" * 5000
HARMFUL["a long chain"] = "def f(x):\n    return " + "x + " * 50_000 + "x"


@pytest.mark.parametrize("source", HARMLESS.values(), ids=HARMLESS)
def test_what_computes_is_admitted(source):
    (text,) = admitted([source], {"f"}, [GIVEN])
    assert "def f" in text


@pytest.mark.parametrize("source", HARMFUL.values(), ids=HARMFUL)
def test_what_reaches_further_is_not(source):
    with pytest.raises(ForbiddenError):
        admitted([source], {"f"}, [GIVEN])


def test_the_reason_names_line_and_word():
    with pytest.raises(ForbiddenError, match="line 3 has the attribute __class__: write it without that"):
        admitted(["def f(x):\n    y = x\n    return y.__class__"], {"f"})


def test_what_is_not_needed_need_not_be_harmless():
    cells = [
        "import sys\nsys.path\nprint(sys)",
        "K = 2\ndef helper(x):\n    return x * K\ndef f(x):\n    return helper(x)",
    ]
    first, second = admitted(cells, {"f"})
    assert first == ""
    assert second == cells[1]
    assert "K = 2" in second


def test_own_names_never_open_what_the_interpreter_calls_so():
    assert {
        "gi_frame",
        "f_back",
        "f_globals",
        "func",
        "py_func",
        "tb_frame",
        "cr_frame",
        "fetched",
    } <= INNER - ATTRIBUTES


def test_fields_may_be_called_as_what_the_instrument_imports():
    homes = lines.__name__, traced.__name__
    names = [
        name
        for name, value in {**vars(lines), **vars(traced)}.items()
        if not name.startswith("_") and getattr(value, "__module__", "") not in homes
    ]
    fields = "".join(f"        self.{name} = x\n" for name in names)
    read = " + ".join(f"one.{name}" for name in names)
    cell = f"class One:\n    def __init__(self, x):\n{fields}\ndef f(x):\n    one = One(x)\n    return {read}"
    assert {"array", "collections", "types", "Path"} <= set(names)
    assert admitted([cell], {"f"}) == [cell]


@pytest.mark.parametrize("name", STYLES)
def test_ordinary_python_is_admitted_or_refused_with_line_and_remedy(name, tmp_path):
    if name in REFUSED_STYLES:
        with pytest.raises(ForbiddenError, match=r"^line \d+ has .*: .*(write|use)"):
            admitted([STYLES[name]], {"f"}, [PRELUDE])
        return
    (text,) = admitted([STYLES[name]], {"f"}, [PRELUDE])
    names = {"__name__": "__main__"}
    path = tmp_path / "cell.py"  # Numba's cache looks for one
    path.write_text(text)
    for source in (PRELUDE, text):
        exec(compile(source, str(path), "exec"), names)
    assert callable(names["f"])


@pytest.mark.parametrize("made", ["[K for K in (1, 2)]", "[*{K for K in (1, 2)}]", "[*{K: K for K in (1, 2)}]"])
def test_the_name_of_a_comprehension_is_its_own(made):
    """Python keeps it apart with every version, however it compiles a comprehension."""
    cell = f"T = {made}\ndef f(x):\n    return x + T[0]"
    assert "T = " in admitted([cell], {"f"}, ours={"K"})[0]


def test_of_the_styles_sixty_are_admitted():
    assert len(STYLES) >= 68
    assert len(STYLES) - len(REFUSED_STYLES) >= 60


TABLES = {
    "a loop": "T = np.zeros(3)\nfor i in range(3):\n    T[i] = i + 1",
    "a method": "T = []\nT.append(1)\nT.extend([2, 3])",
    "a function": "def fill(t):\n    t[:] = [1, 2, 3]\nT = [0]\nfill(T)",
    "a function that calls one": "def one(t, x):\n    t.append(x)\ndef fill(t):\n    for x in (1, 2, 3):\n"
    "        one(t, x)\nT = []\nfill(T)",
    "a function by its global": "T = None\ndef start():\n    global T\n    T = [1, 2, 3]\nstart()",
    "a function that starts it": "T = []\ndef first():\n    T.append(1)\ndef start():\n    first()\n"
    "    T.extend([2, 3])\nstart()",
    "a decorator": "T = []\ndef enlist(g):\n    T.append(g())\n    return g\n@enlist\ndef a(): return 1\n@enlist\n"
    "def b(): return 2\n@enlist\ndef c(): return 3",
    "map": "T = []\nlist(map(T.append, [1, 2, 3]))",
    "a comprehension": "T = []\n[T.append(i) for i in (1, 2, 3)]",
    "numpy": "T = np.zeros(3)\nnp.copyto(T, [1, 2, 3])",
    "an argument": "T = np.zeros(3)\nnp.add([0, 1, 2], 1, out=T)",
    "while": "T = []\nwhile len(T) < 3:\n    T.append(len(T) + 1)",
    "with": "import contextlib\nwith contextlib.suppress(KeyError):\n    T = [1, 2, 3]",
    "match": "match 3:\n    case n:\n        T = [1, 2, n]",
    "walrus": "(T := [1, 2, 3])",
    "a comprehension's walrus": "[T := [1, 2, i] for i in (1, 2, 3)]",
    "augmented assignment": "T = [1]\nT += [2, 3]",
    "unpacking": "T, *rest = [1, 2, 3], 4",
    "an alias": "T = [1, 2]\nother = T\nT.append(3)",
    "deletion": "T = [0, 1, 2, 3]\ndel T[0]",
    "a default": "def g(t=[]):\n    t.append(1)\n    return t\nT = [*g(), 2, 3]",
    "a class": "class Table:\n    rows = [1, 2, 3]\nT = Table.rows",
    "an attribute of a function": "def T(): return T.rows\nT.rows = [1, 2, 3]\nT = T()",
    "time": "%%time\nT = [1, 2, 3]",
    "time of a line": "%time T = [1, 2, 3]",
    "semicolons": "T = [1]; T.append(2); x = 5; T.append(3)",
    "try": "try:\n    T = [][0]\nexcept IndexError:\n    T = [1, 2, 3]",
}


@pytest.mark.parametrize("source", TABLES.values(), ids=TABLES)
def test_what_fills_a_table_is_part_of_the_program(source):
    names = {}
    for text in (PRELUDE, *admitted([source, "def f(x):\n    return T[x]"], {"f"}, [PRELUDE])):
        exec(text, names)
    assert [names["f"](i) for i in range(3)] == [1, 2, 3]


BESIDE = {
    "magics": "%matplotlib inline\n%timeit f(1)\n!pip list\nnp.sum?\n%load_ext line_profiler",
    "a magic of a cell": "%%timeit\nimport sys\nf(sys.argv)",
    "a syntax error": "def g(:\n    pass\nK = 3",
    "a picture": "import matplotlib.pyplot as plt\nplt.plot(T)\nplt.show()",
    "an experiment": "import os\nresult = f(T)\nprint(result, os.cpu_count())\nfor total in (1, 2):\n    print(i)",
    "locals of the function elsewhere": "import os\ntotal = os.cpu_count()\ni = total",
    "a function with a local of that name": "import os\ndef g(n):\n    T = []\n    T.append(n)\ng(os.sep)",
    "a function of a module like a method": "import os\ndef g(n):\n    return np.sort(n)\ng(os.sep)",
    "settings": "np.set_printoptions(precision=3)\nnp.seterr(all='ignore')",
    "await": "import asyncio\nasync def g(): pass\nawait g()",
    "checks": "check.correct(f, against=f, on=[T], points=1)",
    "a null byte": "x = '\0'",
    "a call of what remembers": "import os\nos.path.join(str(f(T)), 'x')",
    "a dedented cell": "   import os\n   os.getcwd()",
    "five thousand magics": "%time import os\n" * 5000,
}


@pytest.mark.parametrize("source", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("first", [True, False])
def test_what_stands_beside_the_answer_does_not_matter(source, first):
    answer = "T = [1, 2]\nSEEN = {}\ndef f(x):\n    SEEN[1] = total = i = np.int64(1)\n    return T[0] + total"
    cells = [source, answer] if first else [answer, source]
    kept = admitted(cells, {"f"}, [PRELUDE])
    assert kept[1 if first else 0] == answer
    assert kept[0 if first else 1].strip() == ""


def test_lines_stay_where_they_are():
    source = (
        "import os\n\n# why\nK = 2; L = os.getcwd(); M = 3\n\n@njit\ndef f(x):\n    # what\n    return x * K * M\n"
    )
    (text,) = admitted([source], {"f"}, [PRELUDE])
    assert text.split("\n") == [
        "",
        "",
        "",
        "K = 2; M = 3",
        "",
        "@njit",
        "def f(x):",
        "    # what",
        "    return x * K * M",
    ]


def test_annotations_that_nobody_evaluates_stay_so():
    cells = ["from __future__ import annotations", "def f(x: Nowhere) -> Else:\n    return x"]
    names = {}
    for text in admitted(cells, {"f"}):
        exec(compile(text, "<cell>", "exec", dont_inherit=True), names)
    assert names["f"](3) == 3


def test_a_function_that_no_cell_defines_is_named():
    with pytest.raises(ForbiddenError, match="no cell that runs defines f: look for an error"):
        admitted(["def g(x):\n    return x", "def f(x:\n    return x"], {"f"})


GETS = "def f(x):\n    return T"
CHAINS = {
    "names": lambda n: "\n".join(
        ["v0 = 1", *(f"v{i + 1} = v{i}" for i in range(n)), f"def f(x):\n    return v{n}"]
    ),
    "functions": lambda n: "\n".join(
        [
            "T = []",
            *(f"def g{i}():\n    g{i + 1}()" for i in range(n)),
            f"def g{n}():\n    T.append(1)\ng0()",
            GETS,
        ]
    ),
    "one name": lambda n: "\n".join(["T = []", *["T.append(1)"] * n, GETS]),
    "arguments": lambda n: "\n".join(["T = []", "def g(*t):\n    t.clear()", *["g(T, T, T)"] * n, GETS]),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_the_time_it_takes_grows_with_the_code_and_no_faster(chain):
    def steps(n):
        count = 0

        def step(frame, event, arg):
            nonlocal count
            count += 1

        sys.setprofile(step)
        try:
            admitted([chain(n)], {"f"})
        finally:
            sys.setprofile(None)
        return count

    steps(10)  # what is done once
    assert steps(400) < 2.2 * steps(200)


def test_more_code_than_anybody_writes_is_refused():
    with pytest.raises(ForbiddenError, match="more than 5,000 statements"):
        admitted(["x = 1\n" * 5001], {"f"})


def test_no_module_gives_another_one_away():
    assert "attrgetter" not in names_of("operator")
    assert not {"lib", "core", "linalg", "testing"} & names_of("numpy")
    assert names_of("perflab") == frozenset()


def test_what_stays_the_courses_cannot_be_defined_where_it_is_needed():
    cells = ["LIMIT = 3\n\ndef drive(x):\n    return x", "def f(x):\n    return x + LIMIT"]
    assert "LIMIT = 3" in admitted(cells, {"f"}, ours={"drive"})[0]
    with pytest.raises(ForbiddenError, match="line 1 has a definition of LIMIT, which is the course's"):
        admitted(cells, {"f"}, ours={"LIMIT", "drive"})
    with pytest.raises(ForbiddenError, match="line 3 has a definition of drive"):
        admitted([*cells, "def g(x):\n    return drive(x)"], {"g"}, ours={"drive"})
