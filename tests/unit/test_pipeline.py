"""A loop runs as in a slow, plain simulation; bounds are those of enumeration and linear programming."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numba import njit
from scipy.optimize import linprog

from perflab.models.pipeline import (
    SKYLAKE,
    Core,
    Instruction,
    Loop,
    Operation,
    UnmodelledError,
    analyze,
    issue_bound,
    latency_bound,
    path,
    read,
    run,
    unit_bound,
)

KINDS = {
    "a": Operation(1, (("01", 1),)),
    "b": Operation(3, (("0", 1),)),
    "c": Operation(4, (("12", 1),)),
    "d": Operation(7, (("0", 1), ("D", 3))),
    "e": Operation(0, (("12", 1), ("3", 2))),
    "branch": Operation(1, (("2", 1),)),
}


def random_loop(rng, size):
    body = []
    for number in range(size):
        needs = {(int(rng.integers(number)), 0) for _ in range(rng.integers(0, 3)) if number}
        needs |= {(int(rng.integers(size)), int(rng.integers(1, 3))) for _ in range(rng.integers(0, 2))}
        body.append(Instruction(str(rng.choice(list(KINDS))), f"i{number}", 1, tuple(sorted(needs))))
    return Loop("random", tuple(body))


def random_core(rng):
    return Core("small", int(rng.integers(1, 4)), int(rng.integers(2, 12)), int(rng.integers(0, 6)), KINDS)


def plainly(loop, core, iterations, mispredicted=()):
    """Simulate cycle by cycle, looking at everything each time; return (entered, started, done, left, units)."""
    order = [(i, n) for i in range(iterations) for n in range(len(loop.body))]
    state = {k: dict.fromkeys(("entered", "started", "done", "left", "units")) for k in order}
    branch = [n for n, it in enumerate(loop.body) if it.operation == "branch"][:1]
    shared = {
        u: sum(u in names for it in loop.body for names, _ in core.operations[it.operation].uses) for u in "0123D"
    }
    taken_until = dict.fromkeys("0123D", 0)
    cycle = 0
    while any(s["left"] is None for s in state.values()):
        inside = [k for k in order if state[k]["entered"] is not None and state[k]["left"] is None]
        for k in inside[: core.width]:
            if state[k]["done"] is None or state[k]["done"] > cycle:
                break
            state[k]["left"] = cycle
        for i, n in order:
            s, it = state[i, n], loop.body[n]
            if s["entered"] in (None, cycle) or s["started"] is not None:
                continue
            operands = [state[i - back, m]["done"] for m, back in it.needs if i >= back]
            if any(done is None or done > cycle for done in operands):
                continue
            units = ""
            for names, _ in core.operations[it.operation].uses:
                free = sorted((shared[u], u) for u in names if taken_until[u] <= cycle and u not in units)
                units += free[0][1] if free else "?"
            if "?" not in units:
                s |= {"started": cycle, "done": cycle + core.operations[it.operation].latency, "units": units}
                for unit, (_, cycles) in zip(units, core.operations[it.operation].uses, strict=True):
                    taken_until[unit] = cycle + cycles
        for _ in range(core.width):
            outside = [k for k in order if state[k]["entered"] is None]
            inside = sum(s["entered"] is not None and s["left"] is None for s in state.values())
            wrong = [(i, branch[0]) for i in mispredicted if state[i, branch[0]]["entered"] is not None]
            stalled = any(state[k]["done"] is None or cycle < state[k]["done"] + core.penalty for k in wrong)
            if outside and inside < core.window and not stalled:
                state[outside[0]]["entered"] = cycle
        cycle += 1
    return [tuple(state[k].values()) for k in order]


@pytest.mark.parametrize("seed", range(30))
def test_a_run_is_that_of_a_plain_simulation(seed):
    rng = np.random.default_rng(seed)
    loop, core = random_loop(rng, int(rng.integers(1, 9))), random_core(rng)
    mispredicted = set()
    if any(it.operation == "branch" for it in loop.body):
        mispredicted = set(rng.integers(0, 9, rng.integers(0, 3)).tolist())
    found = run(loop, core, 9, mispredicted)
    columns = (found.entered, found.started, found.done, found.left, found.units)
    rows = list(zip(*(column.ravel().tolist() for column in columns), strict=True))
    assert rows == plainly(loop, core, 9, mispredicted)
    assert found.cycles == rows[-1][3] + 1


def shortest(loop, core, iterations):
    """Return the earliest possible last result, over all starts and all units; no width, no window."""
    order = [(i, n) for i in range(iterations) for n in range(len(loop.body))]
    best = math.inf

    def go(at, done, busy):
        nonlocal best
        if max(done.values(), default=0) >= best:
            return
        if at == len(order):
            best = max(done.values())
            return
        i, n = order[at]
        operation = core.operations[loop.body[n].operation]
        first = max([0, *(done[i - back, m] for m, back in loop.body[n].needs if i >= back)])
        for start in range(first, first + 9):
            for units in itertools.product(*(names for names, _ in operation.uses)):
                wanted = {
                    (u, start + c) for u, (_, k) in zip(units, operation.uses, strict=True) for c in range(k)
                }
                if not wanted & busy:
                    go(at + 1, {**done, (i, n): start + operation.latency}, busy | wanted)

    go(0, {}, frozenset())
    return best


@pytest.mark.parametrize("seed", range(12))
def test_no_run_beats_the_best_schedule_and_no_schedule_beats_the_bounds(seed):
    rng = np.random.default_rng(seed)
    loop, core = random_loop(rng, 2), random_core(rng)
    best = shortest(loop, core, 3)
    assert run(loop, core, 3).done.max() >= best
    assert best >= path(loop, core)
    free = replace(core, width=99, window=99)
    assert run(loop, free, 3).done.max() - 1 >= best  # one cycle to enter


@pytest.mark.parametrize("seed", range(40))
def test_the_latency_bound_is_the_worst_circle(seed):
    loop, core = random_loop(np.random.default_rng(seed), 5), SMALL
    found = Fraction(0)
    for size in range(1, 6):
        for circle in itertools.permutations(range(5), size):
            hops = zip(circle, circle[1:] + circle[:1], strict=True)
            backs = [min((b for m, b in loop.body[i].needs if m == n), default=None) for n, i in hops]
            if None not in backs:
                latency = sum(core.operations[loop.body[n].operation].latency for n in circle)
                found = max(found, Fraction(latency, sum(backs)))
    bound, chain = latency_bound(loop, core)
    assert bound == found
    assert bool(chain) == (bound > 0)


SMALL = Core("small", 2, 8, 3, KINDS)


@pytest.mark.parametrize("seed", range(20))
def test_the_unit_bound_is_the_best_fractional_assignment(seed):
    loop = random_loop(np.random.default_rng(seed), 7)
    uses = [use for it in loop.body for use in KINDS[it.operation].uses]
    units = "0123D"
    pairs = [(k, u) for k, (names, _) in enumerate(uses) for u in names]
    cost = [0.0] * len(pairs) + [1.0]
    shares = [[float(k == other) for other, _ in pairs] + [0.0] for k in range(len(uses))]
    loads = [[uses[k][1] * (u == unit) for k, u in pairs] + [-1.0] for unit in units]
    solved = linprog(cost, loads, [0] * len(units), shares, [1] * len(uses))
    assert float(unit_bound(loop, SMALL)[0]) == pytest.approx(solved.fun)


@pytest.mark.parametrize("seed", range(15))
def test_the_steady_state_keeps_to_the_bounds(seed):
    loop = random_loop(np.random.default_rng(seed), 6)
    found = analyze(loop, SMALL)
    assert found.cycles >= max(found.latency, found.issue, found.unit)
    far = run(loop, SMALL, 3000).left[:, -1]
    assert float(found.cycles) == pytest.approx((far[-1] - far[1000]) / 1999, abs=0.01)


# Loops of functions


@njit
def total(a):
    s = 0.0
    for i in range(a.size):
        s += a[i]
    return s


def total_of(k):
    """Return a sum with k accumulators, as its text says."""
    names = [f"s{j}" for j in range(k)]
    lines = ["def total(a):", f"    {' = '.join(names)} = 0.0", f"    for i in range(0, a.size - {k - 1}, {k}):"]
    lines += [f"        s{j} += a[i + {j}]" for j in range(k)]
    return "\n".join([*lines, f"    return {' + '.join(names)}"])


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that makes a function of its source, in a module of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(source):
        made.append(f"kernel_{len(made)}_{tmp_path.name.replace('-', '_')}")
        (tmp_path / f"{made[-1]}.py").write_text("import math\nimport numpy as np\n" + source)
        return vars(__import__(made[-1]))

    return write


def test_a_sum_waits_for_itself():
    loop = read(total, (np.ones(9),))
    assert [(it.operation, it.needs) for it in loop.body] == [
        ("load", ((2, 1),)),
        ("fadd", ((0, 0), (1, 1))),
        ("add", ((2, 1),)),
        ("branch", ((2, 0),)),
    ]
    found = analyze(loop)
    assert (found.cycles, found.bound, found.latency, found.chain) == (4, "latency", 4, (1,))
    assert (found.issue, found.unit, found.busiest) == (1, Fraction(3, 4), "0156")
    assert found.path == 9
    assert "bound by latency" in str(found)


def test_accumulators_turn_a_latency_bound_into_one_of_throughput(written):
    found = {k: analyze(read(written(total_of(k))["total"], (np.ones(9),))) for k in (1, 2, 4, 8, 16)}
    assert [float(found[k].per_element) for k in (1, 2, 4)] == [4, 2, 1]
    assert [found[k].bound for k in (1, 2, 4, 8, 16)] == ["latency"] * 3 + ["issue"] * 2
    # Wide enough, two adders are the end.
    wide = {
        k: analyze(read(written(total_of(k))["total"], (np.ones(9),)), replace(SKYLAKE, width=6)) for k in (8, 16)
    }
    assert [float(wide[k].per_element) for k in (8, 16)] == [0.5, 0.5]
    assert wide[16].bound == "unit"
    assert wide[16].busiest == "01"


def test_a_table_may_be_changed():
    loop = read(total, (np.ones(9),))
    assert analyze(loop, SKYLAKE.having(fadd=Operation(2, (("01", 1),)))).cycles == 2
    assert analyze(loop, replace(SKYLAKE, width=1)).cycles == 4
    assert SKYLAKE.operations["fdiv"].throughput == 4
    assert SKYLAKE.operations["fadd"].throughput == Fraction(1, 2)


def test_a_mispredicted_branch_costs_its_penalty():
    loop = Loop("f", (Instruction("load", "x", 1), Instruction("branch", "x > 0", 1, ((0, 0),))))
    right, wrong = run(loop, SKYLAKE, 10).cycles, run(loop, SKYLAKE, 10, {4}).cycles
    assert wrong - right >= SKYLAKE.penalty + 5


CASES = {
    "prefix": (
        "def f(a, o):\n for i in range(1, a.size):\n  o[i] = o[i - 1] + a[i]",
        "aa",
        9,
        "load load fadd store",
    ),
    "two back": (
        "def f(a, o):\n for i in range(2, a.size):\n  o[i] = o[i - 2] + a[i]",
        "aa",
        4.5,
        "load load fadd store",
    ),
    "down": ("def f(a):\n for i in range(9, 0, -1):\n  a[i - 1] = a[i] * 2.0", "a", 9, "load fmul store"),
    "ahead": ("def f(a):\n for i in range(9):\n  a[i] = a[i + 1] * 2.0", "a", 1.25, "load fmul store"),
    "one place": ("def f(a, k):\n for i in range(9):\n  a[k] += 1.0", "ai", 9, "load fadd store"),
    "row": ("def f(m, k):\n s = 0.0\n for i in range(9):\n  s += m[k, i]\n return s", "mi", 4, "load fadd"),
    "chase": ("def f(q):\n at = 0\n for i in range(9):\n  at = q[at]\n return at", "q", 5, "load"),
    "fibonacci": ("def f(n):\n a, b = 0, 1\n for i in range(n):\n  a, b = b, a + b\n return a", "i", 1, "add"),
    "invariant": ("def f(a, x):\n for i in range(9):\n  a[i] = x * 2.0 + 1.0", "ax", 1, "store"),
    "the same twice": (
        "def f(a, o):\n for i in range(9):\n  o[i] = (a[i] + 1.0) * (a[i] + 1.0)",
        "aa",
        1.5,
        "load fadd fmul store",
    ),
    "unused": ("def f(a, o):\n for i in range(9):\n  x = a[i] / 3.0\n  o[i] = 1.0", "aa", 1, "store"),
    "for each": ("def f(a):\n s = 0.0\n for x in a:\n  s += math.sqrt(x)\n return s", "a", 6, "load fsqrt fadd"),
    "division": ("def f(a):\n s = 1.0\n for x in a:\n  s = s / x\n return s", "a", 14, "load fdiv"),
    "while": (
        "def f(n):\n k = 0\n while n > 1:\n  n = n // 2\n  k += 1\n return k",
        "i",
        1,
        "branch shift add",
    ),
    "by seven": (
        "def f(q):\n s = 0\n for i in range(9):\n  s += q[i] // 7\n return s",
        "q",
        1.5,
        "load mul shift add",
    ),
    "by a variable": (
        "def f(q, n):\n s = 0\n for i in range(9):\n  s += q[i] % n\n return s",
        "qi",
        24,
        "load div add",
    ),
    "branchy": (
        "def f(q, o):\n n = 0\n for i in range(9):\n  if q[i] > 3:\n   o[n] = i\n   n += 1\n return n",
        "qq",
        1.5,
        "load branch store add",
    ),
    "branchless": (
        "def f(q, o):\n n = 0\n for i in range(9):\n  o[n] = i\n  n += q[i] > 3\n return n",
        "qq",
        1.75,
        "store load add select add",
    ),
    "leaves": (
        "def f(a):\n for i in range(9):\n  if a[i] > 3.0 and i > 2:\n   break\n return i",
        "a",
        2,
        "load fcompare branch branch",
    ),
    "choice": (
        "def f(a):\n s = 0.0\n for x in a:\n  s += x if x > 0.0 else -x\n return s",
        "a",
        4,
        "load fcompare flogic select fadd",
    ),
    "least": ("def f(a):\n s = 0.0\n for x in a:\n  s = min(s, abs(x))\n return s", "a", 4, "load flogic fminmax"),
    "record": (
        "def f(r):\n s = 0.0\n for i in range(r.size):\n  s += r[i].x * 2.0\n return s",
        "r",
        4,
        "load fmul fadd",
    ),
    "to float": ("def f(q):\n s = 0.0\n for i in range(9):\n  s += q[i]\n return s", "q", 4, "load to_float fadd"),
    "power": ("def f(a, o):\n for i in range(9):\n  o[i] = a[i] ** 3", "aa", 1.5, "load fmul fmul store"),
    "made before": (
        "def f(n):\n o = np.zeros((n, 2), np.int64)\n for i in range(n):\n  o[i, 1] = i\n return o",
        "i",
        1,
        "store",
    ),
    "aliases": ("def f(a, o):\n for i in range(9):\n  j = i + 1\n  o[j] = a[j + 1]", "aa", 1, "load store"),
}
ARGUMENTS = {
    "a": np.ones(9),
    "q": np.zeros(9, np.int64),
    "m": np.ones((9, 9)),
    "i": 3,
    "x": 2.0,
    "r": np.zeros(9, [("x", np.float32), ("y", np.int32)]),
}


@pytest.mark.parametrize("name", CASES)
def test_loops_are_read_as_they_are(written, name):
    source, arguments, cycles, operations = CASES[name]
    loop = read(written(source)["f"], tuple(ARGUMENTS[letter] for letter in arguments))
    seen = [it.operation for it in loop.body]
    if "while" not in source:
        assert seen[-2:] == ["add", "branch"]
        seen = seen[:-2]
    assert " ".join(seen) == operations
    assert float(analyze(loop).cycles) == cycles


def test_of_several_loops_the_deepest_is_meant_or_the_one_named(written):
    source = (
        "def f(a):\n for i in range(9):\n  for j in range(9):\n   a[j] = 1.0\n for k in range(9):\n  a[k] += 1.0"
    )
    f = written(source)["f"]
    assert [it.operation for it in read(f, (np.ones(9),)).body] == ["store", "add", "branch"]
    first = f.__code__.co_firstlineno
    assert "fadd" in [it.operation for it in read(f, (np.ones(9),), line=first + 4).body]
    with pytest.raises(UnmodelledError, match=rf"line: f has no innermost loop at {first}; there are some at"):
        read(f, (np.ones(9),), line=first)


@pytest.mark.parametrize(
    ("source", "arguments", "said"),
    [
        ("def f(a):\n return a[0]", "a", r"f has 0 innermost loops \(lines: none\)"),
        (
            "def f(a):\n for i in a:\n  a[0] = i\n for i in a:\n  a[0] = i",
            "a",
            r"2 innermost loops \(lines: 4, 6\)",
        ),
        ("def f(a):\n for i in range(9):\n  print(i)", "a", r"line 5, `print\(i\)`: .*use assignments"),
        ("def f(a):\n for i in range(9):\n  a[i] = np.sin(a[i])", "a", r"line 5, `np.sin\(a\[i\]\)`: .*write out"),
        ("def f(a):\n for i in range(9):\n  a[i] = g(i)", "a", r"line 5, `g\(i\)`"),
        ("def f(a, x):\n for i in range(9):\n  a[i] = a[i] ** x", "ax", "write a power as multiplications"),
        ("def f(a):\n for i in range(9):\n  a[i] = a[i] % 2.0", "a", "write it with"),
        ("def f(m):\n for i in range(9):\n  m[i] = 1.0", "m", "index every axis"),
        ("def f(m):\n for i in range(9):\n  m[i, :] = 1.0", "m", "index every axis"),
        ("def f(a, x):\n for i in range(9):\n  a[x] = 1.0", "ax", "index by an integer"),
        ("def f(r):\n for i in range(9):\n  r[i].z = 1.0", "r", "no field z"),
        ("def f(r):\n for i in range(9):\n  r[i] = r[0]", "r", "one field"),
        ("def f(a):\n for i, x in enumerate(a):\n  a[i] = x", "a", "with one variable"),
        ("def f(a):\n for i in zip(a, a):\n  a[0] = 1.0", "a", "loop over range"),
        ("def f(a, i):\n for j in range(0, 9, i):\n  a[j] = 1.0", "ai", "give the step of range as a number"),
        ("def f(a):\n for i in range(9):\n  x, y = a", "a", "one value to each name"),
        ("def f(a):\n for i in range(9):\n  s = s + a[i]\n return s", "a", "compute with numbers"),
        ("def f(a):\n for i in range(9):\n  a[i] = [1.0][0]", "a", r"line 5"),
        ("def f(a):\n for i in range(9):\n  while a[0] > 0:\n   with a: pass", "a", "line 6"),
    ],
)
def test_what_cannot_be_read_names_the_line_and_the_way_out(written, source, arguments, said):
    with pytest.raises(UnmodelledError, match=said):
        read(written(source)["f"], tuple(ARGUMENTS[letter] for letter in arguments))


def test_what_is_no_function_or_has_no_source_is_refused():
    names = {}
    exec("def f(a):\n    for x in a: pass", names)
    with pytest.raises(UnmodelledError, match="no source of f to read"):
        read(names["f"], (np.ones(3),))
    with pytest.raises(UnmodelledError, match="sum: there is no source"):
        read(sum, (np.ones(3),))
    with pytest.raises(UnmodelledError, match="args: example arguments of total"):
        read(total, ())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Loop("f", ()), "body: at least one"),
        (lambda: Loop("f", (Instruction("a", "", 1, ((0, 0),)),)), "needs of instruction 0"),
        (lambda: Loop("f", (Instruction("a", "", 1, ((1, 1),)),)), "needs of instruction 0"),
        (lambda: Operation(-1, (("0", 1),)), "latency: 0 or more"),
        (lambda: Operation(1, ()), "uses: at least one"),
        (lambda: replace(SKYLAKE, width=0), "width and window"),
        (lambda: run(Loop("f", (Instruction("jump", "", 1),)), SKYLAKE, 1), "has no operation 'jump'"),
        (lambda: run(Loop("f", (Instruction("add", "", 1),)), SKYLAKE, 0), "iterations: at least 1"),
        (lambda: run(Loop("f", (Instruction("add", "", 1),)), SKYLAKE, 1, {0}), "this loop has no branch"),
    ],
)
def test_wrong_loops_and_cores_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_the_issue_bound_is_instructions_over_width():
    assert issue_bound(read(total, (np.ones(9),)), replace(SKYLAKE, width=3)) == Fraction(4, 3)
