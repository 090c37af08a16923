"""Inputs: no two tests cells share one, no function that is compared with itself sees one twice."""

from dataclasses import dataclass

import numpy as np
import pytest
from checking import in_cell, total

from perflab import check
from perflab.check import seen
from perflab.check.bench import LocalBench


@dataclass(frozen=True)
class Judge(LocalBench):
    """A local bench with a seed of its own, as a judge has one."""

    seed: int = 7


class Handle:
    """Stands for a function that notes what it has seen."""

    def __init__(self, fn=total, seed: int | None = 7) -> None:
        self.seen: list[bytes] = []

        def watched(array, *rest):
            self.seen.append(array.tobytes())
            return fn(array, *rest)

        self.__name__ = "fn"
        self.fn = watched
        self.bench = Judge(watched, seed)

    def __call__(self, *args):
        raise AssertionError("a judge never calls it")


@pytest.fixture(autouse=True)
def _afresh():
    seen.start_over()


def make(rng):
    return (rng.integers(1 << 40, size=40),)


def part(rng):
    return (make(rng)[0][:30],)


CELLS = {
    "correct": "check.correct(fn, against=total, on=[make, make], points=2)",
    "counts": "check.counts(fn, 'collections', on=make, zero=10, full=0, points=2)",
    "by_metric": "check.counts(fn, by_metric, on=make, zero=0, full=1, points=2)",
    "faster": "check.faster(fn, than=slow, on=make, zero=1.5, full=3, points=2)",
    "flat": "check.faster(fn, than=(fn, part), on=make, zero=0.01, full=0.02, points=2)",
    "growth": "check.counts(fn, by_metric, than=(fn, part), on=make, zero=0.1, full=0.2, points=2)",
}


def by_metric(result, array):
    return 1.0


def slow(array):
    return sum(array.tolist()) + 0 * len(sorted(array.tolist() * 20))


def cell(name, grade_id, fn):
    return in_cell(CELLS[name], grade_id, {"fn": fn, "total": total, "make": make, "part": part, **METRICS})


METRICS = {"by_metric": by_metric, "slow": slow}


@pytest.mark.parametrize("seed", [None, 7], ids=["learner", "judge"])
def test_no_two_cells_share_an_input(seed):
    fn, inputs = Handle(seed=seed), {}
    for name in CELLS:
        for twin in ("one", "two"):
            fn.seen.clear()
            cell(name, f"{name}_{twin}", fn)
            inputs[name, twin] = {array[: 8 * 30] for array in fn.seen}
            assert inputs[name, twin]
    every = [array for arrays in inputs.values() for array in arrays]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("name", ["correct", "counts", "by_metric", "faster", "flat", "growth"])
def test_a_function_sees_no_input_twice_in_one_cell(name):
    fn = Handle()
    cell("correct", "first", fn)
    fn.seen.clear()
    cell(name, "second", fn)
    starts = [array[: 8 * 30] for array in fn.seen]
    assert len(starts) == len(set(starts))


def test_a_cell_has_the_same_inputs_again():
    for seed in (None, 7):
        fn = Handle(seed=seed)
        for _ in range(2):
            cell("correct", "same", fn)
        assert fn.seen[:2] == fn.seen[2:]


def test_lines_of_a_program_without_ids_have_inputs_of_their_own():
    fn = Handle()
    text = "check.correct(fn, against=total, on=[make], points=1)\n" * 3
    exec(compile(text, "<program>", "exec"), {"check": check, "fn": fn, "total": total, "make": make})
    assert len(set(fn.seen)) == 3


def test_what_was_remembered_from_another_cell_is_no_answer():
    """One cell lets the function see its inputs and their answers; another asks about the same kind of them."""
    known = {}

    def remembers(array):
        return known.setdefault(array.tobytes(), total(array)) if not known else known.get(array.tobytes(), 0)

    fn = Handle(remembers)
    assert in_cell("check.correct(fn, against=total, on=[make], points=1)", "a", names(fn)) == 1
    assert in_cell("check.correct(fn, against=total, on=[make], points=1)", "b", names(fn)) == 0


def names(fn):
    return {"fn": fn, "total": total, "make": make}


def test_streams_differ_from_case_to_case():
    fn = Handle()
    check.correct(fn, against=total, on=[make] * 5, points=1)
    assert len(set(fn.seen)) == 5


def test_teams_draw_inputs_of_their_own_cell():
    from perflab.check import together

    drawn = []

    def noted(rng):
        drawn.append(int(rng.integers(1 << 60)))
        return np.zeros(1), 1

    bench = Judge(total)
    source = "together.draw(noted, together.exact_rng(bench, case))"
    for grade_id in ("a", "b"):
        for case in (1, together.FIRST_ROUND):
            names = {"together": together, "noted": noted, "bench": bench, "case": case}
            in_cell(source, grade_id, names)
    assert len(set(drawn)) == 4
