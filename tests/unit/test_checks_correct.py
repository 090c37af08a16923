"""check.correct from end to end, with and without a layout; and that nothing else gives points before it has."""

import sys
import warnings

import numpy as np
import pytest
from checking import CASES, make, make_table, passed, plain_layout, report, run, step_parts, step_records, total

from perflab import check
from perflab.check.bench import LocalBench

# --- correct


def test_one_case_agrees():
    assert check.correct(total, against=total, on=[make], points=1).report.sentence == "1 case agrees with total."


def test_a_right_answer_gives_everything():
    points = check.correct(lambda a: int(np.sum(a)), against=total, on=CASES, points=2.5)
    assert points == 2.5
    assert points.report.sentence == "2 cases agree with total."


def test_a_wrong_answer_gives_nothing_and_says_where():
    def wrong(array):
        return total(array) if len(array) == 50 else 0

    found = report(check.correct, wrong, against=total, on=CASES, points=2)
    assert found.title == "wrong: correct"
    assert found.sentence.startswith("The result is 0; expected ")
    assert dict(found.rows)["case"] == "2 of 2"
    assert dict(found.rows)["input"].startswith("[")


def test_a_result_that_lies_about_equality_gives_nothing():
    class Yes:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert "use NumPy arrays" in report(check.correct, lambda a: Yes(), against=total, on=CASES, points=1).sentence
    many = report(check.correct, lambda a: np.array([Yes()] * len(a)), against=np.sort, on=CASES, points=1)
    assert "Python objects" in many.sentence


def test_an_error_is_said_in_a_sentence():
    def fail(array):
        raise IndexError("out of range")

    sentence = report(check.correct, fail, against=total, on=CASES, points=1).sentence
    assert sentence.startswith("fail raised IndexError: out of range")


def test_what_is_no_function_is_said():
    assert (
        report(check.correct, None, against=total, on=CASES, points=1).sentence == "Expected a function, got None."
    )


@pytest.mark.parametrize("returns", [0, (0, 1)])
def test_changed_arguments_are_compared_where_the_exercise_says_so(returns):
    def maker(rng):
        return rng.random(3), rng.random(3)

    def swap(a, b):
        a[:], b[:] = b.copy(), a.copy()

    def half(a, b):
        a[:] = 0

    assert check.correct(swap, against=swap, on=[maker], returns=returns, points=1) == 1
    found = report(check.correct, half, against=swap, on=[maker], returns=returns, points=1)
    assert found.sentence.startswith("The changed argument a[0] is 0.0; expected")


def test_spoiling_the_input_does_not_spoil_the_expected_answer():
    def spoil(array):
        array[:] = 0
        return 0

    report(check.correct, spoil, against=total, on=CASES, points=1)


def test_the_reference_sees_the_object_behind_an_oracle():
    class Machine:
        planted = 3

        def __call__(self):
            return self.planted

    def maker(rng):
        return (check.oracle(Machine()),)

    assert check.correct(lambda m: m(), against=lambda m: m.planted, on=[maker], points=1) == 1
    found = report(check.correct, lambda m: m.planted, against=lambda m: m.planted, on=[maker], points=1)
    assert "AttributeError" in found.sentence


def test_dtype_and_tolerance_reach_the_comparison():
    def maker(rng):
        return (rng.random(4),)

    def rough(a):
        return a * (1 + 1e-4)

    def same(a):
        return a

    assert check.correct(rough, against=same, on=[maker], rtol=1e-3, points=1) == 1
    report(check.correct, rough, against=same, on=[maker], points=1)
    report(check.correct, same, against=same, on=[maker], dtype=np.float32, points=1)


def test_exact_checks_use_the_same_inputs_on_every_run():
    seen = []

    def fn(array):
        seen.append(array.tolist())
        return total(array)

    passed(fn), passed(fn)
    assert seen[:2] == seen[2:]


def test_a_judges_seed_decides_the_inputs():
    def inputs(seed):
        def fn(array):
            seen.append(array.tolist())
            return total(array)

        seen = []
        fn.bench = LocalBench(fn, seed)
        passed(fn)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


