"""The four verbs of the local bench: private inputs that run once, quietly, and errors that become sentences."""

import inspect
import linecache
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from perflab.check import FunctionFailedError, oracle
from perflab.check.bench import LocalBench, bench_of, name_of


def run(fn, *args):
    bench = LocalBench(fn)
    staged = bench.stage(args)
    bench.run(staged, "cpu")
    return bench.collect(staged)


def failure(fn, *args):
    with pytest.raises(FunctionFailedError) as caught:
        run(fn, *args)
    return str(caught.value)


def test_a_run_gives_seconds_the_result_and_the_changed_arguments():
    def double(array):
        array *= 2
        return array.sum()

    bench = LocalBench(double)
    given = np.arange(4)
    staged = bench.stage((given,))
    assert bench.run(staged, "cpu") > 0
    result, (after,) = bench.collect(staged)
    assert result == 12
    assert after.tolist() == [0, 2, 4, 6]
    assert given.tolist() == [0, 1, 2, 3]


def test_a_staged_input_runs_once():
    bench = LocalBench(abs)
    staged = bench.stage((1,))
    bench.run(staged, "cpu")
    with pytest.raises(RuntimeError, match="runs once"):
        bench.run(staged, "cpu")


def test_a_counted_input_is_spent_too():
    bench = LocalBench(lambda a: a[0])
    staged = bench.stage((np.zeros(4),))
    bench.count(staged, "lines")
    with pytest.raises(RuntimeError, match="runs once"):
        bench.run(staged, "cpu")


def test_calls_of_all_oracles_are_counted():
    asked = oracle(lambda x: x)
    bench = LocalBench(lambda one, many: [one(1), *(o(2) for o in many)])
    staged = bench.stage((asked, [asked, asked]))
    bench.run(staged, "cpu")
    assert bench.count(staged, "calls") == 3.0
    assert asked.calls == 0


def total(array):
    out = 0.0
    for i in range(array.size):
        out += array[i]
    return out


# Many sizes, since malloc aligns small and large blocks differently: a count must not depend on that.
@pytest.mark.parametrize("n", [1, 8, 9, 80, 1000, 5000, 40_000])
def test_lines_of_memory_are_counted_to_the_line(n):
    bench = LocalBench(total)
    assert bench.count(bench.stage((np.zeros(n),)), "lines") == -(-n // 8)


def test_a_record_of_64_bytes_is_one_line_wherever_it_lies():
    def ends(table, places):
        out = 0
        for place in places:
            out += table[place].f0 + table[place].f15
        return out

    table = np.zeros(2000, [(f"f{i}", np.uint32) for i in range(16)])
    places = np.arange(0, 2000, 4)
    bench = LocalBench(ends)
    assert bench.count(bench.stage((table, places)), "lines") == len(places) + -(-places.nbytes // 64)


def test_an_unknown_metric_is_named():
    bench = LocalBench(abs)
    with pytest.raises(ValueError, match=r"metric: one of 'calls', 'lines', .* or a function, got 'joules'"):
        bench.count(bench.stage((1,)), "joules")
    with pytest.raises(ValueError, match=r"metric: one of .* or a function, got 3"):
        bench.count(bench.stage((1,)), 3)


def test_generated_code_of_what_is_not_compiled_says_how_to_compile_it():
    bench = LocalBench(abs)
    with pytest.raises(FunctionFailedError, match=r"^abs is not compiled by Numba: decorate it with @njit\.$"):
        bench.count(bench.stage((1,)), "vector_bits")


def test_an_error_says_what_and_at_which_line_of_the_learners_cell():
    source = "def halve(n):\n    m = n - 1\n    return m / 0  # oops\n"
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(keepends=True), "<cell>")
    namespace = {}
    exec(compile(source, "<cell>", "exec"), namespace)
    sentence = failure(namespace["halve"], 3)
    assert (
        sentence
        == "halve raised ZeroDivisionError: division by zero, in line 3 of its cell: return m / 0  # oops."
    )


def test_an_error_in_a_library_names_the_learners_line():
    def search(array):
        return np.linalg.inv(array)

    first = inspect.getsourcelines(search)[1]
    sentence = failure(search, np.zeros((2, 2)))
    assert sentence.startswith("search raised LinAlgError: Singular matrix")
    assert f"in line {first + 1} of its cell: return np.linalg.inv(array)" in sentence


def test_an_error_in_a_helper_names_the_line_of_the_function():
    def helper():
        raise KeyError("lost")

    def outer():
        helper()

    first = inspect.getsourcelines(outer)[1]
    assert f"in line {first + 1} of its cell: helper()" in failure(outer)


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (ValueError(), "fail raised ValueError"),
        (ValueError(""), "fail raised ValueError"),
        (ValueError("\n  first\nsecond"), "fail raised ValueError: first"),
        (AssertionError("wrong"), "fail raised AssertionError: wrong"),
        (RecursionError("deep"), "fail raised RecursionError: deep"),
        (MemoryError(), "fail raised MemoryError"),
    ],
    ids=repr,
)
def test_every_error_is_a_sentence(error, start):
    def fail():
        raise error

    sentence = failure(fail)
    assert sentence.startswith(start)
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("bye")], ids=repr)
def test_leaving_the_program_is_a_failure_like_any_other(error):
    def leave():
        raise error

    assert failure(leave).startswith(f"leave raised {type(error).__name__}")


def test_interrupting_the_kernel_still_works():
    def wait():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(wait)


def test_an_unwritten_answer_is_no_failure_of_its_author():
    def answer():
        raise NotImplementedError

    sentence = failure(answer)
    assert sentence == "answer is not written yet: replace `raise NotImplementedError` by your own code."


def test_a_failure_while_lines_are_traced_is_a_sentence():
    def answer(array):
        raise ValueError("too small")

    bench = LocalBench(answer)
    with pytest.raises(FunctionFailedError, match=r"answer raised .*ValueError: too small.*\.$"):
        bench.count(bench.stage((np.zeros(1),)), "lines")


def test_a_result_that_may_not_cross_is_a_sentence():
    def lazy():
        return (i for i in range(3))

    assert failure(lazy).startswith("lazy: the result is a builtins.generator; use NumPy arrays")


def test_an_argument_that_may_not_come_back_is_a_sentence():
    def spoil(things):
        things.append(range(3))

    assert failure(spoil, []).startswith("spoil: the argument things[0] is a builtins.range")


def test_nothing_that_a_call_prints_or_warns_gets_out(capfd):
    def noisy():
        print("out")
        print("err", file=sys.stderr)
        print("err", file=sys.__stderr__, flush=True)
        os.write(1, b"out")
        subprocess.run(["sh", "-c", "echo err >&2"], check=True)
        warnings.warn("careful", stacklevel=1)
        np.float64(1) / np.float64(0)

    run(noisy)
    assert capfd.readouterr() == ("", "")


def test_streams_and_filters_are_back_after_an_error():
    before = sys.stdout, sys.stderr, list(warnings.filters)

    def fail():
        sys.stdout = None
        warnings.simplefilter("error")
        raise ValueError

    failure(fail)
    assert (sys.stdout, sys.stderr, list(warnings.filters)) == before


def test_a_judges_handle_brings_its_own_bench():
    class Handle:
        bench = LocalBench(abs)

        def __call__(self):
            raise AssertionError("never called here")

    handle = Handle()
    assert bench_of(handle) is Handle.bench
    assert bench_of(abs) == LocalBench(abs)
    assert name_of(handle) == "Handle"
    assert name_of(abs) == "abs"
