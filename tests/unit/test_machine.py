"""The description against the system's files, the kernels against NumPy, and the memory of ceilings on disk.

No test asks how fast the machine is beyond what any machine is.
"""

import importlib
import json
import math
import os
import re
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from perflab import machine
from perflab.machine import (
    Cache,
    Ceilings,
    Rate,
    ceilings,
    describe,
    description,
    hierarchy,
    kernels,
    rates,
    remember,
)

# The package's function of that name hides the module.
ceilings_module = importlib.import_module("perflab.machine.ceilings")
RATES = ("read", "write", "copy", "triad", "flops32", "flops64", "scalar")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Give the test a cache directory of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def counted(monkeypatch):
    """Replace the measurement by a quick one that counts its runs in the value it returns."""
    runs = []

    def measure(working_set, cores):
        runs.append(working_set)
        rate = Rate(4.0 + len(runs), 1.0, 2.0, 3.0)
        return Ceilings(*[rate] * len(RATES), working_set, cores)

    monkeypatch.setattr(ceilings_module, "_measure", measure)
    return runs


# Description


def test_description_is_plain_and_frozen():
    found = describe()
    assert found == describe()
    assert found.cores == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    assert found.numpy == np.__version__
    assert all(re.match(r"\d+\.\d+", version) for version in (found.python, found.numba, found.llvmlite))
    with pytest.raises(FrozenInstanceError):
        found.cores = 3


def test_caches_are_read_from_the_system(tmp_path):
    def write(index, **files):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text + "\n")

    write(
        0,
        level="1",
        type="Data",
        size="48K",
        coherency_line_size="64",
        shared_cpu_list="0,4",
        ways_of_associativity="12",
    )
    write(2, level="2", type="Unified", size="2M", shared_cpu_list="0-3,8-11")
    write(3, level="3", type="Unified", coherency_line_size="64")  # as some virtual machines: no size
    assert description._caches(tmp_path) == (
        Cache(1, "Data", 48 << 10, 64, 2, 12),
        Cache(2, "Unified", 2 << 20, None, 8),
    )
    assert description._caches(tmp_path / "absent") == ()


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("48K", 49152), ("2M", 2 << 20), ("1G", 1 << 30)])
def test_sizes(text, size):
    assert description._bytes(text) == size


