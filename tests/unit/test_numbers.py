"""Latency numbers, throughput, roofline and abilities: sane on any machine, honest on an odd one."""

import importlib
import os
import re
from dataclasses import replace

import numpy as np
import pytest
from tempo import within

from perflab import codegen
from perflab.machine import (
    Ceilings,
    Kernel,
    Number,
    Numbers,
    Rate,
    abilities,
    ceilings,
    describe,
    describe_roofline,
    kernels,
    latencies,
    latency_curve,
    roofline,
    throughput,
)

# The package's functions of these names hide the modules.
numbers_module = importlib.import_module("perflab.machine.numbers")
abilities_module = importlib.import_module("perflab.machine.abilities")


def rate(value):
    return Rate(value, value, value, value)


CEILINGS = Ceilings(
    *(rate(10e9), rate(16e9), rate(16e9), rate(16e9), rate(200e9), rate(100e9), rate(10e9)), 1 << 20, 1
)


# Kernels


def test_write_and_copy():
    a, b = np.zeros(17), np.arange(17.0)
    kernels.write(a, 3.0)
    assert (a == 3).all()
    kernels.copy(a, b)
    np.testing.assert_array_equal(a, b)


def test_the_scalar_kernel_does_what_is_counted_and_is_scalar():
    x = tuple(np.linspace(0, 1, kernels.SCALAR_CHAINS))
    expected = np.array(x)
    for _ in range(5):
        expected = expected * 0.9 + 0.1
    assert kernels.scalar_fma(x, 0.9, 0.1, 5) == pytest.approx(expected.sum())
    hot = codegen.inspect(kernels.scalar_fma, (x, 0.9, 0.1, 5)).hot
    assert hot.vector_bits == 64
    assert hot.fma % kernels.SCALAR_CHAINS == 0
    assert hot.fma > 0


@pytest.mark.parametrize("size", [128, 4096, 40_000])
def test_a_cycle_visits_each_line_once(size):
    following = kernels.cycle(size, np.random.default_rng(size))
    lines = size // kernels.LINE
    seen, at = set(), 0
    for _ in range(lines):
        seen.add(at)
        at = int(following[at])
    assert at == 0
    assert len(seen) == lines
    assert all(place % 8 == 0 for place in seen)
    assert kernels.chase(following, 0, lines) == 0


# Latencies and throughput


def test_the_latency_curve_rises_from_the_first_cache_to_memory():
    machine = replace(describe(), memory=1 << 30)
    sizes, seconds = latency_curve(machine)
    assert (np.diff(np.log2(sizes)) == 1).all()
    assert sizes[0] == latencies.SMALLEST
    assert ((seconds > 1e-10) & (seconds < 1e-5)).all()


@pytest.mark.parametrize(
    "measure",
    [latencies.system_call, latencies.page_fault, latencies.switch, latencies.thread, latencies.process],
    ids=lambda f: f.__name__,
)
def test_latencies_are_between_a_nanosecond_and_a_second(measure):
    assert 1e-9 < measure() < 1


@pytest.mark.parametrize(
    "measure",
    [latencies.small_file, latencies.file_sync, latencies.loopback, throughput.memory, throughput.file_write],
    ids=lambda f: f.__name__,
)
def test_waiting_is_between_a_nanosecond_and_a_second(measure):
    assert 1e-9 < measure() < 1


@pytest.mark.parametrize("measure", [throughput.file_read, throughput.cold_read, throughput.loopback_send])
def test_a_megabyte_takes_less_than_a_second(measure):
    assert 1e-7 < measure() < 1


def test_the_core_of_this_thread_is_put_back():
    before = os.sched_getaffinity(0)
    latencies.switch()
    assert os.sched_getaffinity(0) == before


def test_one_core_knows_no_other(monkeypatch):
    monkeypatch.setattr(latencies, "usable_cpus", lambda: [0])
    with pytest.raises(OSError, match="one core only"):
        latencies.wake_up()


def test_another_process_that_dies_ends_the_waiting(monkeypatch):
    monkeypatch.setattr(latencies, "ECHO", "raise SystemExit # {0} {1}")
    with within(5), pytest.raises(OSError, match=r"died|Broken pipe"):
        latencies.switch()


# The table