def test_nothing_is_printed_and_no_warning_gets_out(capfd):
    def noisy(array):
        print("out")
        print("err", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        return total(array)

    def noisy_reference(array):
        warnings.warn("careful", stacklevel=1)
        return total(array)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        passed(noisy, noisy_reference)
        check.counts(noisy, lambda r, a: 1.0, on=make, zero=0, full=1, points=1)
    assert capfd.readouterr() == ("", "")


# --- layouts


def test_a_view_gives_the_function_its_own_layout():
    view = (check.groups, plain_layout)
    assert check.correct(step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1) == 1


def test_a_field_that_a_layout_leaves_out_is_compared_too():
    view = (check.groups, lambda: (("v",),))
    found = report(
        check.correct, lambda parts: None, against=step_records, on=[make_table], view=view, returns=0, points=1
    )
    assert "['x']" in found.sentence


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (lambda: (("z",),), "layout() names 'z'"),
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: (f for f in "xv"), "use NumPy arrays"),
    ],
    ids=["unknown", "raises", "lazy"],
)
def test_a_layout_that_cannot_be_used_is_explained(layout, sentence):
    view = (check.groups, layout)
    found = report(
        check.correct, step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1
    )
    assert sentence in found.sentence


# --- only what is correct is counted and timed


def count(fn, **more):
    return report(check.counts, fn, lambda r, a: 1.0, on=make, zero=0, full=1, points=1, **more)


def race(fn, **more):
    return report(check.faster, fn, than=total, on=make, zero=1.5, full=3, points=1, **more)


@pytest.mark.parametrize("gated", [count, race])
def test_nothing_is_given_before_correctness(gated):
    found = gated(total)
    assert "First run its correctness cell: it has not seen total as it is now." in found.sentence
    assert (found.failure, found.hint) == ("blocked", 0)


@pytest.mark.parametrize("gated", [count, race])
def test_another_function_of_the_same_name_has_not_passed(gated):
    def twin():
        def fn(array):
            return total(array)

        return fn

    passed(twin())
    assert "it has not seen fn as it is now" in gated(twin()).sentence


@pytest.mark.parametrize("gated", [count, race])
def test_a_failed_check_of_correctness_counts_for_nothing(gated):
    def wrong(array):
        return 0

    report(check.correct, wrong, against=total, on=CASES, points=1)
    assert "First mend wrong: it does not pass its correctness cell." in gated(wrong).sentence


@pytest.mark.parametrize("gated", [count, race])
def test_correctness_in_another_layout_counts_for_nothing(gated):
    returned = iter([(("x",), ("v",)), (("x",),)])
    view = (check.groups, lambda: next(returned))
    assert check.correct(step_parts, against=step_records, on=[make_table], view=view, returns=0, points=1)
    assert "passed it with another layout" in gated(step_parts, view=view).sentence


# --- modules that an answer may not use

COURSE = "perflab.models.lines"
USES = {
    "imports": "def f(a):\n    from perflab.models import lines\n    return a.sum()",
    "imports a part": "def f(a):\n    from perflab.models.lines import fetched\n    return a.sum()",
    "imports the whole": "def f(a):\n    import perflab.models.lines\n    return a.sum()",
    "knows the module": "from perflab.models import lines\ndef f(a):\n    lines\n    return a.sum()",
    "knows a part": "from perflab.models.lines import fetched as g\ndef f(a):\n    g\n    return a.sum()",
    "through a helper": "def g():\n    from perflab.models import lines\ndef f(a):\n    g()\n    return a.sum()",
    "inside": "def f(a):\n    def g():\n        from perflab.models import lines\n    g()\n    return a.sum()",
    "through the tests cell": "def f(a):\n    g()\n    return a.sum()",
}
CHECK = f"# grade_id: sums (1 point)\n# without: perflab.models.tape, {COURSE}\n"
CHECK += f"def g():\n    from {COURSE} import fetched\nout = check.correct(f, against=total, on=CASES, points=1)"


def sums(answer, text):
    names = run(answer, "answer", {})
    return run(text, "sums", {**names, "total": total, "CASES": CASES}, into=names)["out"]


@pytest.mark.parametrize("answer", USES.values(), ids=USES)
def test_an_answer_that_uses_a_forbidden_module_gives_nothing(answer):
    points = sums(answer, CHECK)
    assert points == 0
    assert f"f uses {COURSE}, which a judge does not have" in points.report.sentence
    assert sums(answer, CHECK.replace("# without: ", "# with: ")) == 1


def test_an_answer_with_a_name_of_its_own_is_none_of_the_forbidden_modules():
    assert sums("def f(a):\n    lines = a.sum()\n    return lines", CHECK) == 1