def test_what_cannot_be_read_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(description, "SYSTEM_CPUS", tmp_path)
    monkeypatch.setattr(description, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(description.platform, "processor", lambda: "")
    monkeypatch.setattr(description, "MEMORY_LIMITS", ())
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sysconf")
    found = describe()
    assert (found.cpu, found.caches, found.memory, found.virtual) == (None, (), None, None)
    assert found.cores == os.cpu_count()
    assert ceilings_module._working_set(found) == 12 * (32 << 20)


@pytest.mark.parametrize(("flags", "virtual"), [("fpu hypervisor sse", True), ("fpu sse", False)])
def test_processor_and_virtual_machine(tmp_path, monkeypatch, flags, virtual):
    entries = f"processor\t: 0\nmodel name\t: Example: 9000 @ 2 GHz\nflags\t\t: {flags}\n\n"
    (tmp_path / "cpuinfo").write_text(entries + "processor\t: 1\nmodel name\t: Other\nflags\t\t:\n")
    monkeypatch.setattr(description, "CPUINFO", tmp_path / "cpuinfo")
    found = describe()
    assert found.cpu == "Example: 9000 @ 2 GHz"
    assert found.virtual is virtual


@pytest.mark.parametrize(("limit", "counts"), [("123456789\n", True), ("max\n", False)])
def test_a_container_limits_the_memory(tmp_path, monkeypatch, limit, counts):
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(description, "MEMORY_LIMITS", (tmp_path / "absent",))
    everything = describe().memory
    monkeypatch.setattr(description, "MEMORY_LIMITS", (tmp_path / "absent", tmp_path / "memory.max"))
    assert describe().memory == (123456789 if counts else everything)


def test_working_set_outgrows_the_caches_within_bounds():
    known = replace(describe(), memory=64 << 30)

    def working_set(cache_bytes, **changes):
        caches = (Cache(1, "Data", 32 << 10, 64, 1), Cache(3, "Unified", cache_bytes, 64, 8))
        return ceilings_module._working_set(replace(known, caches=caches, **changes))

    assert working_set(1 << 20) == 96 << 20
    assert working_set(32 << 20) == 384 << 20
    assert working_set(1 << 30) == 512 * 10**6
    assert working_set(32 << 20, memory=1 << 30) == 256 << 20
    assert working_set(32 << 20, memory=None) == 384 << 20


def test_ceilings_are_a_table():
    rate = Rate(4e9, 1e9, 2e9, 3e9)
    lines = repr(Ceilings(*[rate] * len(RATES), 1 << 20, 2)).splitlines()
    assert lines[0].split() == ["best", "quartiles,", "with", "2", "cores"]
    assert lines[1].split() == ["read", "4.0", "1.0", "to", "3.0", "GB/s"]
    assert lines[-1].split() == ["scalar", "4.0", "1.0", "to", "3.0", "GFLOP/s"]


# Kernels


@pytest.mark.parametrize("n", [0, 1, 3, 4, 7, 64, 1001])
def test_read_reads_every_element(n):
    a = np.random.default_rng(n).random(n)
    assert machine.read(a) == pytest.approx(a.sum())
    for i in range(min(n, 8)):
        changed = a.copy()
        changed[-1 - i] += 1
        assert machine.read(changed) == pytest.approx(a.sum() + 1)


@pytest.mark.parametrize("n", [0, 1, 17, 1000])
def test_triad(n):
    b, c = np.random.default_rng(n).random((2, n))
    a = np.full(n, np.nan)
    machine.triad(a, b, c, 0.25)
    np.testing.assert_allclose(a, b + 0.25 * c)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fma_does_the_operations_that_are_counted(dtype):
    x = np.random.default_rng(1).random((kernels.CHAINS, 40)).astype(dtype)
    expected = x.copy()
    for _ in range(3 * kernels.DEPTH):
        expected = expected * dtype(0.9) + dtype(0.1)
    machine.fma(x, dtype(0.9), dtype(0.1), 3)
    np.testing.assert_allclose(x, expected, rtol=1e-5)


def body(kernel, first):
    """Return the assembly of a kernel for a first argument of a type (without Numba's wrapper for Python)."""
    signature = next(s for s in kernel.signatures if str(s[0]).startswith(f"array({first}"))
    name = re.escape(kernel.overloads[signature].fndesc.llvm_func_name)
    return re.search(rf"^{name}:\n(.*?)^\.Lfunc_end", kernel.inspect_asm(signature), re.S | re.M).group(1)


@pytest.mark.skipif(describe().architecture != "x86_64", reason="looks for x86-64 instructions")
def test_kernels_are_vector_code():
    machine.read(np.ones(8))
    machine.fma(np.ones((4, 8), np.float32), np.float32(0.9), np.float32(0.1), 1)
    machine.fma(np.ones((4, 8)), 0.9, 0.1, 1)
    assert re.search(r"v?addpd", body(machine.read, "float64"))
    if "fma" not in description._cpuinfo().get("flags", "").split():
        pytest.skip("no fused multiply-add here")
    operations = kernels.CHAINS * kernels.DEPTH  # all of them unrolled, so that the chains stay in registers
    assert len(re.findall(r"vfmadd\w+ps\s.*%[yz]mm", body(machine.fma, "float32"))) >= operations
    assert len(re.findall(r"vfmadd\w+pd\s.*%[yz]mm", body(machine.fma, "float64"))) >= operations


# Measured ceilings


def test_measured_ceilings_are_sane(home):
    found = ceilings()
    for name in RATES:
        rate = getattr(found, name)
        assert 0 < rate.lower <= rate.median <= rate.upper <= rate.best < math.inf
        assert 1e7 < rate.best < 1e14
    assert found.triad.best < 20 * found.read.best
    assert found.read.best < 20 * found.triad.best
    assert found.flops32.best > 0.5 * found.flops64.best
    assert found.working_set == ceilings_module._working_set(describe()) // 8 * 8
    assert ceilings() == found


def test_every_kernel_is_timed_in_turn(monkeypatch):
    calls = []
    ticks = iter(range(10_000))
    monkeypatch.setattr(rates, "CLOCK", lambda: next(ticks))
    work = {name: (lambda name=name: calls.append(name), amount) for name, amount in (("a", 10.0), ("b", 20.0))}
    found = rates.rates(work)
    assert calls == ["a", "b"] * (1 + rates.ROUNDS[1])
    assert found == {"a": Rate(10, 10, 10, 10), "b": Rate(20, 20, 20, 20)}


def test_slow_kernels_stop_at_the_budget(monkeypatch):
    monkeypatch.setattr(rates, "SECONDS", 0.0)
    calls = []
    rates.rates({"a": (lambda: calls.append(sum(range(1000))), 1.0)})
    assert len(calls) == 1 + rates.ROUNDS[0]


def test_rates():
    rate = Rate(best=10.0, lower=5.0, median=6.0, upper=7.0)
    assert rate.share(20, seconds=4) == 0.5
    for broken in ({"best": 6.5}, {"lower": 0}, {"best": math.inf}, {"median": math.nan}):
        with pytest.raises(ValueError, match="quartiles"):
            replace(rate, **broken)


# Memory on disk


def remembered(home):
    (file,) = (home / "perflab").iterdir()
    return file


def test_the_second_call_remembers(home, counted):
    first = ceilings()
    assert ceilings() == first
    assert len(counted) == 1
    assert re.fullmatch(r"ceilings-1-[0-9a-f]+\.json", remembered(home).name)
    assert set(json.loads(remembered(home).read_text())) == {field.name for field in fields(Ceilings)}


def test_fresh_measures_again_and_is_remembered(home, counted):
    first = ceilings()
    second = ceilings(fresh=True)
    assert second != first
    assert ceilings() == second
    assert len(counted) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"read": 1, "triad": 1, "flops32": 1, "flops64": 1, "working_set": 1, "cores": 1}',
        b"\xff\xfe\x00",
        "half",
        "negative",
        "infinite",
    ],
)
def test_a_broken_file_is_measured_again(home, counted, text):
    ceilings()
    file = remembered(home)
    good = file.read_text()
    if text == "half":
        text = good[: len(good) // 2]
    elif text == "negative":
        text = good.replace("1.0", "-1.0")
    elif text == "infinite":
        text = good.replace("5.0", "Infinity")
    assert text != good
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    again = ceilings()
    assert len(counted) == 2
    assert ceilings() == again
    assert len(counted) == 2


def test_another_machine_or_version_measures_for_itself(home, counted, monkeypatch):
    ceilings()
    here = describe()
    for changed in (replace(here, cpu="another"), replace(here, numba="0.1")):
        monkeypatch.setattr(ceilings_module, "describe", lambda changed=changed: changed)
        ceilings()
    monkeypatch.setattr(ceilings_module, "describe", lambda: here)
    monkeypatch.setattr(remember.platform, "node", lambda: "elsewhere")
    ceilings()
    assert len(counted) == 4
    assert len(list((home / "perflab").iterdir())) == 4


def test_other_kernels_are_measured_for_themselves(home, counted, monkeypatch, tmp_path):
    ceilings()
    edited = tmp_path / "machine.py"
    edited.write_text("# other kernels")
    monkeypatch.setattr(ceilings_module, "__file__", str(edited))
    ceilings()
    assert len(counted) == 2


def test_a_directory_that_cannot_be_made_is_no_obstacle(home, counted, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    assert ceilings() != ceilings()
    assert len(counted) == 2


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(home, counted, monkeypatch):
    old = ceilings()

    def refuse(source, target):
        raise PermissionError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(remember.os, "replace", refuse)
        assert ceilings(fresh=True) != old
    assert ceilings() == old
    assert len(list((home / "perflab").iterdir())) == 1


def test_no_home_is_no_obstacle(counted, monkeypatch):
    def homeless(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(remember.Path, "expanduser", homeless)
    ceilings()
    ceilings()
    assert len(counted) == 2


def test_caches_of_a_machine_for_the_model():
    told = (
        Cache(1, "Instruction", 64 << 10, 64, 1, 16),
        Cache(1, "Data", 48 << 10, 64, 1, 12),
        Cache(2, "Unified", 2 << 20, None, 1, 16),
        Cache(3, "Unified", 480 << 20, 64, 8, 16),
    )
    modeled = hierarchy(replace(describe(), caches=told))
    assert [(level.name, level.size, level.ways) for level in modeled.levels] == [
        ("L1", 48 << 10, 12),
        ("L2", 2 << 20, 16),
        ("L3", 256 << 20, 16),
    ]
    with pytest.raises(ValueError, match=r"take perflab\.models\.cache\.TEACHING"):
        hierarchy(replace(describe(), caches=(Cache(1, "Data", 48 << 10, 64, 1),)))
