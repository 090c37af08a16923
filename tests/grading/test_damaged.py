"""A dozen randomly damaged notebooks between honest ones; benchmarks/grading_damaged.py takes 500."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "grading_damaged.py"


def test_damaged_notebooks_end_in_a_verdict_and_cost_only_themselves(tmp_path):
    found = runpy.run_path(str(SCRIPT))["run"](tmp_path, count=12, seed=7, jobs=2)
    assert sum(found["points"].values()) == 12
