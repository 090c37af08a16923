"""Tiny functions to check, with their inputs, and what a check says of them."""

import linecache

import numpy as np

from perflab import check
from perflab.check import seen


def make(rng, n=50):
    return (rng.integers(1000, size=n),)


def large(rng):
    return make(rng, 500)


def total(array):
    return int(array.sum())


CASES = [make, large]


def passed(fn, against=total, on=CASES, **more):
    """Let `fn` pass its correctness check; return it."""
    assert check.correct(fn, against=against, on=on, points=1, **more) == 1
    return fn


def report(call, *args, **named):
    """Return the report of a check that gives nothing."""
    return nothing(call(*args, **named))


def nothing(points):
    """Return the report of what a check gave, which is nothing."""
    assert repr(points) == "0.0"
    return points.report


def in_cell(source, grade_id, names, about="2 points"):
    """Run `source` as the tests cell `grade_id` of a notebook."""
    return run(f"{seen.GRADE_ID}{grade_id} ({about})\nout = {source}\n", grade_id, names)["out"]


def run(text, name, names, into=None):
    """Run a cell of a notebook, after others with the names of `into`; return the names that there are then."""
    linecache.cache[f"<{name}>"] = (len(text), None, text.splitlines(keepends=True), f"<{name}>")
    namespace = {} if into is None else into
    namespace |= {"check": check} | names
    exec(compile(text, f"<{name}>", "exec"), namespace)
    return namespace


RECORD = np.dtype([("x", np.float64), ("v", np.float64), ("hp", np.int64)])


def make_table(rng, n=64):
    table = np.zeros(n, RECORD)
    table["x"], table["v"] = rng.random((2, n))
    return (table,)


def step_records(table):
    table["x"] += table["v"]


def step_parts(parts):
    x, v = parts
    x += v


def plain_layout():
    return ("x",), ("v",)