def test_what_cannot_be_measured_is_absent_with_a_reason(monkeypatch):
    def refused():
        raise PermissionError("no network for you")

    quick = (("quick", lambda: 1e-9), ("refused", refused), ("slow", lambda: 2.5e-3))
    monkeypatch.setattr(numbers_module, "OTHERS", quick)
    monkeypatch.setattr(numbers_module, "_loads", lambda machine: [])
    table = numbers_module._measure(describe())
    assert [row.what for row in table.rows] == ["quick", "slow", "refused"]
    assert table["slow"] == 2.5e-3
    assert table.cells()[1][1:3] == ("2.5 ms", "2,500,000")
    assert table.cells()[2][1:] == ("-", "-", "not here: no network for you")
    with pytest.raises(KeyError, match="no network"):
        table["refused"]
    with pytest.raises(KeyError, match="none of quick"):
        table["nothing"]
    assert "no network for you" in table._repr_html_()


def test_the_table_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    runs = []

    def measure(machine):
        runs.append(machine)
        return Numbers((Number("one", 1.5e-9, "how"), Number("none", None, "why")))

    monkeypatch.setattr(numbers_module, "_measure", measure)
    first = numbers_module.numbers()
    assert numbers_module.numbers() == first
    assert len(runs) == 1
    numbers_module.numbers(fresh=True)
    assert len(runs) == 2


def test_every_row_says_how_it_was_measured():
    machine = describe()
    for what, measure in (*numbers_module._loads(machine), *numbers_module.OTHERS):
        assert what
        assert measure.__doc__.startswith("Return the seconds ")


# Ceilings of all cores


def test_all_cores_have_ceilings_too(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cores = min(describe().cores, 2)
    found = ceilings(cores=cores)
    assert found.cores == cores
    assert found.scalar.best < found.flops64.best * 1.5
    assert 1e7 < found.copy.best < 1e14
    assert ceilings(cores=cores) == found


@pytest.mark.parametrize("cores", [0, 10**6])
def test_cores_that_are_not_there_are_refused(cores):
    with pytest.raises(ValueError, match="cores: 1 to"):
        ceilings(cores=cores)


# The roofline


def test_a_kernel_knows_its_place():
    stream = Kernel("stream", flops=1e9, bytes=16e9, seconds=2.0)
    assert stream.intensity == 1 / 16
    assert stream.rate == 5e8
    assert stream.share(CEILINGS) == 0.5
    dense = Kernel("dense", flops=1e12, bytes=1e9, seconds=20.0)
    assert dense.share(CEILINGS) == 0.5


@pytest.mark.parametrize("broken", [{"flops": 0}, {"bytes": -1}, {"seconds": float("nan")}])
def test_a_kernel_needs_positive_numbers(broken):
    (name,) = broken
    with pytest.raises(ValueError, match=f"{name}:.*'sum'"):
        Kernel(**({"name": "sum", "flops": 1.0, "bytes": 1.0, "seconds": 1.0} | broken))


def test_the_roofline_shows_its_kernels_below_the_roofs():
    points = [Kernel("sum", 1e9, 8e9, 1.0), Kernel("poly", 1e11, 1e9, 2.0)]
    fig = roofline(points, CEILINGS)
    (ax,) = fig.axes
    texts = [text.get_text() for text in ax.texts]
    assert {"sum", "poly"} <= set(texts)
    roof = max(ax.lines[0].get_ydata())
    assert roof == pytest.approx(100)
    assert re.search(r"sum does 0\.125 operations a byte.*poly", describe_roofline(points, CEILINGS))
    with pytest.raises(ValueError, match="kernels: none given"):
        roofline([], CEILINGS)


# Abilities


def test_each_inability_comes_with_what_to_do(monkeypatch, tmp_path):
    here = describe()
    monkeypatch.setattr(abilities_module, "describe", lambda: replace(here, cores=1))
    monkeypatch.setattr(abilities_module, "FREQUENCY", tmp_path / "none")
    monkeypatch.setattr(abilities_module, "HUGE_PAGES", tmp_path / "none")
    monkeypatch.setattr(abilities_module.shutil, "which", lambda name: None)
    found = {one.what: one for one in abilities()}
    for what in ("threads side by side", "clock rate", "huge pages", "C for comparison", "system calls by name"):
        assert not found[what].works
        assert len(found[what].note) > 20
    assert "apt-get install" in found["C for comparison"].note


def test_what_works_here_is_found():
    found = {one.what: one for one in abilities()}
    assert found["generated code"].works
    assert found["read and write calls"].works
    assert found["CPU time"].works
